"""Legal holds: placed by one person, approved by another, looked at again, released with a reason.

A hold counts from the moment it is placed; `retention.holding` decides what it keeps. Nothing here
touches mail or a choice: a hold never revives the one and never stops the other.
"""

import uuid
from datetime import date, datetime

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import User
from foundation.calendar import is_nameable
from messaging.outbox import wake_after_commit
from retention.holding import hold_lock
from retention.models import LegalHold
from retention.policy import HOLD_REVIEW, HOLD_UNAPPROVED

APPROVE = "retention.approve_legalhold"


class HoldRefused(Exception):
    """What was asked for cannot be done; the message says why, to whoever pressed the button."""


@transaction.atomic
def place_hold(
    *,
    reason: str,
    reference: str,
    review_on: date,
    actor: User,
    now: datetime,
    customer_id: uuid.UUID | None = None,
    data_class: str = "",
    since: date | None = None,
    until: date | None = None,
) -> LegalHold:
    """In force from the commit on: it waits for the batch under way, and none begins meanwhile."""
    if not reason.strip() or not reference.strip():
        raise HoldRefused(_("A hold needs a reason and a case number."))
    if customer_id is None and not data_class and since is None and until is None:
        raise HoldRefused(_("Say what to hold: a customer, a class of data or a span of time."))
    if since and until and until < since:
        raise HoldRefused(_("The span of time ends before it begins."))
    if not all(is_nameable(day) for day in (since, until) if day is not None):
        raise HoldRefused(_("Choose a day from 1970 to 2100."))
    if customer_id is not None and not User.objects.filter(pk=customer_id).exists():
        raise HoldRefused(_("There is no such customer any more."))
    check_review(review_on, now)
    hold_lock(shared=False)
    hold = LegalHold(
        customer_id=customer_id,
        data_class=data_class,
        since=since,
        until=until,
        reason=reason.strip(),
        reference=reference.strip(),
        review_on=review_on,
        placed_by=actor,
        placed_at=now,
    )
    hold.save(force_insert=True)
    return hold


@transaction.atomic
def approve_hold(hold_id: uuid.UUID, *, actor: User, now: datetime) -> LegalHold:
    """By somebody else than who placed it; the database holds that too."""
    hold = lock_hold(hold_id)
    if why := why_not_approve(hold, actor, now=now):
        raise HoldRefused(why)
    hold.approved_by, hold.approved_at = actor, now
    hold.save(update_fields=["approved_by", "approved_at"])
    return hold


@transaction.atomic
def review_hold(hold_id: uuid.UUID, *, review_on: date, actor: User, now: datetime) -> LegalHold:
    """It is needed still, and looked at again on that day."""
    hold = lock_hold(hold_id)
    if not actor.has_perm(APPROVE):
        raise HoldRefused(_("You may not approve holds."))
    if hold.released_at is not None:
        raise HoldRefused(_("This hold is released."))
    check_review(review_on, now)
    hold.review_on = review_on
    hold.save(update_fields=["review_on"])
    return hold


@transaction.atomic
def release_hold(hold_id: uuid.UUID, *, reason: str, actor: User, now: datetime) -> LegalHold:
    """What it held goes on: rules at night, deletions within the minute."""
    hold = lock_hold(hold_id)
    if why := why_not_release(hold, actor):
        raise HoldRefused(why)
    if not reason.strip():
        raise HoldRefused(_("Say why it is released."))
    hold.released_by, hold.released_at = actor, now
    hold.release_reason = reason.strip()[:300]
    hold.save(update_fields=["released_by", "released_at", "release_reason"])
    wake_after_commit("retention.tasks.run_deletions")
    return hold


def lock_hold(hold_id: uuid.UUID) -> LegalHold:
    return LegalHold.objects.select_for_update().get(pk=hold_id)


def check_review(review_on: date, now: datetime) -> None:
    last = (now + HOLD_REVIEW).date()
    if not now.date() < review_on <= last:
        raise HoldRefused(
            _("Look at it again on a day from tomorrow until %(day)s.")
            % {"day": date_format(last, "DATE_FORMAT")}
        )


def why_not_approve(hold: LegalHold, actor: User, *, now: datetime) -> str:
    """'' when this person may approve it now."""
    if hold.released_at is not None:
        return _("This hold is released.")
    if hold.approved_at is not None:
        return _("This hold is approved already.")
    if is_lapsed(hold, now):
        return _("Nobody approved it in time, so it holds nothing any more. Place it anew.")
    if hold.placed_by_id == actor.pk:
        return _("Somebody else must approve a hold you placed.")
    if not actor.has_perm(APPROVE):
        return _("You may not approve holds.")
    return ""


def why_not_release(hold: LegalHold, actor: User) -> str:
    """Whoever may approve; one that nobody approved yet also by who placed it."""
    if hold.released_at is not None:
        return _("This hold is released.")
    own = hold.approved_at is None and hold.placed_by_id == actor.pk
    return "" if own or actor.has_perm(APPROVE) else _("You may not release this hold.")


def is_lapsed(hold: LegalHold, now: datetime) -> bool:
    """Placed, never approved, and too long ago to count."""
    waiting = hold.approved_at is None and hold.released_at is None
    return waiting and hold.placed_at <= now - HOLD_UNAPPROVED


def to_look_at(now: datetime) -> QuerySet[LegalHold]:
    """Those that wait for a second person, and those whose day has come; the most urgent first."""
    waiting = Q(approved_at__isnull=True)
    due = Q(review_on__lte=now.date())
    return LegalHold.objects.filter(waiting | due, released_at__isnull=True).order_by(
        "review_on", "placed_at"
    )
