"""Writing one batch: people, their standing choices and the event of each, in one transaction.

The bulk door for consent. It keeps what `consent.services` keeps (preference and event in one
statement, versions alike) and adds what holds for files alone: a file may start a choice of a
person it brings in, it may bring a no to anyone, and it never brings a yes to those who are here.
"""

import json
import secrets
import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from django.contrib.auth.hashers import make_password
from django.db import connection

from accounts.models import User
from consent.imports.checking import Customer
from consent.imports.duplicates import suppressed_hashes
from consent.models import Source, State, Topic
from foundation.ids import uuid7_from

ACTOR = "import"

# A stored yes ends when the file's no is the newer of the two; any other stored choice stands.
# A person who does not exist joins to no row. The reasons come as one object by person: joined as
# rows, a planner without statistics would compare each with every other.
_RECORD = """
WITH changed AS (
    INSERT INTO consent_preference AS p (person_id, topic_id, state, version, source, since)
    SELECT u.id, a.topic_id, a.state, 1, %(source)s, a.at
      FROM unnest(%(persons)s::uuid[], %(topics)s::uuid[], %(states)s::text[],
                  %(times)s::timestamptz[]) AS a (person_id, topic_id, state, at)
      JOIN accounts_user u ON u.id = a.person_id
     ORDER BY u.id, a.topic_id
    ON CONFLICT (person_id, topic_id) DO UPDATE
       SET state = 'withdrawn', paused_until = NULL, version = p.version + 1,
           source = excluded.source, since = excluded.since
     WHERE p.state = 'granted' AND excluded.state <> 'granted' AND excluded.since > p.since
 RETURNING new.person_id, new.topic_id, new.version, new.state AS state, new.since,
           old.state AS before, old.paused_until AS paused_before
)
INSERT INTO consent_consentdetail (person_id, topic_id, version, state_before, state,
       paused_until_before, undone, source, actor, reason, language, wording_version, mailing,
       at, salt)
SELECT person_id, topic_id, version, COALESCE(before, ''), state, paused_before, false,
       %(source)s, %(actor)s, %(reasons)s::jsonb ->> person_id::text, '', NULL, 0,
       since, uuid_send(gen_random_uuid())
  FROM changed
RETURNING state_before
"""


class Topics(NamedTuple):
    """Topics by what the columns call them, and every reference activity."""

    mail: dict[str, uuid.UUID]
    reference: tuple[uuid.UUID, ...]

    @classmethod
    def read(cls) -> "Topics":
        rows = list(Topic.objects.values_list("kind", "slug", "id"))
        return cls(
            {slug: key for kind, slug, key in rows if kind == Topic.Kind.MAIL},
            tuple(key for kind, _, key in rows if kind == Topic.Kind.REFERENCE),
        )


class Written(NamedTuple):
    lost: list[Customer]  # somebody took their number, address or name while we looked
    suppressed: int
    stopped: int


class _Asked(NamedTuple):
    person: uuid.UUID
    topic: uuid.UUID
    state: str
    at: datetime
    reason: str


def write_batch(
    new: Sequence[Customer],
    known: Sequence[tuple[Customer, uuid.UUID]],
    topics: Topics,
    *,
    now: datetime,
) -> Written:
    """Everything of one batch; call it inside a transaction."""
    users = [_user(customer, now) for customer in new]
    User.objects.bulk_create(users, ignore_conflicts=True)
    here = set(User.objects.filter(pk__in=[user.pk for user in users]).values_list("pk", flat=True))
    lists = suppressed_hashes(new)
    asked: list[_Asked] = []
    suppressed = 0
    for customer, user in zip(new, users, strict=True):
        barred = not lists.isdisjoint(user.address_hashes)
        suppressed += barred
        asked += _asked(user.pk, customer, topics, yes_counts=not barred)
    for customer, person in known:
        asked += _asked(person, customer, topics, yes_counts=False)
    stopped = _record(asked)
    lost = [each for each, user in zip(new, users, strict=True) if user.pk not in here]
    return Written(lost, suppressed, stopped)


def _user(customer: Customer, now: datetime) -> User:
    """The export says nothing of when an account was deactivated: its clock starts today."""
    user = User(
        id=uuid7_from(now, secrets.token_hex(16)),
        platform_id=customer.user_id,
        username=customer.username,
        phone=customer.phone,
        first_name=customer.first_name,
        last_name=customer.last_name,
        company=customer.company,
        country=customer.country,
        timezone=customer.timezone,
        language=customer.language,
        support_channel=customer.support_channel,
        signed_up_at=customer.signed_up_at,
        email_confirmed_at=now,
        deactivated_at=None if customer.active else now,
        password=make_password(None),
    )
    user.set_address(customer.email)
    return user


def _asked(
    person: uuid.UUID, customer: Customer, topics: Topics, *, yes_counts: bool
) -> Iterable[_Asked]:
    """The record's choices that may count; to leave the reference program refuses all of it."""
    at = customer.choice_at
    if at is None:
        return
    for choice in customer.choices:
        if yes_counts or choice.state != State.GRANTED:
            topic = topics.mail[choice.topic]
            yield _Asked(person, topic, choice.state, at, customer.choice_source)
    if customer.refuses_reference:
        for topic in topics.reference:
            yield _Asked(person, topic, State.REFUSED.value, at, customer.choice_source)


def _record(asked: Sequence[_Asked]) -> int:
    """Both halves of every choice; how many a standing yes was among what changed."""
    parameters = {
        "persons": [each.person for each in asked],
        "topics": [each.topic for each in asked],
        "states": [each.state for each in asked],
        "times": [each.at for each in asked],
        "reasons": json.dumps({str(each.person): each.reason for each in asked}),
        "source": Source.IMPORT.value,
        "actor": ACTOR,
    }
    with connection.cursor() as cursor:
        cursor.execute(_RECORD, parameters)
        return sum(1 for (before,) in cursor.fetchall() if before)
