"""Which rows a legal hold keeps, asked anew inside every batch.

A hold stops rules and erasures, and nothing else: no permission to send is derived from a row that
is still there, and opt-outs are written whatever is held.

A batch and a drop take the hold lock shared, placing a hold takes it alone. So a hold either
commits before a batch reads the holds, or waits until that batch has committed: none is missed in
mid-run. The lock is a transaction's first: whoever has it waits for rows, never the reverse.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, time
from functools import cache, reduce
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
from retention.schedule import ENTRIES, SCHEDULE, model_of
from retention.whose import (
    BY_ADDRESS,
    HELD_ROW,
    MAILS,
    NOT_BY_KEY_ALONE,
    STAFF_LOG,
    Person,
    is_theirs,
    person_with,
)

ACCOUNT = "accounts.User"
ADDRESSES = "account.EmailAddress"
HOLD = "retention.LegalHold"
# Copies of what is held where it stands, made to be fetched: a hold needs no copy. An uploaded file
# is none: what stands in it stands nowhere else until its owner confirms it and it is read.
COPIES = frozenset({"retention.Export", "retention.ExportPart"})

# Of these nothing goes while one row is held: more happens to them than that rows are deleted.
WHOLE = frozenset(
    {ACCOUNT, STAFF_LOG, "messaging.Message", "consent.ConsentDetail", "accounts.AccessEvent"}
)
# A row that goes only together with the one it refers to: by which column.
GOES_WITH: Mapping[str, str] = {"retention.Destruction": "item"}


@cache
def leans_on() -> Mapping[str, Mapping[str, str]]:
    """By class, the classes whose rows refer to its rows, and by which column.

    A row that a held one refers to stays with it: else the held one would go along, or be left
    without whom it is about. Every foreign key between two classes counts, where rows of the other
    may go. An account stays with anything about it (`_of_whole_accounts`).
    """
    found: dict[str, dict[str, str]] = {}
    for entry in SCHEDULE:
        if entry.model in COPIES:
            continue
        for field in model_of(entry)._meta.concrete_fields:
            if not isinstance(field.related_model, type):
                continue
            to = ENTRIES.get(field.related_model._meta.label)
            if to is None or to.model in (ACCOUNT, entry.model) or not (to.subject or to.rules):
                continue
            found.setdefault(to.model, {})[entry.model] = field.name
    return found


def with_leaning(name: str) -> list[str]:
    """The class, and those whose rows refer to one of it, or to one that does."""
    leaning = [each for child in leans_on().get(name, ()) for each in with_leaning(child)]
    return [name, *leaning]


@cache
def path_to_person(model: str) -> str:
    """From a row to whom it is about, also by the row it refers to; '' where that is nobody."""
    if ENTRIES[model].subject:
        return ENTRIES[model].subject
    for parent, children in leans_on().items():
        if model in children and ENTRIES[parent].subject:
            return f"{children[model]}__{ENTRIES[parent].subject}"
    return ""


@cache
def about_people() -> tuple[Entry, ...]:
    """Every class of which a hold may keep something of a person."""
    return tuple(entry for entry in SCHEDULE if path_to_person(entry.model))


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
    classes = about_people() if entry.model == ACCOUNT else (entry,)
    holds = holds_now(now)
    return any(has_held(each, about(each, person_id), holds) for each in classes)


def count_held(entry: Entry, rows: QuerySet[Any], person_id: uuid.UUID, *, now: datetime) -> int:
    """How many of these rows of a person an erasure leaves, as `erasure.erase_batch` does."""
    if entry.model in WHOLE:
        return rows.count() if is_person_held(entry, person_id, now=now) else 0
    if entry.model == ADDRESSES and is_found_by_address(person_id, now=now):
        return rows.count()
    held = conditions_now(entry, now)
    return rows.filter(reduce(or_, held)).count() if held else 0


def is_found_by_address(person_id: uuid.UUID, *, now: datetime) -> bool:
    """Whether a held row leads to the person by an address alone: without it to nobody any more."""
    holds = holds_now(now)
    return bool(holds) and any(
        has_held(entry, about(entry, person_id).filter(**{entry.subject: None}), holds)
        for entry in map(ENTRIES.__getitem__, (MAILS, HELD_ROW, *BY_ADDRESS))
    )


def has_held(entry: Entry, rows: QuerySet[Any], holds: Iterable[LegalHold]) -> bool:
    """Whether one of these holds names one of the rows, also in a detached month."""
    return any(
        rows.filter(condition).exists() or has_detached(rows.filter(condition))
        for hold in holds
        if (condition := held_by(hold, entry)) is not None
    )


def about(entry: Entry, person_id: uuid.UUID) -> QuerySet[Any]:
    rows: QuerySet[Any] = model_of(entry)._base_manager.filter(_about(entry, person_id))
    return rows


def holds_released(*, after: datetime, now: datetime) -> list[LegalHold]:
    """Those that somebody released since, as far as they still say what they held.

    One whose customer was erased says so no more, and its reason is blanked with it. One that
    lapsed is none of them: that the clock alone has decided.
    """
    released = LegalHold.objects.filter(released_at__gt=after, released_at__lte=now)
    return list(released.exclude(reason="").order_by("placed_at"))


def conditions_now(entry: Entry, now: datetime) -> list[Q | Exists]:
    """What a row of this class meets when one of the holds in force names it."""
    return conditions(entry, holds_now(now))


def conditions(entry: Entry, holds: Sequence[LegalHold]) -> list[Q | Exists]:
    """What a row meets when one of these holds names it, or one that hangs together with it."""
    found: list[Q | Exists] = named(entry, holds)
    if entry.model == ACCOUNT:
        found += [each for hold in holds for each in _of_whole_accounts(hold)]
    for name, column in leans_on().get(entry.model, {}).items():
        if theirs := conditions(ENTRIES[name], holds):
            rows = model_of(ENTRIES[name])._base_manager.filter(reduce(or_, theirs))
            found.append(Exists(rows.filter(**{column: OuterRef("pk")})))
    if column := GOES_WITH.get(entry.model, ""):
        field: Any = model_of(entry)._meta.get_field(column)
        parent = ENTRIES[field.related_model._meta.label]
        if theirs := named(parent, holds):
            rows = model_of(parent)._base_manager.filter(reduce(or_, theirs))
            found.append(Exists(rows.filter(pk=OuterRef(column))))
    return found


def named(entry: Entry, holds: Iterable[LegalHold]) -> list[Q | Exists]:
    """What a row meets that one of these holds names itself."""
    return [found for hold in holds if (found := held_by(hold, entry)) is not None]


def _of_whole_accounts(hold: LegalHold) -> list[Q | Exists]:
    """Accounts with a held row in another class."""
    found: list[Q | Exists] = []
    for each in about_people():
        if each.model == ACCOUNT or (condition := held_by(hold, each)) is None:
            continue
        path: dict[str, Any] = {path_to_person(each.model): OuterRef("pk")}
        if each.model == STAFF_LOG:
            path = {
                "content_type__app_label": "accounts",
                "content_type__model": "user",
                "object_id": Cast(OuterRef("pk"), CharField()),
            }
        found.append(Exists(model_of(each)._base_manager.filter(condition, **path)))
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
        if not path_to_person(entry.model):
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
    """The rows that an erasure takes, also by an address: what a hold left out would be gone."""
    if not entry.subject:
        return Q(**{path_to_person(entry.model): person_id})
    is_by_key = entry.model not in NOT_BY_KEY_ALONE
    return is_theirs(
        entry, Person(id=person_id, user=None) if is_by_key else person_with(person_id)
    )


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
