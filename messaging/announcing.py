"""Service announcements: rare, strictly service, and never by one pair of eyes.

Every active customer gets one, whatever they chose; that is why the rules are harder than for what
was asked for (`service-is-service`). Who may approve, what may go out on call at night, and that
another looks at it afterwards also stands in the database (migration 0006): what is decided here
first is decided there again, for whoever comes by another door.
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from email.utils import parseaddr

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import User
from messaging.checklist import refuse_missing_pictures
from messaging.contents import as_typed
from messaging.marketing_check import Passage, find_marketing
from messaging.models import Mailing, Message, ServiceAnnouncement
from messaging.outbox import wake_after_commit
from messaging.policy import REVIEW_WORKING_DAYS, SAME_PRESS, working_days_later
from messaging.refusals import NotAllowed, Unfit, WrongState

APPROVE = "messaging.approve_serviceannouncement"
SEND_STANDING = "messaging.send_standing_text"
FIELDS = ("subject", "preheader", "body")
LANGUAGES = ("nb", "en")
COPIED = (
    *(f"{field}_{language}" for field in FIELDS for language in LANGUAGES),
    "category",
    "author_id",
    "edited_by_id",
    "edited_at",
    "writers",
    "approved_by_id",
    "approved_at",
)

# --- what it may say, and under which name -------------------------------------------------------


def marketing_in(announcement: ServiceAnnouncement) -> Iterator[tuple[str, str, list[Passage]]]:
    """Field, language and passages of each text in which something advertises or watches."""
    for language in LANGUAGES:
        for field in FIELDS:
            text = as_typed(announcement.text(field, language))
            if found := find_marketing(text, language, announcement.category):
                yield field, language, found


def has_own_sender() -> bool:
    """Readers and their filters tell service from newsletter by the address (`SERVICE_FROM`)."""
    service, news = (
        parseaddr(sender)[1].casefold() for sender in (settings.SERVICE_FROM, settings.NEWS_FROM)
    )
    return service != news


def check_fit(announcement: ServiceAnnouncement) -> None:
    """Nothing in it advertises, and it does not come under the newsletter's name; or `Unfit`."""
    if not has_own_sender():
        raise Unfit(
            _(
                "Service announcements need a sender address of their own: SERVICE_FROM is the "
                "same as NEWS_FROM."
            )
        )
    for _field, _language, found in marketing_in(announcement):
        raise Unfit(
            _("This is advertising, or watches who reads: “%(words)s”. %(why)s")
            % {"words": found[0].words, "why": found[0].why}
        )


# --- the second pair of eyes ---------------------------------------------------------------------


def why_not_approve(announcement: ServiceAnnouncement, user: User) -> str:
    """Why this person cannot approve it; empty when they may."""
    writers = {announcement.author_id, announcement.edited_by_id, *announcement.writers}
    if user.pk in writers:
        return _("You wrote this: somebody else must read and approve it.")
    if not user.has_perm(APPROVE):
        return _("You may not approve service announcements: somebody who may must read it.")
    return ""


def check_approval(announcement: ServiceAnnouncement, *, actor: User) -> None:
    """Another person approves it, and it is fit to go out; or the reason why not."""
    if refusal := why_not_approve(announcement, actor):
        raise NotAllowed(refusal)
    check_fit(announcement)


def check_start(announcement: ServiceAnnouncement) -> None:
    """Looked at again: words may have joined the list, and a name the settings, since."""
    if announcement.is_standing:
        raise WrongState(_("A standing text is never sent itself, only a copy of it."))
    if announcement.state == Mailing.State.APPROVED and announcement.approved_by_id is None:
        raise NotAllowed(
            _("Whoever approved this has no account any more. Save it anew, and let another read.")
        )
    check_fit(announcement)


# --- how rare ------------------------------------------------------------------------------------


def month_of(now: datetime) -> datetime:
    """The first instant of the calendar month as our readers live it (`TIME_ZONE`)."""
    local = timezone.localtime(now, timezone.get_default_timezone())
    return local.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def sent_this_month(now: datetime) -> QuerySet[ServiceAnnouncement]:
    """Each that was started; of what was cancelled on the way, what somebody may have received."""
    handed = Message.objects.filter(mailing_id=OuterRef("pk"), handed_at__isnull=False)
    found: QuerySet[ServiceAnnouncement] = ServiceAnnouncement.objects.filter(
        ~Q(state=Mailing.State.CANCELLED) | Exists(handed),
        resolved_at__gte=month_of(now),
        resolved_at__lte=now,
    )
    return found


def read_by_nobody_else() -> Q:
    """Went out, and nobody but its writers ever approved it."""
    by_a_writer = Q(writers__contains=[F("approved_by")])
    # Of what was sent before there was a list, only these are known.
    for name in ("author", "edited_by"):
        by_a_writer |= Q(approved_by=F(name))
    return Q(approved_at=None) | by_a_writer


# --- on call -------------------------------------------------------------------------------------


def send_standing(text: ServiceAnnouncement, *, actor: User, now: datetime) -> ServiceAnnouncement:
    """Send a copy of an approved standing text at once, alone; another reviews it afterwards.

    The copy is the text byte for byte, and carries its approval; the database lets nothing else
    pass. Pressing twice sends once. A text waits for its review before it can be sent again:
    whoever wants the same words a second time needs the second person anyway.
    """
    if not actor.has_perm(SEND_STANDING):
        raise NotAllowed(_("You may not send standing texts."))
    with transaction.atomic():
        origin = ServiceAnnouncement.objects.select_for_update(of=("self",)).get(pk=text.pk)
        if not origin.is_standing or origin.state != Mailing.State.APPROVED:
            raise WrongState(_("Only a standing text that has been approved can be sent so."))
        if origin.approved_by_id is None:
            raise NotAllowed(
                _(
                    "Whoever approved this has no account any more. Save it anew, and let another "
                    "read."
                )
            )
        check_fit(origin)
        refuse_missing_pictures(origin)
        copied = {name: getattr(origin, name) for name in COPIED}
        try:
            with transaction.atomic():
                copy: ServiceAnnouncement = ServiceAnnouncement.objects.create(
                    **copied,
                    prepared_from=origin,
                    sent_by=actor,
                    state=Mailing.State.SENDING,
                    resolved_at=now,
                )
        except IntegrityError as refusal:
            if "messaging_one_copy_until_reviewed" not in str(refusal):
                raise
            return _sent_already(origin, actor=actor, now=now)
        wake_after_commit("messaging.tasks.run_mailings")
    return copy


def _sent_already(
    origin: ServiceAnnouncement, *, actor: User, now: datetime
) -> ServiceAnnouncement:
    former: ServiceAnnouncement = to_review().get(prepared_from=origin)
    if (
        former.sent_by_id == actor.pk
        and former.resolved_at
        and now - former.resolved_at < SAME_PRESS
    ):
        return former
    sent = timezone.localtime(former.resolved_at)
    raise WrongState(
        _(
            "This text was sent %(moment)s, and nobody has reviewed that yet. After the review it "
            "can be sent again."
        )
        % {"moment": date_format(sent, "DATETIME_FORMAT")}
    )


# --- the review afterwards -----------------------------------------------------------------------


def to_review() -> QuerySet[ServiceAnnouncement]:
    """What one person sent alone, and no other has looked at yet; the oldest first."""
    found: QuerySet[ServiceAnnouncement] = ServiceAnnouncement.objects.filter(
        prepared_from__isnull=False, reviewed_at=None
    )
    return found.order_by("resolved_at")


def review_until(sent_at: datetime) -> date:
    """The last day on which the review is in time."""
    day = timezone.localtime(sent_at, timezone.get_default_timezone()).date()
    return working_days_later(day, REVIEW_WORKING_DAYS)


def is_overdue(announcement: ServiceAnnouncement, *, now: datetime) -> bool:
    """The end of the last day has passed without a review."""
    if announcement.prepared_from_id is None or announcement.reviewed_at is not None:
        return False
    assert announcement.resolved_at is not None
    after = review_until(announcement.resolved_at) + timedelta(days=1)
    return now >= timezone.make_aware(
        datetime.combine(after, time.min), timezone.get_default_timezone()
    )


def overdue_reviews(now: datetime) -> list[ServiceAnnouncement]:
    return [announcement for announcement in to_review() if is_overdue(announcement, now=now)]


def why_not_review(announcement: ServiceAnnouncement, user: User) -> str:
    """Why this person cannot review it; empty when they may."""
    if user.pk == announcement.sent_by_id:
        return _("You sent this: somebody else must look at it.")
    if not user.has_perm(APPROVE):
        return _("You may not review service announcements: somebody who may must look at it.")
    return ""


@transaction.atomic
def review(announcement: ServiceAnnouncement, *, actor: User, note: str, now: datetime) -> None:
    """Another has looked at what was sent on call, and says what they found. Written once."""
    found = ServiceAnnouncement.objects.select_for_update(of=("self",)).get(pk=announcement.pk)
    if found.prepared_from_id is None:
        raise WrongState(_("Only what was sent on call is reviewed afterwards."))
    if refusal := why_not_review(found, actor):
        raise NotAllowed(refusal)
    if not note.strip():
        raise WrongState(_("Write what you found; “nothing to remark” is an answer too."))
    if found.reviewed_at is None:
        found.reviewed_by, found.reviewed_at, found.review_note = actor, now, note.strip()
        found.save(update_fields=["reviewed_by", "reviewed_at", "review_note"])
    elif found.reviewed_by_id != actor.pk:
        raise WrongState(_("Somebody has reviewed this already."))
    announcement.refresh_from_db(fields=["reviewed_by", "reviewed_at", "review_note"])
