"""Noticing an unusual number of look-ups by one member of staff.

Counted are searches, doors that stayed closed, customers opened, and strangers looked at. One
alarm a day and person; it waits for somebody else to ask why (`few-see`).
"""

import uuid
from collections import Counter
from datetime import date, datetime, time, timedelta

from django.db import transaction
from django.db.models import Count
from django.db.models.functions import TruncDate
from django.utils import timezone

from accounts import emails
from accounts.models import User
from accounts.models.access import AccessAlarm, AccessGrant, LookUp
from accounts.policy import LOOK_UPS_COMPARED_OVER, is_unusual


class AlreadyClosedError(Exception):
    """Somebody has looked into it already."""


class OwnAlarmError(Exception):
    """Nobody closes an alarm about themselves."""


def watch_look_ups(now: datetime) -> int:
    """Raise what is unusual today and was yesterday; how many are new. Twice raises nothing more.

    Yesterday again, for its last hour has been counted by nobody.
    """
    today = timezone.localdate(now)
    return sum(watch_day(day, now=now) for day in (today - timedelta(days=1), today))


def watch_day(day: date, *, now: datetime) -> int:
    counted = look_ups_since(day - LOOK_UPS_COMPARED_OVER)
    on_the_day = {staff: number for (staff, when), number in counted.items() if when == day}
    raised = 0
    for staff, number in on_the_day.items():
        before = [each for (who, when), each in counted.items() if who == staff and when < day]
        usual = round(sum(before) / len(before)) if before else 0
        if is_unusual(number, usual=usual, days=len(before)):
            raised += raise_alarm(staff, day, number=number, usual=usual, now=now)
    return raised


def look_ups_since(first: date) -> Counter[tuple[uuid.UUID, date]]:
    """How many, per member of staff and day."""
    counted: Counter[tuple[uuid.UUID, date]] = Counter()
    # A moment and no date: an index on the column is of use.
    since = timezone.make_aware(datetime.combine(first, time.min))
    for model, moment in ((LookUp, "at"), (AccessGrant, "opened_at")):
        rows = (
            model._default_manager.filter(staff__isnull=False, **{f"{moment}__gte": since})
            .order_by()
            .values_list("staff_id", TruncDate(moment))
            .annotate(number=Count("pk"))
        )
        for staff, day, number in rows:
            counted[staff, day] += number
    return counted


@transaction.atomic
def raise_alarm(staff: uuid.UUID, day: date, *, number: int, usual: int, now: datetime) -> bool:
    """Whether it is new; of one that is open only the number grows."""
    alarm, new = AccessAlarm.objects.get_or_create(
        staff_id=staff,
        day=day,
        defaults={"number": number, "usual": usual, "raised_at": now},
    )
    if new:
        emails.send_look_up_alarm(alarm)
    else:
        AccessAlarm.objects.filter(pk=alarm.pk, closed_at=None).update(number=number)
    return new


def close_alarm(alarm: AccessAlarm, *, finding: str, actor: User, now: datetime) -> None:
    """What it was, by somebody else; a constraint holds that too."""
    if alarm.staff_id == actor.pk:
        raise OwnAlarmError
    closed = AccessAlarm.objects.filter(pk=alarm.pk, closed_at=None).update(
        closed_by=actor, closed_at=now, finding=finding
    )
    if not closed:
        raise AlreadyClosedError
