"""Which rows a legal hold keeps, asked anew inside every batch.

A hold stops rules and erasures, and nothing else: no permission to send is derived from a row that
is still there, and opt-outs are written whatever is held.

A batch and a drop take the hold lock shared, placing a hold takes it alone. So a hold either
commits before a batch reads the holds, or waits until that batch has committed: none is missed in
mid-run. The lock is a transaction's first: whoever has it waits for rows, never the reverse.
"""

import uuid
from datetime import UTC, datetime, time
from functools import reduce
from operator import or_
from typing import Any

from django.db import connection
from django.db.models import (
    CharField,
    DateField,
    DateTimeField,
    Exists,
    OuterRef,
    Q,
    QuerySet,
)
from django.db.models.functions import Cast

from foundation.calendar import day_after
from foundation.ids import uuid7_floor
from retention.detached import has_detached
from retention.entries import Entry, Removal
from retention.models import LegalHold
from retention.policy import HOLD_UNAPPROVED
from retention.schedule import ENTRIES, SCHEDULE, model_of, personal_entries

ACCOUNT = "accounts.User"
STAFF_LOG = "admin.LogEntry"
HOLD = "retention.LegalHold"
HELD_ROW = "retention.HeldRow"
# Copies of what is held where it stands, made to be fetched or read once: a hold needs no copy.
COPIES = frozenset({"retention.Export", "retention.ExportPart", "messaging.UploadPart"})

# A row that a held one refers to stays with it: by which column.
LEANS_ON: dict[str, dict[str, str]] = {
    "messaging.ContactList": {
        "messaging.Contact": "contact_list",
        "messaging.ListUpload": "contact_list",
    },
    "messaging.ListUpload": {"messaging.UploadProblem": "upload"},
}


def with_leaning(name: str) -> list[str]:
    """The class, and those whose rows refer to one of it, or to one that does."""
    leaning = [each for child in LEANS_ON.get(name, ()) for each in with_leaning(child)]
    return [name, *leaning]


def hold_lock(*, shared: bool) -> None:
    """For the rest of the transaction: nobody places a hold meanwhile, or (alone) nothing goes."""
    kind = "_shared" if shared else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT pg_advisory_xact_lock{kind}(hashtext('retention'), hashtext('holds'))"
        )


def holds_now(now: datetime) -> list[LegalHold]:
    """Those in force: not released, and approved or placed a moment ago.

    An unapproved one counts for `HOLD_UNAPPROVED`, for what is gone cannot be held any more.
    """
    fresh = Q(approved_at__isnull=False) | Q(placed_at__gt=now - HOLD_UNAPPROVED)
    return list(LegalHold.objects.filter(fresh, released_at__isnull=True).order_by("placed_at"))


def exclude_held(entry: Entry, rows: QuerySet[Any], *, now: datetime) -> QuerySet[Any]:
    """The rows of this class that no hold in force names."""
    for condition in conditions_now(entry, now):
        rows = rows.exclude(condition)
    return rows


def only_held(entry: Entry, rows: QuerySet[Any], *, now: datetime) -> QuerySet[Any]:
    """The rows of this class that a hold in force names."""
    conditions = conditions_now(entry, now)
    if not conditions:
        return rows.none()
    return rows.filter(reduce(or_, conditions))


def is_person_held(entry: Entry, person_id: uuid.UUID, *, now: datetime) -> bool:
    """Whether a row of this class about the person is held.

    The account itself is held with any row about them: what is left must still lead to somebody.
    """
    holds = holds_now(now)
    if not holds:
        return False
    if entry.model == ACCOUNT:
        return any(_has_held(each, person_id, holds) for each in personal_entries())
    return _has_held(entry, person_id, holds)


def _has_held(entry: Entry, person_id: uuid.UUID, holds: list[LegalHold]) -> bool:
    about = model_of(entry)._base_manager.filter(_about(entry, person_id))
    return any(
        about.filter(condition).exists() or has_detached(about.filter(condition))
        for hold in holds
        if (condition := held_by(hold, entry)) is not None
    )


def conditions_now(entry: Entry, now: datetime) -> list[Q | Exists]:
    """What a row of this class meets when one of the holds in force names it."""
    found: list[Q | Exists] = []
    for hold in holds_now(now):
        if (condition := held_by(hold, entry)) is not None:
            found.append(condition)
        if entry.model == ACCOUNT:
            found += _of_whole_accounts(hold)
    for name, column in LEANS_ON.get(entry.model, {}).items():
        if conditions := conditions_now(ENTRIES[name], now):
            rows = model_of(ENTRIES[name])._base_manager.filter(reduce(or_, conditions))
            found.append(Exists(rows.filter(**{column: OuterRef("pk")})))
    return found


def _of_whole_accounts(hold: LegalHold) -> list[Exists]:
    """Accounts with a held row in another class."""
    found = []
    for each in personal_entries():
        if each.model in {ACCOUNT, STAFF_LOG} or (condition := held_by(hold, each)) is None:
            continue
        theirs = model_of(each)._base_manager.filter(condition, **{each.subject: OuterRef("pk")})
        found.append(Exists(theirs))
    if (condition := held_by(hold, ENTRIES[STAFF_LOG])) is not None:
        named = model_of(ENTRIES[STAFF_LOG])._base_manager.filter(
            condition,
            content_type__app_label="accounts",
            content_type__model="user",
            object_id=Cast(OuterRef("pk"), CharField()),
        )
        found.append(Exists(named))
    return found


def held_by(hold: LegalHold, entry: Entry) -> Q | None:
    """Which rows of the class this hold names; None when it is not about the class.

    Where a hold names a customer, a class and a span, a row must meet all. A class whose rows bear
    no date meets any span, but a span alone does not reach it.
    """
    if entry.model in COPIES:
        return None
    if entry.model == HOLD:
        return Q(pk=hold.pk)  # itself: what it is about is not blanked while it counts
    condition = Q()
    if hold.data_class and entry.model == HELD_ROW:
        condition &= Q(model__in=[e.model for e in SCHEDULE if e.data_class == hold.data_class])
    elif hold.data_class and entry.data_class != hold.data_class:
        return None
    if hold.customer_id is not None:
        if not entry.subject:
            return None
        condition &= _about(entry, hold.customer_id)
    if hold.since is None and hold.until is None:
        return condition or _every_row()
    clock = dated_by(entry)
    if not clock:
        return (condition or _every_row()) if hold.data_class or hold.customer_id else None
    return condition & _within(hold, entry, clock)


def _every_row() -> Q:
    return Q(pk__isnull=False)


def _about(entry: Entry, person_id: uuid.UUID) -> Q:
    if entry.model == STAFF_LOG:
        return Q(
            content_type__app_label="accounts",
            content_type__model="user",
            object_id=str(person_id),
        )
    return Q(**{entry.subject: person_id})


def dated_by(entry: Entry) -> str:
    """The column that says when a row is of; '' where none does. Of a table by months, its key."""
    if any(rule.removal == Removal.PARTITIONS for rule in entry.rules):
        return "id"
    if entry.begins:
        return entry.begins
    clocks = [rule.clock for rule in entry.rules if "__" not in rule.clock]
    return clocks[0] if clocks else ""


def _within(hold: LegalHold, entry: Entry, clock: str) -> Q:
    """Both days included, in UTC."""
    field = model_of(entry)._meta.get_field(clock)
    first: Any = hold.since
    after: Any = None if hold.until is None else day_after(hold.until)
    if clock == "id" or isinstance(field, DateTimeField):
        first, after = (
            None if day is None else datetime.combine(day, time.min, UTC) for day in (first, after)
        )
    elif not isinstance(field, DateField):
        raise TypeError(f"{entry.model}.{clock} is no date")
    if clock == "id":
        first, after = (None if day is None else uuid7_floor(day) for day in (first, after))
    condition = Q()
    if first is not None:
        condition &= Q(**{f"{clock}__gte": first})
    if after is not None:
        condition &= Q(**{f"{clock}__lt": after})
    return condition
