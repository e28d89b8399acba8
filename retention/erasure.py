"""How each class of data about a person goes, in batches that may be repeated.

What a class needs stands in the schedule; the functions here are for those that need more than
"delete the rows" or "empty the columns". Every statement may run twice.
"""

import uuid
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.postgres.fields import ArrayField
from django.db import connection
from django.db.models import DateTimeField, QuerySet, Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce

from accounts.models import User
from consent.models import Suppression
from consent.suppression import suppress
from foundation.calendar import months_later
from foundation.ids import uuid7_floor
from foundation.tenants import as_tenant
from retention.burying import bury_part
from retention.detached import delete_detached, detached_months, is_by_month
from retention.entries import Entry, OnErasure
from retention.finding import models_with_rows, source_of, staff_log_of
from retention.holding import (
    ADDRESSES,
    HOLD,
    WHOLE,
    about,
    about_people,
    exclude_held,
    has_held,
    holds_now,
    is_found_by_address,
    with_leaning,
)
from retention.journal.keeping import let_deeds_go
from retention.models import DeletionRequest, Scope
from retention.parts import COPIES, PART_STEPS, PROFILE, part_rows, profile_says_more
from retention.schedule import ENTRIES, SCHEDULE, model_of, personal_entries
from retention.whose import (
    BY_ADDRESS,
    MAILS,
    STAFF_LOG,
    Person,
    filled,
    person_of,
    person_with,
    rows_about,
    rows_of,
    stand_in_for,
)

JOURNAL = "journal"
SUPPRESSION = "consent.Suppression"
OWN_DEED = "messaging.OwnDeed"
ACCOUNT = "accounts.User"
# These have no foreign key to the account. Only the platform's feed writes them, and it takes the
# account's row first (messaging/0011).
FED = frozenset({"messaging.MessageRecord", "messaging.MessageContent"})
ALL_AT_ONCE = 1_000_000
# To go by places, so that a batch ends where it should, costs half as much again as to delete what
# is there. Large batches do the latter where so many times the expected number would fit. Where the
# statistics are behind, one statement takes longer, and only this person's own writers wait for it.
WORTH_GUESSING = 10_000
MARGIN = 2


def lock_person(person_id: uuid.UUID) -> Person:
    """Takes the account's row before anything else is locked, as the hand-over does.

    While it is held no message is handed over and no row that refers to the account can commit,
    another address neither.
    """
    user = User.objects.select_for_update().filter(pk=person_id).first()
    return Person(id=person_id, user=None) if user is None else person_of(user)


# What refers to rows of a class. A worker may write some after their step is done, so they go again
# in the transaction in which those rows go.
HANGS_ON: dict[str, tuple[str, ...]] = {
    "account.EmailAddress": ("account.EmailConfirmation",),
    "retention.Export": ("retention.ExportPart",),
    "accounts.SupportQuestion": ("accounts.SupportEntry",),
    "consent.ReferenceUse": ("consent.ReferenceText",),
    "messaging.ListUpload": ("messaging.UploadProblem", "messaging.UploadPart"),
    "messaging.ContactList": (
        "messaging.UploadProblem",
        "messaging.UploadPart",
        "messaging.ListUpload",
        "messaging.Contact",
    ),
}


def step_names(scope: Scope = Scope.EVERYTHING) -> list[str]:
    """The steps of a deletion: the journal first, then each class; of everything the account last.

    Only who leaves altogether leaves a fingerprint of their address.
    """
    if scope != Scope.EVERYTHING:
        return [JOURNAL, *PART_STEPS[scope]]
    return [JOURNAL, SUPPRESSION, *(entry.model for entry in personal_entries())]


@dataclass(frozen=True, slots=True)
class Gone:
    """How many rows a batch dealt with, and how many of them stay, with columns emptied."""

    rows: int
    blanked: int = 0

    def __add__(self, other: "Gone") -> "Gone":
        return Gone(self.rows + other.rows, self.blanked + other.blanked)


def erase_batch(
    name: str, person: Person, *, limit: int, now: datetime, is_free: bool = False
) -> Gone:
    """Let at most `limit` rows of one class go; how many went. Less than `limit` means done.

    Nothing goes that a legal hold names. Of a class that needs more than deleting rows, and of
    addresses, nothing goes while one of its rows is held. `is_free` says that no hold is in force,
    as read under the hold lock in this very transaction: they are not read again then.
    """
    if name == SUPPRESSION:
        if person.user is not None:
            suppress(person.user.email, reason=Suppression.Reason.ERASED, now=now)
        return Gone(0)
    entry = ENTRIES.get(name)
    if entry is None:  # a class of before, with nothing left of it
        return Gone(0)
    if name in (*WHOLE, ADDRESSES) and not is_free and is_held_class(name, person, now=now):
        return Gone(0)
    if name == STAFF_LOG:
        return erase_staff_log(entry, person, now=now)
    if name in SPECIAL:
        return Gone(SPECIAL[name](entry, person, limit))
    if name == OWN_DEED:
        let_deeds_go(person.id)
    rows = rows_of(entry, person)
    return let_go(entry, rows if is_free else exclude_held(entry, rows, now=now), limit, now=now)


def erase_part(
    request: DeletionRequest, name: str, person: Person, *, limit: int, now: datetime
) -> Gone:
    """The same for a class of which only a part is to go."""
    entry = ENTRIES[name]
    if name == ACCOUNT:
        return Gone(0) if is_held_class(name, person, now=now) else blank_profile(person)
    rows = part_rows(request, name, person.id)
    if name in COPIES:
        return let_go(entry, rows, limit, now=now)
    rows = bury_part(request, name, exclude_held(entry, rows, now=now), limit=limit, now=now)
    return let_go(entry, rows, limit, now=now)


def blank_profile(person: Person) -> Gone:
    """Once: a second time there is nothing to blank."""
    blanked = User.objects.filter(profile_says_more(), pk=person.id).update(**PROFILE)
    return Gone(blanked, blanked)


def is_held(request: DeletionRequest, name: str, person: Person, *, now: datetime) -> bool:
    """Whether rows that this step is about are still there because a hold keeps them."""
    if name not in ENTRIES or name in COPIES or name == SUPPRESSION:
        return False
    if request.scope in (Scope.EVERYTHING, Scope.PROFILE):
        return is_held_class(name, person, now=now)
    return part_rows(request, name, person.id).exists()


def is_held_class(name: str, person: Person, *, now: datetime) -> bool:
    """Whether a hold keeps rows of the class, or rows that refer to one of it.

    Those to an address of theirs among them: what is left must still lead to somebody, and so the
    account waits for any, and their addresses for what is theirs by one.
    """
    if name == ADDRESSES and is_found_by_address(person.id, now=now):
        return True
    holds = holds_now(now)
    names = [each.model for each in about_people()] if name == ACCOUNT else with_leaning(name)
    return bool(holds) and any(
        has_held(entry, rows_of(entry, person) if entry.subject else about(entry, person.id), holds)
        for entry in map(ENTRIES.__getitem__, names)
    )


def held_of(person_id: uuid.UUID, names: Iterable[str], *, now: datetime) -> list[Entry]:
    """Which of these classes a hold keeps something of, also for a process that sees one tenant."""
    with as_tenant(person_id):
        person = person_with(person_id)
        return [
            ENTRIES[name]
            for name in names
            if name in ENTRIES
            and name not in COPIES
            and name not in (SUPPRESSION, ACCOUNT)
            and is_held_class(name, person, now=now)
        ]


def let_go(entry: Entry, rows: QuerySet[Any], limit: int, *, now: datetime) -> Gone:
    """Delete the rows, or empty the columns that lead to the person."""
    if entry.erasure == OnErasure.DELETE:
        return Gone(delete_rows(rows, limit))
    model = model_of(entry)
    blank: dict[str, Any] = {}
    for name in entry.blanked:
        field = model._meta.get_field(name)
        blank[name] = None if getattr(field, "null", False) else ""
    if entry.model == HOLD:
        # One that lapsed was never released. Naming nobody it could hold everybody's rows, so it
        # ends here (`retention_hold_says_what`).
        blank["released_at"] = Coalesce("released_at", Value(now, DateTimeField()))
    rows = rows.order_by()
    if not fits(rows, limit):
        rows = model._base_manager.filter(pk__in=rows.values("pk")[:limit])
    blanked = rows.update(**blank)
    return Gone(blanked, blanked)


def delete_rows(rows: QuerySet[Any], limit: int) -> int:
    """One set of rows by their places, whatever hangs on it: the schedule has removed that before.

    A place is one of a month, so a table in months is gone through month by month. Nothing is
    sorted or counted first: that would read the rows once more.
    """
    rows = rows.order_by()
    if fits(rows, limit):
        gone = int(rows._raw_delete("default"))
        left = None if limit >= ALL_AT_ONCE else max(limit - gone, 0)
        return gone + delete_detached(rows, left)
    if not is_by_month(rows.model):
        return delete_places(rows, limit)
    gone = 0
    for first, after in months_with_pages(rows.model._meta.db_table):
        if gone == limit:
            break
        gone += delete_places(rows.filter(pk__gte=first, pk__lt=after), limit - gone, first, after)
    return gone + delete_detached(rows, limit - gone)


def fits(rows: QuerySet[Any], limit: int) -> bool:
    """Whether they may go, or be emptied, as they are found, for so many are there hardly."""
    if limit >= ALL_AT_ONCE:
        return True
    return limit >= WORTH_GUESSING and guessed_number(rows) * MARGIN <= limit


def guessed_number(rows: QuerySet[Any]) -> int:
    """How many PostgreSQL expects, from its statistics: to count them would be to read them."""
    sql, values = rows.values_list("pk").query.sql_with_params()
    return _planned_rows(sql, values)


def guessed_of(person: Person, names: Iterable[str]) -> int:
    """The same of all these classes together, in one statement."""
    somebody = stand_in_for(person)
    sources = [source_of(name, somebody) for name in sorted(names)]
    sql = " UNION ALL ".join(f"SELECT FROM ({sql}) AS rows" for sql, _values in sources)
    values = filled((value for _sql, values in sources for value in values), person)
    return _planned_rows(sql, values) if sources else 0


def _planned_rows(sql: str, values: Sequence[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT json) {sql}", values)
        (plan,) = cursor.fetchone()[0]
    return int(plan["Plan"]["Plan Rows"])


def delete_places(rows: QuerySet[Any], limit: int, *span: uuid.UUID) -> int:
    """By their places in the table, or in the month between these two keys."""
    table = connection.ops.quote_name(rows.model._meta.db_table)
    places = rows.values_list(RawSQL(f"{table}.ctid", ()))[:limit]  # noqa: S611  (a name of ours)
    sql, params = places.query.sql_with_params()
    month = "id >= %s AND id < %s AND " if span else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM {table} WHERE {month}ctid = ANY (ARRAY({sql}))", [*span, *params]
        )
        return int(cursor.rowcount)


def months_with_pages(table: str) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """The first key of each month that ever held a row, and that of the month after it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT right(inhrelid::regclass::text, 8) FROM pg_inherits "
            "WHERE inhparent = %s::regclass AND pg_relation_size(inhrelid) > 0 ORDER BY 1",
            [table],
        )
        begins = [datetime.strptime(f"{name}+0000", "y%Ym%m%z") for (name,) in cursor.fetchall()]
    return [(uuid7_floor(begin), uuid7_floor(months_later(begin, 1))) for begin in begins]


def erase_mails(entry: Entry, person: Person, limit: int) -> int:
    """Mails to the person, and those to their addresses that name nobody (a reset, for example)."""
    return delete_rows(rows_of(entry, person), limit)


def erase_consent_details(entry: Entry, person: Person, limit: int) -> int:
    """Nobody holds the right to delete these; one function of the database does, for the keeper."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT consent_remove_details(%s, NULL, %s)", [person.id, limit])
        return int(cursor.fetchone()[0])


def erase_access_events(entry: Entry, person: Person, limit: int) -> int:
    """Nobody holds the right to delete these either."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT accounts_erase_access_events(%s, %s)", [person.id, limit])
        return int(cursor.fetchone()[0])


def erase_staff_log(entry: Entry, person: Person, *, now: datetime) -> Gone:
    """Blank what names the person as the one acted on; what they did as former staff goes."""
    gone = Gone(LogEntry.objects.filter(user_id=person.id).delete()[0])
    return gone + let_go(entry, staff_log_of(person), ALL_AT_ONCE, now=now)


def erase_account(entry: Entry, person: Person, limit: int) -> int:
    """The account's row, once nothing refers to it any more."""
    forget_mentions(person.id)
    forget_actor(person.id)
    return delete_rows(rows_about(entry, person.id), limit)


# What somebody else called them, beside the column that names them.
CALLED: dict[tuple[str, str], str] = {("retention.PrivacyRequest", "passed_to"): "list_owner"}


def forget_mentions(person_id: uuid.UUID) -> None:
    """Empty every column that names them as staff; of a list of keys only theirs goes.

    One statement: there are some two dozen, and most people are named in none.
    """
    with connection.cursor() as cursor:
        cursor.execute(forget_statement(), {"person": person_id})


@cache
def forget_statement() -> str:
    """An update of each table with such columns, as parts of one statement."""
    parts = []
    for number, entry in enumerate(entry for entry in SCHEDULE if entry.mentions):
        emptied, named = [], []
        for name in entry.mentions:
            field: Any = model_of(entry)._meta.get_field(name)
            column = connection.ops.quote_name(field.column)
            if isinstance(field, ArrayField):
                emptied.append(f"{column} = array_remove({column}, %(person)s)")
                named.append(f"{column} @> ARRAY[%(person)s]")
            else:
                emptied.append(f"{column} = NULLIF({column}, %(person)s)")
                if said := CALLED.get((entry.model, name)):
                    said = connection.ops.quote_name(said)
                    emptied.append(
                        f"{said} = CASE {column} WHEN %(person)s THEN '' ELSE {said} END"
                    )
                named.append(f"{column} = %(person)s")
        table = connection.ops.quote_name(model_of(entry)._meta.db_table)
        where = " OR ".join(named)
        parts.append(f"m{number} AS (UPDATE {table} SET {', '.join(emptied)} WHERE {where})")
    return f"WITH {', '.join(parts)} SELECT"


# Where somebody who acted as staff is named as "staff:<key>", and what stands there afterwards.
ACTORS: dict[str, dict[str, str]] = {
    "retention.DeletionRequest": {
        "actor": "staff",
        "checked_by": "staff",
        "checked_again_by": "other staff",
    },
    "retention.PrivacyRequest": {"actor": "", "identity_by": "", "answered_by": ""},
    "consent.ReferenceText": {"written_by": "", "staff_approved_by": ""},
    "consent.Takedown": {"checked_by": ""},
}


def forget_actor(person_id: uuid.UUID) -> None:
    """Who once was staff is not named by what they had to do with."""
    with connection.cursor() as cursor:
        cursor.execute(forget_actor_statement(), {"name": f"staff:{person_id}"})


@cache
def forget_actor_statement() -> str:
    parts = []
    for number, (model, columns) in enumerate(ACTORS.items()):
        table = connection.ops.quote_name(model_of(ENTRIES[model])._meta.db_table)
        emptied = (
            f"{column} = CASE {column} WHEN %(name)s THEN '{instead}' ELSE {column} END"
            for column, instead in columns.items()
        )
        named = " OR ".join(f"{column} = %(name)s" for column in columns)
        parts.append(f"a{number} AS (UPDATE {table} SET {', '.join(emptied)} WHERE {named})")
    return f"WITH {', '.join(parts)} SELECT"


def classes_with_rows(person: Person, *, besides: Collection[str] = ()) -> set[str]:
    """The classes of which there is something, in months being let go as well."""
    names = [entry.model for entry in personal_entries() if entry.model not in besides]
    # What names them as the one who acted is found by the last step itself.
    found = models_with_rows(person, names) | {ACCOUNT}
    by_month = {
        model_of(ENTRIES[n])._meta.db_table: n for n in names if is_by_month(model_of(ENTRIES[n]))
    }
    apart = detached_months(*(model_of(ENTRIES[name]) for name in by_month.values()))
    return found | {by_month[month.rpartition("_")[0]] for month in apart}


def sweep(
    person: Person, *, now: datetime, emptied: Collection[str] = (), is_free: bool = False
) -> dict[str, Gone]:
    """Everything but the fingerprint at once, inside the transaction that holds the account's row.

    Takes with it what slipped in while the steps ran: not in a class that was `emptied` in this
    very transaction, if the account's row keeps its writers out. To look there again would be to
    walk past each row that just went.
    """
    shut = {name for name in emptied if is_shut(ENTRIES[name])}
    present = classes_with_rows(person, besides=shut)
    return {
        entry.model: erase_batch(entry.model, person, limit=ALL_AT_ONCE, now=now, is_free=is_free)
        for entry in personal_entries()
        if entry.model in present
    }


def is_shut(entry: Entry) -> bool:
    """Whether nobody writes a row about a person while their account's row is locked for update.

    A foreign key to the account does it. What bears only the key of an account, or only an address,
    or hangs on another row, is written without waiting.
    """
    if entry.model in FED:
        return True
    if entry.model in (STAFF_LOG, *BY_ADDRESS) or not entry.subject or "__" in entry.subject:
        return False
    return model_of(entry)._meta.get_field(entry.subject).related_model is User


SPECIAL: dict[str, Callable[[Entry, Person, int], int]] = {
    MAILS: erase_mails,
    "consent.ConsentDetail": erase_consent_details,
    "accounts.AccessEvent": erase_access_events,
    ACCOUNT: erase_account,
}
