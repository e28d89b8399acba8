"""Writing one batch: people, their standing choices and the event of each, in one transaction.

The bulk door for consent, `consent_import` in the database. It keeps what `consent.services` keeps
(preference and event in one statement, versions alike) and adds what holds for files alone: a file
may start a choice of a person it brings in, it may bring a no to anyone, and it never brings a yes
to those who are here.
"""

import json
import secrets
import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db import connection

from consent.imports.checking import Customer
from consent.models import State, Topic
from foundation.addresses import address_hashes

ACTOR = "import"

# One document a batch: quicker than an object of the model and a parameter for each of its fields.
# The address counts as confirmed; the export does not say since when an account is deactivated, so
# its clock starts today. Whoever took a number, address or name meanwhile keeps it.
_BRING_IN = """
INSERT INTO accounts_user (
    platform_id, username, first_name, last_name, email, address, address_hashes, phone, company,
    country, language, timezone, support_channel, password, signed_up_at, email_confirmed_at,
    deactivated_at, is_active, is_staff, is_superuser, legal_entity)
SELECT user_id, username, first_name, last_name, email, address, hashes, phone, company,
       country, language, timezone, support_channel, password, signed_up_at, %(now)s,
       CASE WHEN NOT active THEN %(now)s::timestamptz END, true, false, false, ''
  FROM json_to_recordset(%(people)s) AS c (
       user_id bigint, username text, first_name text, last_name text, email text, address text,
       hashes bytea[], phone text, company text, country text, language text, timezone text,
       support_channel text, password text, signed_up_at timestamptz, active boolean)
ON CONFLICT DO NOTHING
RETURNING platform_id, id, EXISTS (
    SELECT 1 FROM consent_suppression s WHERE s.address_hash = ANY (address_hashes))
"""

_RECORD = "SELECT consent_import(%(asked)s, %(reasons)s, %(actor)s, %(now)s)"


class Topics(NamedTuple):
    """Topics by what the columns call them, and every reference activity."""

    mail: dict[str, str]
    reference: tuple[str, ...]

    @classmethod
    def read(cls) -> "Topics":
        rows = list(Topic.objects.values_list("kind", "slug", "id"))
        return cls(
            {slug: str(key) for kind, slug, key in rows if kind == Topic.Kind.MAIL},
            tuple(str(key) for kind, _, key in rows if kind == Topic.Kind.REFERENCE),
        )


class Written(NamedTuple):
    lost: list[Customer]  # somebody took their number, address or name while we looked
    suppressed: int
    stopped: int


def write_batch(
    new: Sequence[Customer],
    known: Sequence[tuple[Customer, uuid.UUID]],
    topics: Topics,
    *,
    now: datetime,
) -> Written:
    """Everything of one batch; call it inside a transaction."""
    here = _bring_in(new, now)
    asked: list[dict[str, str]] = []
    reasons: dict[str, str] = {}
    for customer in new:
        if customer.user_id in here:
            person, barred = here[customer.user_id]
            asked += _asked(person, customer, topics, yes_counts=not barred)
            reasons[str(person)] = customer.choice_source
    for customer, person in known:
        asked += _asked(person, customer, topics, yes_counts=False)
        reasons[str(person)] = customer.choice_source
    return Written(
        lost=[customer for customer in new if customer.user_id not in here],
        suppressed=sum(barred for _, barred in here.values()),
        stopped=record_from_file(asked, reasons, now=now),
    )


def _bring_in(new: Sequence[Customer], now: datetime) -> dict[int, tuple[uuid.UUID, bool]]:
    """Who came in, by customer number, and whether their address is on the suppression list."""
    people = json.dumps([_person(customer) for customer in new])
    with connection.cursor() as cursor:
        cursor.execute(_BRING_IN, {"people": people, "now": now})
        return {number: (person, barred) for number, person, barred in cursor.fetchall()}


def _person(customer: Customer) -> dict[str, Any]:
    return {
        "user_id": customer.user_id,
        "username": customer.username,
        "first_name": customer.first_name,
        "last_name": customer.last_name,
        "email": customer.email,
        "address": customer.address,
        "hashes": [f"\\x{digest.hex()}" for digest in address_hashes(customer.address)],
        "phone": customer.phone,
        "company": customer.company,
        "country": customer.country,
        "language": customer.language,
        "timezone": customer.timezone,
        "support_channel": customer.support_channel,
        "password": UNUSABLE_PASSWORD_PREFIX + secrets.token_urlsafe(30),
        "signed_up_at": customer.signed_up_at.isoformat(),
        "active": customer.active,
    }


def _asked(
    person: uuid.UUID, customer: Customer, topics: Topics, *, yes_counts: bool
) -> Iterator[dict[str, str]]:
    """The record's choices that may count; to leave the reference program refuses all of it."""
    if customer.choice_at is None:
        return
    common = {"person": str(person), "at": customer.choice_at.isoformat()}
    for choice in customer.choices:
        if yes_counts or choice.state != State.GRANTED:
            yield {**common, "topic": topics.mail[choice.topic], "state": choice.state}
    if customer.refuses_reference:
        for topic in topics.reference:
            yield {**common, "topic": topic, "state": State.REFUSED.value}


def record_from_file(
    asked: Sequence[dict[str, str]], reasons: dict[str, str], *, now: datetime
) -> int:
    """Both halves of every choice; how many standing yeses ended."""
    parameters: dict[str, Any] = {
        "asked": json.dumps(asked),
        "reasons": json.dumps(reasons),
        "actor": ACTOR,
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(_RECORD, parameters)
        return sum(before == State.GRANTED for (before,) in cursor.fetchall())
