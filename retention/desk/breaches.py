"""The register of breaches and its clock (GDPR art. 33 and 34).

72 hours from when we became aware of one the authority is told, unless a risk to people is
unlikely; later only with the reason. The register documents every breach, that one as well.
"""

import uuid
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.models import User
from retention.desk import emails
from retention.models import Breach
from retention.policy import BREACH_ALARMS


class CaseRefused(Exception):
    """What a case still lacks before it can be closed."""


def open_cases() -> QuerySet[Breach]:
    """What is not closed; whose clock ends first, first."""
    return Breach.objects.filter(closed_at=None).order_by("aware_at")


def clocks_running() -> QuerySet[Breach]:
    """Those of which it is not settled whether the authority is told."""
    return open_cases().filter(notified_at=None, not_notified_because="")


def hours_left(breach: Breach, now: datetime) -> int:
    """Whole hours, rounded down: of 71 and a half 71 are left. Negative once they are over."""
    return int((breach.notify_by - now).total_seconds() // 3600)


@transaction.atomic
def announce_breach(breach: Breach, *, now: datetime) -> None:
    """At once, to who answers for privacy. That is the alarm of what has passed of the clock."""
    breach.alarms = alarms_due(breach, now)
    breach.save(update_fields=["alarms"])
    emails.send_breach_alarm(breach, hours=hours_left(breach, now))


def alarms_due(breach: Breach, now: datetime) -> int:
    return sum(breach.notify_by - now <= left for left in BREACH_ALARMS)


def watch_breaches(now: datetime) -> int:
    """Every few minutes: alarm at 24 and 6 hours left, and when they are over. How many mails.

    Each alarm once; one that registered late, or a worker that slept, makes one mail of several.
    """
    sent = 0
    for key in clocks_running().values_list("pk", flat=True):
        sent += alarm(key, now=now)
    return sent


@transaction.atomic
def alarm(breach_id: uuid.UUID, *, now: datetime) -> bool:
    breach = clocks_running().select_for_update().filter(pk=breach_id).first()
    if breach is None:
        return False
    due = alarms_due(breach, now)
    if due <= breach.alarms:
        return False
    breach.alarms = due
    breach.save(update_fields=["alarms"])
    emails.send_breach_alarm(breach, hours=hours_left(breach, now))
    return True


@transaction.atomic
def close_breach(breach_id: uuid.UUID, *, actor: User, now: datetime) -> None:
    """With the risk, the measures and both decisions on record. Twice is once."""
    breach = Breach.objects.select_for_update().get(pk=breach_id)
    if breach.closed_at is not None:
        return
    breach.closed_at, breach.closed_by = now, actor
    if lacks := what_lacks(breach):
        raise CaseRefused(" ".join(lacks))
    breach.save(update_fields=["closed_at", "closed_by"])


def what_lacks(breach: Breach) -> list[str]:
    """What a closed case must say, in the words of the law; the database holds the same."""
    risk = Breach.Risk(breach.risk)
    found = []
    if risk == Breach.Risk.UNKNOWN:
        found.append(_("Assess the risk to people."))
    if not breach.measures:
        found.append(_("Write down what was done about it."))
    if breach.notified_at is None and not breach.not_notified_because:
        found.append(_("Say when the authority was told, or why it is not."))
    if breach.notified_at is None and risk in (Breach.Risk.RISK, Breach.Risk.HIGH):
        found.append(_("With a risk to people the authority has to be told (art. 33 (1))."))
    if breach.people_told_at is None and not breach.people_untold:
        found.append(_("Say when the people were told, or why they are not (art. 34)."))
    untold_for_low_risk = breach.people_untold == Breach.WhyUntold.NO_HIGH_RISK
    if risk == Breach.Risk.HIGH and breach.people_told_at is None and untold_for_low_risk:
        found.append(_("With a high risk the people have to be told (art. 34 (1))."))
    return found
