"""How each class of data about a person goes, in batches that may be repeated.

What a class needs stands in the schedule; the functions here are for those that need more than
"delete the rows" or "empty the columns". Every statement may run twice.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.account.models import EmailAddress
from django.contrib.admin.models import LogEntry
from django.contrib.postgres.fields import ArrayField
from django.db import connection
from django.db.models import F, Func, Model, Q, QuerySet, Value
from django.db.models.functions import Lower

from accounts.models import User
from consent.models import Suppression
from consent.suppression import suppress
from messaging.models import Message
from retention.entries import Entry, OnErasure
from retention.holdings import rows_about
from retention.schedule import ENTRIES, SCHEDULE, model_of, personal_entries

JOURNAL = "journal"
SUPPRESSION = "consent.Suppression"
ACCOUNT = "accounts.User"
STAFF_LOG = "admin.LogEntry"
ALL_AT_ONCE = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Whom a batch is about. `user` is None when the account is gone already."""

    id: uuid.UUID
    user: User | None

    def addresses(self) -> list[str]:
        """Every address of theirs that other rows may carry, in small letters."""
        if self.user is None:
            return []
        more = EmailAddress.objects.filter(user_id=self.id).values_list("email", flat=True)
        return sorted({address.lower() for address in (self.user.email, *more)})


def lock_person(person_id: uuid.UUID) -> Person:
    """Takes the account's row before anything else is locked, as the hand-over does.

    While it is held no message is handed over and no row that refers to the account can commit.
    """
    return Person(id=person_id, user=User.objects.select_for_update().filter(pk=person_id).first())


def step_names() -> list[str]:
    """The steps of a deletion: journal and fingerprint first, each class, the account last."""
    return [JOURNAL, SUPPRESSION, *(entry.model for entry in personal_entries())]


@dataclass(frozen=True, slots=True)
class Gone:
    """How many rows a batch dealt with, and how many of them stay, with columns emptied."""

    rows: int
    blanked: int = 0

    def __add__(self, other: "Gone") -> "Gone":
        return Gone(self.rows + other.rows, self.blanked + other.blanked)


def erase_batch(name: str, person: Person, *, limit: int, now: datetime) -> Gone:
    """Let at most `limit` rows of one class go; how many went. Less than `limit` means done."""
    if name == SUPPRESSION:
        if person.user is not None:
            suppress(person.user.email, reason=Suppression.Reason.ERASED, now=now)
        return Gone(0)
    entry = ENTRIES[name]
    if name == STAFF_LOG:
        return erase_staff_log(entry, person)
    if special := SPECIAL.get(name):
        return Gone(special(entry, person, limit))
    return let_go(entry, rows_about(entry, person.id), limit)


def let_go(entry: Entry, rows: QuerySet[Any], limit: int) -> Gone:
    """Delete the rows, or empty the columns that lead to the person."""
    if entry.erasure == OnErasure.DELETE:
        return Gone(delete_rows(rows, limit))
    model = model_of(entry)
    blank: dict[str, Any] = {}
    for name in entry.blanked:
        field = model._meta.get_field(name)
        blank[name] = None if getattr(field, "null", False) else ""
    batch = rows.order_by().values("pk")[:limit]
    blanked = model._base_manager.filter(pk__in=batch).update(**blank)
    return Gone(blanked, blanked)


def delete_rows(rows: QuerySet[Any], limit: int) -> int:
    """One statement, whatever hangs on it: the schedule has removed that before."""
    batch = rows.order_by().values("pk")[:limit]
    doomed: QuerySet[Model] = rows.model._base_manager.filter(pk__in=batch)
    return int(doomed._raw_delete("default"))


def erase_mails(entry: Entry, person: Person, limit: int) -> int:
    """Mails to the person, and those to their addresses that name nobody (a reset, for example)."""
    about = Q(person_id=person.id)
    if addresses := person.addresses():
        about |= Q(person_id__isnull=True, recipient__in=addresses)
    rows = Message.objects.alias(recipient=Lower("to_address")).filter(about)
    return delete_rows(rows, limit)


def erase_consent_details(entry: Entry, person: Person, limit: int) -> int:
    """Nobody holds the right to delete these; one function of the database does, for the keeper."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT consent_remove_details(%s, NULL, %s)", [person.id, limit])
        return int(cursor.fetchone()[0])


def erase_staff_log(entry: Entry, person: Person) -> Gone:
    """Blank what names the person as the one acted on; what they did as former staff goes."""
    gone = Gone(LogEntry.objects.filter(user_id=person.id).delete()[0])
    gone += let_go(entry, rows_about(entry, person.id), ALL_AT_ONCE)
    for address in person.addresses():
        named = Q(object_repr__iexact=address) | Q(object_repr__iendswith=f" {address}")
        gone += let_go(entry, LogEntry.objects.filter(named), ALL_AT_ONCE)
    return gone


def erase_account(entry: Entry, person: Person, limit: int) -> int:
    """The account's row, once nothing refers to it any more."""
    for each in SCHEDULE:
        for column in each.mentions:
            forget_mention(model_of(each), column, person.id)
    return delete_rows(rows_about(entry, person.id), limit)


def forget_mention(model: type[Model], column: str, person_id: uuid.UUID) -> None:
    """Empty the column where it names the person; of a list of keys only theirs goes."""
    if isinstance(model._meta.get_field(column), ArrayField):
        without = Func(F(column), Value(person_id), function="array_remove")
        model._base_manager.filter(**{f"{column}__contains": [person_id]}).update(
            **{column: without}
        )
    else:
        model._base_manager.filter(**{column: person_id}).update(**{column: None})


def sweep(person: Person, *, now: datetime) -> dict[str, Gone]:
    """Everything but the fingerprint at once, inside the transaction that holds the account's row.

    Takes with it what slipped in while the steps ran.
    """
    return {
        entry.model: erase_batch(entry.model, person, limit=ALL_AT_ONCE, now=now)
        for entry in personal_entries()
    }


SPECIAL: dict[str, Callable[[Entry, Person, int], int]] = {
    "messaging.Message": erase_mails,
    "consent.ConsentDetail": erase_consent_details,
    ACCOUNT: erase_account,
}
