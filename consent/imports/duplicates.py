"""Who is there already, and what earlier records of the same file have claimed.

The claims stand in a temporary table, so memory does not grow with the file and a dry run finds
the same duplicates as a real one.
"""

import uuid
from collections import ChainMap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.db import connection

from accounts.models import User
from consent.imports.checking import Customer, Fault, Rejection
from consent.models import Suppression
from foundation.addresses import address_hashes

# Column by column what must not occur twice, and how the operator calls it.
UNIQUE = {"user_id": "customer number", "user_email": "e-mail address", "username": "user name"}
type Claim = tuple[str, str]  # column, the value in its normal form

# Look-ups one by one through the index, whatever a planner without statistics would think of: a
# temporary table is never analysed, and reading all of it for each batch makes long files slow.
_EARLIER = """
SELECT a.field, a.value, c.record
  FROM unnest(%s::text[], %s::text[]) AS a (field, value)
 CROSS JOIN LATERAL (SELECT record FROM import_claim i
                      WHERE i.field = a.field AND i.value = a.value LIMIT 1) c
"""
_CLAIM = """
INSERT INTO import_claim (field, value, record)
SELECT * FROM unnest(%s::text[], %s::text[], %s::int[])
"""
_TAKEN_USERNAMES = """
SELECT a.name
  FROM unnest(%s::text[]) AS a (name)
 CROSS JOIN LATERAL (SELECT 1 FROM accounts_user u
                      WHERE lower(u.username) = lower(a.name) LIMIT 1) u
"""


@contextmanager
def claims_kept() -> Iterator[None]:
    """The temporary table, for as long as one file is imported."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE import_claim "
            "(field text, value text, record int NOT NULL, PRIMARY KEY (field, value))"
        )
    try:
        yield
    finally:
        if not connection.needs_rollback and connection.connection is not None:
            with connection.cursor() as cursor:
                cursor.execute("DROP TABLE import_claim")


def claims(customer: Customer) -> dict[str, str]:
    return {
        "user_id": str(customer.user_id),
        "user_email": customer.address,
        "username": customer.username.lower(),
    }


@dataclass(slots=True)
class Sorted:
    """What becomes of the records of one batch."""

    new: list[Customer] = field(default_factory=list)
    known: list[tuple[Customer, uuid.UUID]] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)


def sort_out(customers: Sequence[Customer]) -> Sorted:
    """New, here already, or a duplicate: the first record that holds claims its three values."""
    found = Sorted()
    batch: dict[Claim, int] = {}
    claimed = ChainMap(batch, _earlier_claims(customers))
    taken = _Taken(customers)
    for customer in customers:
        own = claims(customer)
        faults = _repeats(own, claimed)
        person = taken.people.get(customer.user_id)
        if not faults and person is None:
            faults = taken.faults(customer)
        if faults:
            found.rejected.append(Rejection(customer.record, tuple(faults)))
            continue
        batch |= dict.fromkeys(own.items(), customer.record.number)
        if person is None:
            found.new.append(customer)
        else:
            found.known.append((customer, person))
    _remember(batch)
    return found


def _repeats(own: dict[str, str], claimed: Mapping[Claim, int]) -> list[Fault]:
    return [
        Fault(
            column,
            f"duplicate {UNIQUE[column]}",
            f"Record {claimed[column, value]} has the same {UNIQUE[column]}; keep one of them.",
        )
        for column, value in own.items()
        if (column, value) in claimed
    ]


def _earlier_claims(customers: Sequence[Customer]) -> dict[Claim, int]:
    asked = [claim for customer in customers for claim in claims(customer).items()]
    with connection.cursor() as cursor:
        cursor.execute(_EARLIER, [[column for column, _ in asked], [value for _, value in asked]])
        return {(column, value): record for column, value, record in cursor.fetchall()}


def _remember(batch: dict[Claim, int]) -> None:
    columns = [column for column, _ in batch]
    values = [value for _, value in batch]
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [columns, values, list(batch.values())])


def _erased(addresses: set[str]) -> set[str]:
    """Addresses of people who had themselves erased: no file brings them back."""
    hashes = {digest: address for address in addresses for digest in address_hashes(address)}
    erased = Suppression.objects.filter(
        reason=Suppression.Reason.ERASED, address_hash__in=list(hashes)
    )
    return {hashes[bytes(each)] for each in erased.values_list("address_hash", flat=True)}


class _Taken:
    """What existing customers hold of a batch's numbers, addresses and user names."""

    def __init__(self, customers: Sequence[Customer]) -> None:
        people = User.objects.filter(platform_id__in=[each.user_id for each in customers])
        self.people: dict[int, uuid.UUID] = dict(people.values_list("platform_id", "id"))
        strangers = [each for each in customers if each.user_id not in self.people]
        addresses = User.objects.filter(address__in=[each.address for each in strangers])
        self.addresses = set(addresses.values_list("address", flat=True))
        with connection.cursor() as cursor:
            cursor.execute(_TAKEN_USERNAMES, [[each.username for each in strangers]])
            self.usernames = {row[0] for row in cursor.fetchall()}
        self.erased = _erased({each.address for each in strangers})

    def faults(self, customer: Customer) -> list[Fault]:
        faults = []
        if customer.address in self.addresses:
            faults.append(
                Fault(
                    "user_email",
                    "taken e-mail address",
                    "Another customer of the portal has this e-mail address; correct it, or leave "
                    "the record out.",
                )
            )
        if customer.address in self.erased:
            faults.append(
                Fault(
                    "user_email",
                    "erased on request",
                    "Whoever has this address had their data deleted, and comes back by signing up "
                    "only; leave the record out.",
                )
            )
        if customer.username in self.usernames:
            faults.append(
                Fault(
                    "username",
                    "taken user name",
                    "Another customer of the portal has this user name; choose another.",
                )
            )
        return faults
