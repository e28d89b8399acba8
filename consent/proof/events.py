"""An event as the bytes that its leaf is the hash of.

A leaf can never be computed anew: another shape of the record gets another `SCHEMA`, and this one
stays for the leaves made with it.
"""

import json
import uuid
from binascii import b2a_base64
from datetime import UTC, datetime
from json.encoder import encode_basestring as _quoted
from typing import Any, NamedTuple

from consent.models import ConsentDetail
from consent.proof import merkle

SCHEMA = 1


class Event(NamedTuple):
    """The columns of an event, for those who read a million of them."""

    id: uuid.UUID | str
    person_id: uuid.UUID | str
    topic_id: uuid.UUID | str
    version: int
    state_before: str
    state: str
    paused_until_before: datetime | None
    paused_until: datetime | None
    undone: bool
    source: str
    actor: str
    reason: str
    language: str
    wording_version: int | None
    mailing: int
    at: datetime
    received_at: datetime | None
    salt: bytes


def event_record(detail: ConsentDetail | Event) -> dict[str, Any]:
    """All of the event; the salt keeps whoever holds only the hash from guessing the rest."""
    record: dict[str, Any] = json.loads(event_text(detail))
    return record


def canonical(record: dict[str, Any]) -> bytes:
    """The RFC 8785 form of a record of strings, small whole numbers, truth values and null.

    For these, and keys of ASCII, Python's own encoder writes what section 3.2 asks, many times as
    fast as a general one. Fractions would differ: a record has none.
    """
    return _encode(record).encode()


_encode = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
).encode


def event_text(detail: ConsentDetail | Event) -> str:
    """The RFC 8785 form of the event itself: its shape is written down here and nowhere else.

    By hand, for an audit writes a million of them: keys in order, strings quoted by the same
    encoder, and keys of rows, states and salts, which hold nothing to escape, as they are.
    """
    d = detail
    return (
        f'{{"actor":{_quoted(d.actor)},"at":{_moment(d.at)},"event":"{d.id}",'
        f'"language":{_quoted(d.language)},"mailing":{d.mailing},'
        f'"paused_until":{_moment(d.paused_until)},'
        f'"paused_until_before":{_moment(d.paused_until_before)},"person":"{d.person_id}",'
        f'"reason":{_quoted(d.reason)},"received_at":{_moment(d.received_at)},'
        f'"salt":"{b2a_base64(d.salt, newline=False).decode()}","schema":{SCHEMA},'
        f'"source":{_quoted(d.source)},"state":{_quoted(d.state)},'
        f'"state_before":{_quoted(d.state_before)},"topic":"{d.topic_id}",'
        f'"undone":{"true" if d.undone else "false"},"version":{d.version},'
        f'"wording_version":{"null" if d.wording_version is None else d.wording_version}}}'
    )


def _moment(value: datetime | None) -> str:
    if value is None:
        return "null"
    return f'"{value.astimezone(UTC).isoformat(timespec="microseconds")}"'


def event_hash(detail: ConsentDetail | Event) -> bytes:
    return merkle.leaf_hash(event_text(detail).encode())
