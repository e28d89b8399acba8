"""Telling who answers for a promise that it turned broken or unknown: once per turn, by mail.

A turn is a row (`PromiseAlert`), open until the promise is kept again or turns otherwise, and the
mail is written in the transaction that makes the row: two workers tell once, a killed one tells
later. A promise that nobody has ever looked at has not turned. If nothing works any more, nothing
here does either: that is what `verify_promises` and `/readyz` are asked from outside for.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import translation
from django.utils.html import strip_tags
from django.utils.translation import gettext as _

from clicksend_portal.promises.promise import Promise, State
from clicksend_portal.promises.registry import PROMISES
from clicksend_portal.promises.status import Status, statuses
from foundation.mail import write_mail
from retention.models import PromiseAlert

TOLD = (State.BROKEN, State.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Turn:
    """One promise as its owner reads of it."""

    status: Status
    alert: PromiseAlert
    url: str
    handbook: str

    @property
    def words(self) -> str:
        return str(self.status.state.label)

    @property
    def told(self) -> str:
        """What the reading found; of one that is too old, nothing: it says what was."""
        return strip_tags(self.status.told) if self.status.state == State.BROKEN else ""


def owner_of(promise_id: str) -> str:
    """Who answers for a promise; the privacy address unless somebody is named (PROMISE_OWNERS)."""
    owners: Mapping[str, str] = settings.PROMISE_OWNERS
    return owners.get(promise_id, settings.PRIVACY_EMAIL)


@transaction.atomic
def alert_owners(*, now: datetime, promises: Iterable[Promise] = PROMISES) -> int:
    """Compare what each promise is with what its owner knows. How many turns were told."""
    with translation.override(settings.LANGUAGE_CODE):
        turns = [turn for status in statuses(now, promises) if (turn := turn_of(status, now=now))]
        by_owner: dict[str, list[Turn]] = {}
        for turn in turns:
            by_owner.setdefault(turn.alert.told, []).append(turn)
        for owner, theirs in by_owner.items():
            send_promises_turned(owner, theirs)
    return len(turns)


def turn_of(status: Status, *, now: datetime) -> Turn | None:
    """The turn to tell, if this is one; what is over is closed on the way."""
    promise_id = status.promise.id
    open_alerts = PromiseAlert.objects.filter(promise=promise_id, over_at=None)
    open_alerts.exclude(state=status.state).update(over_at=now)
    if status.state not in TOLD or status.reading is None:
        return None
    alert, is_new = PromiseAlert.objects.get_or_create(
        promise=promise_id,
        over_at=None,
        defaults={"state": status.state, "turned_at": now, "told": owner_of(promise_id)},
    )
    if not is_new:
        return None
    return Turn(
        status=status,
        alert=alert,
        url=settings.PORTAL_URL + reverse("promise", args=[promise_id]),
        handbook=settings.PORTAL_URL + reverse("admin:promise_handbook", args=[promise_id]),
    )


def send_promises_turned(owner: str, turns: list[Turn]) -> None:
    write_mail(
        "portal/mail/promises_turned",
        to=owner,
        person_id=None,
        language=settings.LANGUAGE_CODE,
        context={
            "turns": turns,
            "first": turns[0],
            "number": len(turns),
            "why": _("You get this because this address answers for a promise of ours."),
        },
    )
