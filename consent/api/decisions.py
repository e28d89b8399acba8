"""May this person be written to about this topic, and why not: many at once, in one statement.

`consent_withheld_reason` decides at the hand-over of each message and locks what it reads; this
asks the same of the same rows for up to a thousand addresses without a lock. A test holds every
case of the two against each other. What an outsider must not learn reads "not asked": an unknown,
an erased and an unconfirmed address.
"""

import re
import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum

import psycopg
from django.db import connection

from foundation.addresses import normalise_address

ADDRESSES_AT_MOST = 1000
# One @ between two runs of anything but spaces and control characters.
_PART = r"[^@\s\x00-\x20\x7f-\x9f]+"
ADDRESS_PATTERN = f"{_PART}@{_PART}"
_ADDRESS = re.compile(ADDRESS_PATTERN)
_ADDRESS_LENGTH = 254


class Why(StrEnum):
    """Why an address may be written to about a topic, or why not."""

    MAY = "may"
    NOT_ASKED = "not_asked"
    SAID_NO = "said_no"
    PAUSED = "paused"
    BOUNCED = "bounced"
    INACTIVE = "inactive"
    TOPIC_RETIRED = "topic_retired"
    MALFORMED = "malformed"


# In the order of consent_withheld_reason. A suppression for an erased person whose address came
# back says nothing about either of them.
_WHY = """CASE
    WHEN u.email_confirmed_at IS NULL THEN 'not_asked'
    WHEN u.deactivated_at IS NOT NULL OR NOT u.is_active THEN 'inactive'
    WHEN p.state IS NULL THEN 'not_asked'
    WHEN p.state <> 'granted' THEN 'said_no'
    WHEN p.paused_until > %(now)s THEN 'paused'
    WHEN t.retired_at IS NOT NULL THEN 'topic_retired'
    ELSE COALESCE((
        SELECT CASE min(CASE s.reason WHEN 'erased' THEN 1 WHEN 'hard_bounce' THEN 3 ELSE 2 END)
               WHEN 1 THEN 'not_asked' WHEN 2 THEN 'said_no' WHEN 3 THEN 'bounced' END
          FROM consent_suppression s WHERE s.address_hash = ANY (u.address_hashes)), 'may')
    END"""

# A topic that is there has a row even when nobody has any of the addresses.
BY_ADDRESS = f"""
SELECT u.address, {_WHY}
  FROM consent_topic t
  LEFT JOIN accounts_user u ON u.address = ANY (%(addresses)s)
  LEFT JOIN consent_preference p ON p.person_id = u.id AND p.topic_id = t.id
 WHERE t.slug = %(topic)s
"""

BY_TOPIC = f"""
SELECT t.id, {_WHY}
  FROM accounts_user u
 CROSS JOIN consent_topic t
  LEFT JOIN consent_preference p ON p.person_id = u.id AND p.topic_id = t.id
 WHERE u.id = %(person)s AND t.retired_at IS NULL
"""


def normal_form(address: str) -> str | None:
    """The form under which an address is stored, or None where it is none.

    ASCII, as nearly all are, needs neither Unicode's forms nor IDNA.
    """
    stripped = address.strip()
    if len(stripped) > _ADDRESS_LENGTH or not _ADDRESS.fullmatch(stripped):
        return None
    if stripped.isascii():
        return stripped.lower().rstrip(".")
    return normalise_address(stripped) if is_text(stripped) else None


def is_text(string: str) -> bool:
    """Whether it is more than JSON's half of a surrogate, which no database takes."""
    try:
        string.encode()
    except UnicodeEncodeError:
        return False
    return True


def permissions(
    addresses: Sequence[str], slug: str, *, now: datetime
) -> list[tuple[str, str]] | None:
    """For each address in its order: the address as asked, and why it may be written to or not.

    None where there is no such topic.
    """
    normal = [normal_form(address) for address in addresses]
    known = {form for form in normal if form is not None}
    # Past Django's cursor, which cannot prepare: the plan is made once per connection.
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(
            BY_ADDRESS,
            {"addresses": list(known), "topic": slug, "now": now},
            prepare=True,
            binary=True,
        )
        found: dict[str | None, str] = dict(cursor.fetchall())
    if not found:
        return None
    found[None] = Why.MALFORMED.value
    unknown = Why.NOT_ASKED.value
    return [
        (address, found.get(form, unknown)) for address, form in zip(addresses, normal, strict=True)
    ]


def topics_in_force(person_id: uuid.UUID, *, now: datetime) -> set[uuid.UUID]:
    """The live topics about which a person may be written to at this moment."""
    with connection.cursor() as cursor:
        cursor.execute(BY_TOPIC, {"person": person_id, "now": now})
        rows: Iterable[tuple[uuid.UUID, str]] = cursor.fetchall()
    return {topic for topic, why in rows if why == Why.MAY}
