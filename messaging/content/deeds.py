"""What customers do to their own content is written down beside it, for the journal to keep.

A database that is restored from a backup knows nothing of what was deleted and said since; the
journal does, and it holds keyed hashes only: of the platform's number, which makes each the very
tombstone (`messaging.content.tombstones`), of our own key where something was made here, or of the
number or address of a contact who said no.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import batched
from typing import Any, Final

from django.conf import settings
from django.db import connection

from foundation.addresses import active_key, small_letters
from foundation.ids import uuid7_moment
from messaging.content.feed_kinds import Kind
from messaging.content.tombstones import digest
from messaging.models import OwnDeed

What = OwnDeed.What
# So many hashes stand in a row, and so in a record of the journal: some 32 kB.
DIGESTS: Final = 500
SIZE: Final = 32
# By so much a message's key tells its moment.
TICK: Final = timedelta(milliseconds=1)
# By which columns a line names a contact.
NAMING: Final[Mapping[str, tuple[str, ...]]] = {
    "contacts": ("phone_number", "email"),
    "opt-outs": ("contact",),
}


def note_deleted(
    what: OwnDeed.What,
    rows: Mapping[uuid.UUID, object],
    *,
    customer_id: uuid.UUID,
    now: datetime,
    is_said: bool = False,
    names: Sequence[str] = (),
) -> None:
    """That these went, by the platform's number, if they have one, else by our key; `names` tell
    what else a numbered one is known by in an older state. Inside `as_tenant`.

    Nothing when `is_said`: it is done again because the journal says so.
    """
    deeds = []
    for is_numbered in () if is_said else (True, False):
        some = sorted(key for key, number in rows.items() if (number is not None) == is_numbered)
        for part in batched(some, DIGESTS):
            is_dated = what == What.MESSAGE
            deeds.append(
                _deed(
                    what,
                    [*(rows[key] for key in part), *names] if is_numbered else part,
                    customer_id=customer_id,
                    done_at=now,
                    is_numbered=is_numbered,
                    first=uuid7_moment(part[0]) if is_dated else None,
                    before=uuid7_moment(part[-1]) + TICK if is_dated else None,
                )
            )
    OwnDeed.objects.bulk_create(deeds)


def note_contact(
    what: OwnDeed.What,
    contact: str,
    *,
    customer_id: uuid.UUID,
    now: datetime,
    is_said: bool = False,
) -> None:
    """That a contact said no, or that their no was taken back. Inside `as_tenant`."""
    if not is_said:
        deed = _deed(what, [small_letters(contact)], customer_id=customer_id, done_at=now)
        deed.save(force_insert=True)


def _deed(what: OwnDeed.What, numbers: Sequence[object], **fields: Any) -> OwnDeed:
    key = active_key()
    hashes = (hash_of(key, what, fields["customer_id"], number) for number in numbers)
    return OwnDeed(what=what, key=key, digests=b"".join(hashes), **fields)


def hash_of(key: int, what: str, customer_id: uuid.UUID, number: object) -> bytes:
    """A no and its being taken back are told by the same."""
    kind = What.OPT_OUT if what == What.OPT_IN else what
    return digest(settings.SUPPRESSION_KEYS[key], kind, customer_id, number)


def hashes_of(deed: OwnDeed) -> list[bytes]:
    return [bytes(each) for each in batched(bytes(deed.digests), SIZE)]


def tombstones_of(deed: OwnDeed) -> list[bytes]:
    """Those of the platform's numbers. Behind that of a contact stand its names."""
    hashes = hashes_of(deed) if deed.is_numbered else []
    return hashes[:1] if deed.what == What.CONTACT else hashes


def name_in_list(list_id: uuid.UUID, contact: str) -> str:
    """Typed by hand, a contact has no number yet, and the platform's takes its place under another
    key (`messaging_take_contacts`): the number or address in that list is all that stays."""
    return f"{list_id}\x1f{small_letters(contact)}"


# --- who said no before a restore, and is known by a hash alone ----------------------------------


def recognise(contacts: Iterable[str], *, customer_id: uuid.UUID) -> None:
    """Whoever of them said no, as the journal knows by the hash alone, is an opt-out from now on
    by their number or address. Inside `as_tenant`, before it is asked who said no."""
    unnamed = OwnDeed.objects.filter(customer_id=customer_id, what=What.OPT_OUT, waits=True)
    known = [(key, bytes(each)) for key, each in unnamed.values_list("key", "digests")]
    _name({customer_id: known}, {customer_id: contacts})


def recognise_fed(kind: Kind, rows: Sequence[Sequence[Any]]) -> None:
    """The same for lines of the platform. Takes the locks of a batch, in their order."""
    naming = NAMING.get(kind.name)
    if naming is None:
        return
    user, *columns = (kind.columns.index(name) for name in ("user_id", *naming))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT user_id, customer_id, key, digests"
            " FROM messaging_owners_with_unnamed(%s::bigint[])",
            [sorted({row[user] for row in rows})],
        )
        found = cursor.fetchall()
    owners = {user_id: customer_id for user_id, customer_id, _key, _digests in found}
    unnamed: dict[uuid.UUID, list[tuple[int, bytes]]] = {}
    for _user_id, customer_id, key, digests in found:
        unnamed.setdefault(customer_id, []).append((key, digests))
    contacts: dict[uuid.UUID, list[str]] = {customer_id: [] for customer_id in unnamed}
    for row in rows if owners else ():
        if (customer_id := owners.get(row[user])) is not None:
            contacts[customer_id] += [row[column] for column in columns]
    _name(unnamed, contacts)


def _name(
    unnamed: Mapping[uuid.UUID, Sequence[tuple[int, bytes]]],
    contacts: Mapping[uuid.UUID, Iterable[str]],
) -> None:
    named: dict[bytes, str] = {}
    for customer_id, deeds in unnamed.items():
        wanted = {bytes(digests) for _key, digests in deeds}
        keys = {key for key, _digests in deeds} & settings.SUPPRESSION_KEYS.keys()
        theirs = contacts[customer_id] if keys else ()
        for contact in {small_letters(each) for each in theirs if each}:
            for key in keys:
                told = hash_of(key, What.OPT_OUT, customer_id, contact)
                if told in wanted:
                    named[told] = contact
    if named:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT messaging_name_opt_outs(%s::bytea[], %s::text[])",
                [list(named), list(named.values())],
            )
