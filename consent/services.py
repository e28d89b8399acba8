"""The doors through which a choice comes in. All writes of consent are here.

Each calls one function of the database, the only thing that may write a choice: preference and
event together, so neither can exist without the other, and concurrent changes of one person queue
on the preference row. Saying the same again changes nothing and writes nothing; one exception: a no
or a pause by another way while a mail's link could still take it back is an event of its own, and
from then on nothing takes it back.
"""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from accounts.models import User
from consent import emails, suppression
from consent.models import (
    WORDING_UNKNOWN,
    ConsentDetail,
    Preference,
    Source,
    State,
    Suppression,
    Topic,
)
from consent.policy import PAUSE_MONTHS, undo_is_open
from foundation.calendar import months_later
from foundation.prepared import PreparedStatement

SELF = "self"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What the person saw when choosing; an unknown wording is None."""

    language: str = ""
    wording_version: int | None = None
    mailing: int = 0


NOTHING_SHOWN = Shown()

# The statement of every one-click POST.
_CHANGE = PreparedStatement(
    "consent_change",
    "SELECT consent_change($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
)


def _change(
    person_id: uuid.UUID,
    choices: Mapping[uuid.UUID, str],
    *,
    source: Source,
    actor: str,
    now: datetime,
    shown: Shown = NOTHING_SHOWN,
    reason: str = "",
    received_at: datetime | None = None,
    expected: int | None = None,
) -> list[uuid.UUID]:
    changed = _CHANGE.fetch_column(
        connection,
        (
            str(person_id),
            f"{{{','.join(map(str, choices))}}}",
            f"{{{','.join(choices.values())}}}",
            source.value,
            actor,
            reason,
            shown.language,
            None if shown.wording_version is None else str(shown.wording_version),
            "true" if source in WORDING_UNKNOWN else "false",
            str(shown.mailing),
            now.isoformat(),
            None if received_at is None else received_at.isoformat(),
            None if expected is None else str(expected),
        ),
    )
    return [uuid.UUID(topic) for topic in changed]


def record_choices(
    person_id: uuid.UUID,
    answers: Mapping[uuid.UUID, bool],
    *,
    source: Source,
    actor: str = SELF,
    now: datetime,
    shown: Shown = NOTHING_SHOWN,
) -> list[uuid.UUID]:
    """The person's own yes or no to each topic; the topics whose choice changed.

    A yes to a retired topic is none. A yes to mail, said signed in, ends what a complaint barred,
    also where it stood already: whoever reported us as unwanted wants us again.
    """
    choices = {
        topic: State.GRANTED.value if yes else State.REFUSED.value for topic, yes in answers.items()
    }
    with transaction.atomic():
        changed = _change(person_id, choices, source=source, actor=actor, now=now, shown=shown)
        if source in SIGNED_IN:
            _welcome_again(person_id, [topic for topic, yes in answers.items() if yes])
    return changed


def _welcome_again(person_id: uuid.UUID, topics: list[uuid.UUID]) -> None:
    """Whoever wants one of these mails wants mail; tailoring and reference bring none."""
    if topics and Topic.objects.mail().filter(pk__in=topics).exists():
        _lift(person_id, suppression.BARRED_BY_OWN_WILL)


def _lift(person_id: uuid.UUID, reasons: tuple[Suppression.Reason, ...]) -> None:
    for email in User.objects.filter(pk=person_id).values_list("email", flat=True):
        suppression.lift(email, reasons=reasons)


def record_opt_out(
    person_id: uuid.UUID,
    topics: Iterable[uuid.UUID],
    *,
    source: Source,
    actor: str = SELF,
    now: datetime,
    shown: Shown = NOTHING_SHOWN,
    reason: str = "",
    received_at: datetime | None = None,
) -> list[uuid.UUID]:
    """Every way out ends here. Once it returns, nothing of these topics is handed over any more.

    Nothing else needs telling: the hand-over of each message asks the preference it changed
    (`obeyed-in-minutes`). A topic never asked becomes a refusal, a yes a withdrawal. Of whoever is
    erased at that moment nothing is left to change.
    """
    return _change(
        person_id,
        dict.fromkeys(topics, State.REFUSED.value),
        source=source,
        actor=actor,
        now=now,
        shown=shown,
        reason=reason,
        received_at=received_at,
    )


def optional_topics() -> list[uuid.UUID]:
    """Every topic of optional mail, for "nothing optional at all"; retired ones too."""
    return list(Topic.objects.filter(kind=Topic.Kind.MAIL).values_list("id", flat=True))


def everything_optional(person_id: uuid.UUID) -> list[uuid.UUID]:
    """What a no to everything, or a pause of it, means for this person.

    Mails and calls of the reference program are optional too, so each of its activities they ever
    answered is in it. One never asked for needs no no; tailoring is a choice of its own.
    """
    answered = Preference.objects.of(person_id).values("topic_id")
    program = Q(kind=Topic.Kind.REFERENCE, pk__in=answered)
    everything = Topic.objects.filter(Q(kind=Topic.Kind.MAIL) | program)
    return list(everything.values_list("id", flat=True))


def takes_part(person_id: uuid.UUID) -> bool:
    """Whether a yes to any activity of the reference program stands, retired ones too."""
    yeses = Preference.objects.of(person_id).filter(state=State.GRANTED)
    return bool(yeses.filter(topic__kind=Topic.Kind.REFERENCE).exists())


def record_pause(
    person_id: uuid.UUID,
    topics: Iterable[uuid.UUID],
    *,
    months: int | None,
    source: Source,
    actor: str = SELF,
    now: datetime,
    shown: Shown = NOTHING_SHOWN,
) -> list[uuid.UUID]:
    """Every yes among the topics rests for 1, 3 or 6 months; None ends the rest. No no changes.

    A rest is shortened or ended only by its owner, signed in; by any other way it gets longer.
    """
    if months is not None and months not in PAUSE_MONTHS:
        raise ValueError(f"a pause lasts {PAUSE_MONTHS} months")
    until = None if months is None else months_later(now, months)
    return _call(
        "consent_pause",
        person_id,
        list(topics),
        until,
        source.value,
        actor,
        shown.language,
        source in WORDING_UNKNOWN,
        shown.mailing,
        now,
    )


def undo_last(
    person_id: uuid.UUID,
    topic_id: uuid.UUID,
    *,
    source: Source,
    actor: str = SELF,
    now: datetime,
    shown: Shown = NOTHING_SHOWN,
) -> bool:
    """Take the latest change of one topic back; whether anything changed.

    From a mail's link only what was done from a mail, and only within the hour: so a forwarded
    mail can never say yes for its owner. What cannot be undone stays as it is. A no taken back
    signed in is a yes said signed in.
    """
    last = last_change(person_id, topic_id)
    if not can_undo(last, source=source, now=now):
        return False
    assert last is not None
    # The database asks the same once more, under its lock, and of the newest event alone.
    with transaction.atomic():
        (undone,) = _call(
            "consent_undo",
            person_id,
            topic_id,
            last.version,
            source.value,
            actor,
            shown.language,
            shown.mailing,
            now,
        )
        back_to_yes = last.state != State.GRANTED and last.state_before == State.GRANTED
        if undone and back_to_yes and source in SIGNED_IN:
            _welcome_again(person_id, [topic_id])
    return bool(undone)


def _call(function: str, *arguments: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.callproc(function, arguments)
        return [row[0] for row in cursor.fetchall()]


FROM_MAIL = (Source.ONE_CLICK, Source.LINK, Source.MAIL_PREFERENCES)
SIGNED_IN = (Source.PREFERENCES, Source.API_SIGNED_IN)


def last_change(person_id: uuid.UUID, topic_id: uuid.UUID) -> ConsentDetail | None:
    """The newest event of one person and topic."""
    return last_changes(person_id).get(topic_id)


def last_changes(person_id: uuid.UUID) -> dict[uuid.UUID, ConsentDetail]:
    """The newest event of each topic of one person."""
    newest = (
        ConsentDetail.objects.of(person_id).order_by("topic_id", "-version").distinct("topic_id")
    )
    return {detail.topic_id: detail for detail in newest}


def can_undo(last: ConsentDetail | None, *, source: Source, now: datetime) -> bool:
    """Whether the latest event may be taken back by this way."""
    if last is None or last.undone or not last.state_before or last.changed_nothing:
        return False
    if source in FROM_MAIL:
        return last.source in FROM_MAIL and undo_is_open(last.at, now)
    return source in SIGNED_IN


def undo_latest(
    person_id: uuid.UUID, *, source: Source, now: datetime, shown: Shown = NOTHING_SHOWN
) -> list[uuid.UUID]:
    """Take back what the latest act changed, be it one topic or all, as far as `source` may."""
    open_ones = [
        last for last in last_changes(person_id).values() if can_undo(last, source=source, now=now)
    ]
    latest = max((last.at for last in open_ones), default=now)
    return [
        last.topic_id
        for last in open_ones
        if last.at == latest
        and undo_last(person_id, last.topic_id, source=source, now=now, shown=shown)
    ]


def current_preferences(person_id: uuid.UUID) -> dict[uuid.UUID, Preference]:
    """Standing choices by topic; a topic missing here was never asked."""
    return {row.topic_id: row for row in Preference.objects.of(person_id)}


@transaction.atomic
def ask_to_confirm_yes(person_id: uuid.UUID, topic: Topic, *, now: datetime) -> None:
    """A yes asked for from a mail's link: its owner confirms it from a mail of its own.

    Whoever is named, the answer on the page is the same. A retired topic asks nobody any more.
    """
    person = User.objects.filter(pk=person_id, is_active=True).first()
    preference = Preference.objects.of(person_id).filter(topic=topic).first()
    if topic.retired_at is not None or person is None:
        return
    if preference is None or preference.state != State.GRANTED:
        version = 0 if preference is None else preference.version
        emails.send_confirm_yes(person, topic, version=version, now=now)


@transaction.atomic
def confirm_yes(
    person_id: uuid.UUID, topic_id: uuid.UUID, *, version: int, now: datetime, shown: Shown
) -> bool:
    """The link of that mail was used: a yes, unless the person chose anew since; twice is once.

    It proves the address and its owner's will, so neither a bounce nor a complaint bars it longer.
    """
    yes = {topic_id: State.GRANTED.value}
    if _change(
        person_id,
        yes,
        source=Source.CONFIRMED,
        actor=SELF,
        now=now,
        shown=shown,
        expected=version,
    ):
        _lift(person_id, suppression.BARRED_UNTIL_CONFIRMED)
        return True
    standing = current_preferences(person_id).get(topic_id)
    return standing is not None and standing.state == State.GRANTED
