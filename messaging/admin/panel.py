"""What stands above a mailing's texts: its state, what can be done next, and how far it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from messaging import services
from messaging.admin.words import reason_words
from messaging.models import Mailing
from messaging.segments import shown_words

State = Mailing.State


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A button: the service it calls, what it says, and what the log says afterwards."""

    name: str
    label: str | Promise
    done: str | Promise
    weight: str = "plain"


APPROVE = Step(
    name="approve",
    label=gettext_lazy("Approve"),
    done=gettext_lazy("Approved."),
    weight="main",
)
START = Step(
    name="start",
    label=gettext_lazy("Send now"),
    done=gettext_lazy("Sending has started."),
    weight="main",
)
PAUSE = Step(name="pause", label=gettext_lazy("Pause"), done=gettext_lazy("Sending is paused."))
RESUME = Step(
    name="resume",
    label=gettext_lazy("Go on"),
    done=gettext_lazy("Sending goes on."),
    weight="main",
)
CANCEL = Step(
    name="cancel",
    label=gettext_lazy("Cancel the mailing"),
    done=gettext_lazy("Cancelled. What had not been handed over will not be sent."),
    weight="danger",
)
TEST = Step(
    name="test",
    label=gettext_lazy("Send a test mail to me"),
    done=gettext_lazy("Test mails in both languages are on their way to you."),
)
STEPS = {step.name: step for step in (APPROVE, START, PAUSE, RESUME, CANCEL, TEST)}

NEXT: dict[str, Sequence[Step]] = {
    State.DRAFT: (APPROVE, TEST),
    State.APPROVED: (START, TEST, CANCEL),
    State.SENDING: (PAUSE, CANCEL),
    State.PAUSED: (RESUME, CANCEL),
    State.CANCELLED: (),
    State.FINISHED: (),
}
# Where the worker may change something while one looks.
LIVE = (State.APPROVED, State.SENDING, State.PAUSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    words: str
    number: int


def panel(mailing: Mailing, *, may_act: bool, now: datetime) -> dict[str, Any]:
    """The context of the panel's template."""
    context: dict[str, Any] = {
        "mailing": mailing,
        "steps": NEXT[mailing.state] if may_act else (),
        "is_live": mailing.state in LIVE and (mailing.state != State.APPROVED or mailing.send_at),
        "every": "2s" if mailing.state == State.SENDING else "10s",
        "goes_out": goes_out(mailing),
        "read": services.version_of(mailing),
    }
    if mailing.state in (State.DRAFT, State.APPROVED):
        return {**context, **audience(mailing, now=now)}
    return {**context, **progress(mailing)}


def goes_out(mailing: Mailing) -> str:
    """When it is timed for, by the clock it was written in, which is named."""
    if mailing.send_at is None:
        return ""
    there = timezone.localtime(mailing.send_at, ZoneInfo(settings.TIME_ZONE))
    values = {"moment": date_format(there, "DATETIME_FORMAT"), "zone": settings.TIME_ZONE}
    if getattr(mailing, "in_customers_zone", False):
        return _("Goes out by itself at %(moment)s by each customer's own clock.") % values
    return _("Goes out by itself at %(moment)s (%(zone)s), to all at once.") % values


def audience(mailing: Mailing, *, now: datetime) -> dict[str, Any]:
    """Whom it reaches now and why not the others, before anything is sent."""
    counted = services.audience_preview(mailing, now=now)
    reached = counted.pop("reached", 0)
    return {
        "reached": reached,
        "reached_words": shown_words(reached) if getattr(mailing, "segment", None) else "",
        "others": sum(counted.values()),
        "reasons": lines(counted),
    }


def progress(mailing: Mailing) -> dict[str, Any]:
    found = services.progress(mailing)
    return {
        "progress": found,
        "counts": [
            Line(words=_("sent"), number=found.sent),
            Line(words=_("waiting"), number=found.waiting),
            Line(words=_("withheld"), number=found.withheld),
            Line(words=_("failed"), number=found.failed),
            Line(words=_("in doubt"), number=found.in_doubt),
        ],
        "reasons": lines(found.reasons),
    }


def lines(counted: dict[str, int]) -> list[Line]:
    return [Line(words=reason_words(reason), number=number) for reason, number in counted.items()]
