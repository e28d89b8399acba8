"""Which rows are about a person: for the overview, the archive, the preview, deletion and holds.

By their key; and, of rows that name nobody, by an address of theirs. Whoever typed an address does
not own it before they confirm it: until then it leads to no question or request that its real owner
wrote, neither to read it nor to have it deleted. Mail to it went where it was typed, so a deletion
takes that as well.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from allauth.account.models import EmailAddress
from django.db import connection
from django.db.models import Model, Q, QuerySet
from django.db.models.fields.json import KT
from django.db.models.functions import Lower
from django.db.models.lookups import In

from accounts.models import User
from foundation.addresses import address_hashes, small_letters
from retention.entries import Entry
from retention.schedule import READ_BESIDE, model_of

STAFF_LOG = "admin.LogEntry"
MAILS = "messaging.Message"
FINGERPRINT, REQUEST = READ_BESIDE
# Rows of dropped months that a hold keeps, mails among them.
HELD_ROW = "retention.HeldRow"
# Written without signing in, on the public pages or by staff: where the address stands.
BY_ADDRESS: Final = {
    "accounts.SupportQuestion": "email",
    "accounts.SupportEntry": "question__email",
    "retention.PrivacyRequest": "email",
    # Of one that nobody accepted.
    "accounts.StaffInvitation": "email",
}
# Whose rows are a person's not by their key alone.
NOT_BY_KEY_ALONE: Final = frozenset({MAILS, HELD_ROW, STAFF_LOG, *BY_ADDRESS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Whom something is about. `user` is None when the account is gone already.

    `addresses` are all of theirs that other rows may carry, in small letters; `confirmed` those
    they have shown to be theirs.
    """

    id: uuid.UUID
    user: User | None
    addresses: tuple[str, ...] = ()
    confirmed: tuple[str, ...] = ()


def person_of(user: User) -> Person:
    """With every address of theirs, as a deletion needs it."""
    more = EmailAddress.objects.filter(user_id=user.pk).values_list("email", "verified")
    known = [(user.email, user.is_confirmed), *more]
    return Person(
        id=user.pk,
        user=user,
        addresses=tuple(sorted({small_letters(email) for email, _is_confirmed in known})),
        confirmed=tuple(
            sorted({small_letters(email) for email, is_confirmed in known if is_confirmed})
        ),
    )


def person_with(person_id: uuid.UUID) -> Person:
    user = User.objects.filter(pk=person_id).first()
    return Person(id=person_id, user=None) if user is None else person_of(user)


def reader_of(person_id: uuid.UUID) -> Person:
    """The person as a reader: nothing is shown by an address that they have not confirmed."""
    person = person_with(person_id)
    return replace(person, addresses=person.confirmed)


def rows_about(entry: Entry, person_id: uuid.UUID) -> QuerySet[Model]:
    """The rows of one entry that bear the person's key."""
    rows: QuerySet[Model] = model_of(entry)._base_manager.all()
    if entry.model == STAFF_LOG:
        return rows.filter(**named_in_staff_log(person_id))
    return rows.filter(**{entry.subject: person_id})


def rows_of(entry: Entry, person: Person) -> QuerySet[Any]:
    """The rows about the person, and those to an address of theirs that name nobody."""
    rows: QuerySet[Any] = model_of(entry)._base_manager.filter(is_theirs(entry, person))
    return rows


def rows_shown(entry: Entry, person: Person) -> QuerySet[Any]:
    """The rows that a person is shown: of what outlives a deletion, too."""
    rows: QuerySet[Any] = model_of(entry)._base_manager.all()
    if entry.model == FINGERPRINT:
        hashes = [each for address in person.addresses for each in address_hashes(address)]
        return rows.filter(address_hash__in=hashes)
    if entry.model == REQUEST:
        return rows.filter(person_id=person.id)
    return rows_of(entry, person)


def is_theirs(entry: Entry, person: Person) -> Q:
    """What a row about the person meets.

    Of mails, and of their copies aside, also those to their addresses that name nobody (a reset,
    for example).
    """
    if entry.model == STAFF_LOG:
        return in_staff_log(person)
    named = Q(**{entry.subject: person.id})
    path: Any = BY_ADDRESS.get(entry.model, "")
    known, unnamed = person.confirmed, Q(**{entry.subject: None})
    if entry.model == MAILS:
        path, known = "to_address", person.addresses
    elif entry.model == HELD_ROW:
        path, known = KT("row__to_address"), person.addresses
        unnamed &= Q(model=MAILS)
    if not path or not known:
        return named
    return named | (unnamed & Q(In(Lower(path), known)))


def in_staff_log(person: Person) -> Q:
    """What names them, by key or address, as the one acted on."""
    about = Q(**named_in_staff_log(person.id))
    for address in person.addresses:
        about |= Q(object_repr__iexact=address) | Q(object_repr__iendswith=f" {address}")
    return about


def named_in_staff_log(person_id: uuid.UUID) -> dict[str, str]:
    return {
        "content_type__app_label": "accounts",
        "content_type__model": "user",
        "object_id": str(person_id),
    }


# Stands for whoever is looked for, in statements that are put together once.
SOMEBODY: Final = uuid.UUID(int=0)


def stand_in_for(person: Person) -> Person:
    """Of as many addresses as the person has."""
    return Person(
        id=SOMEBODY,
        user=None,
        addresses=tuple(f"<address {n}>" for n in range(len(person.addresses))),
        confirmed=tuple(f"<confirmed {n}>" for n in range(len(person.confirmed))),
    )


def filled(values: Iterable[Any], person: Person) -> list[Any]:
    """The values of such a statement, with the person where somebody stood for them.

    The staff's log is also asked for what ends with an address: there it is a part of a pattern.
    """
    somebody = stand_in_for(person)
    addresses = dict(
        zip(
            (*somebody.addresses, *somebody.confirmed),
            (*person.addresses, *person.confirmed),
            strict=True,
        )
    )
    known: dict[Any, Any] = {SOMEBODY: person.id, str(SOMEBODY): str(person.id)} | addresses

    def fill(value: Any) -> Any:
        if isinstance(value, list):
            return value
        if value in known or not isinstance(value, str):
            return known.get(value, value)
        begins, mark, rest = value.partition("<")
        if mark and (address := addresses.get(mark + rest)) is not None:
            return begins + connection.ops.prep_for_like_query(address)
        return value

    return [fill(value) for value in values]
