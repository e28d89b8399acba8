"""The bytes of an event are those of RFC 8785, and those of the leaves that exist already."""

import json
import math
import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from consent.models import Source, State
from consent.proof.events import Event, canonical, event_hash, event_record, event_text

DETAIL = Event(
    id=uuid.UUID("019a0000-0000-7000-8000-000000000001"),
    person_id=uuid.UUID("019a0000-0000-7000-8000-000000000002"),
    topic_id=uuid.UUID("019a0000-0000-7000-8000-000000000003"),
    version=2,
    state_before="granted",
    state="withdrawn",
    paused_until_before=datetime(2027, 2, 1, tzinfo=UTC),
    paused_until=None,
    undone=False,
    source="staff",
    actor="ola",
    reason='Sa «nei» på telefon\n"Ødegård" \x1f€',
    language="nb",
    wording_version=None,
    mailing=7,
    at=datetime(2026, 11, 22, 14, 0, 0, 250, tzinfo=timezone(timedelta(hours=1))),
    received_at=None,
    salt=bytes(range(16)),
)


def test_the_bytes_and_the_hash_of_an_event_of_schema_1_never_change():
    """Written by hand: what was sealed with it could not be verified any more."""
    wanted = (
        '{"actor":"ola","at":"2026-11-22T13:00:00.000250+00:00",'
        '"event":"019a0000-0000-7000-8000-000000000001","language":"nb","mailing":7,'
        '"paused_until":null,"paused_until_before":"2027-02-01T00:00:00.000000+00:00",'
        '"person":"019a0000-0000-7000-8000-000000000002",'
        '"reason":"Sa «nei» på telefon\\n\\"Ødegård\\" \\u001f€","received_at":null,'
        '"salt":"AAECAwQFBgcICQoLDA0ODw==","schema":1,"source":"staff","state":"withdrawn",'
        '"state_before":"granted","topic":"019a0000-0000-7000-8000-000000000003",'
        '"undone":false,"version":2,"wording_version":null}'
    )
    assert canonical(event_record(DETAIL)).decode() == wanted
    assert event_hash(DETAIL).hex() == (
        "1650b2f3f94efa805cea64eeceac880ec5cd880fbabefb45127c47646b9aa7d4"
    )


# Keys as a record has them; whole numbers as far as every implementation holds them exactly. Small,
# for large ones take seconds to draw and are written piece by piece as small ones are.
text = st.text(st.characters(exclude_categories=["Cs"]))
keys = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12)
scalars = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | text
records = st.dictionaries(
    keys,
    st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
        max_leaves=16,
    ),
    max_size=4,
)


moments = st.none() | st.datetimes(timezones=st.just(UTC))
events = st.builds(
    Event,
    id=st.uuids(),
    person_id=st.uuids(),
    topic_id=st.uuids(),
    version=st.integers(1, 2**31 - 1),
    state_before=st.sampled_from(["", *State.values]),
    state=st.sampled_from(State.values),
    paused_until_before=moments,
    paused_until=moments,
    undone=st.booleans(),
    source=st.sampled_from(Source.values),
    actor=text,
    reason=text,
    language=text,
    wording_version=st.none() | st.integers(1, 2**15 - 1),
    mailing=st.integers(0, 2**31 - 1),
    at=st.datetimes(timezones=st.just(UTC)),
    received_at=moments,
    salt=st.binary(min_size=16, max_size=16),
)


@given(event=events)
def test_an_event_is_written_as_rfc_8785_writes_its_record(event):
    record = event_record(event)
    assert event_text(event).encode() == rfc8785.dumps(record) == canonical(record)
    assert (record["reason"], record["undone"]) == (event.reason, event.undone)
    assert record["wording_version"] == event.wording_version


@given(record=records)
def test_the_fast_form_is_that_of_rfc_8785(record):
    assert canonical(record) == rfc8785.dumps(record)


def test_the_strings_of_rfc_8785_are_written_as_it_writes_them():
    """Sections 3.2.2 and 3.2.4, but for the numbers with fractions, which a record never has."""
    strings = json.loads(
        r'{"string": "\u20ac$\u000F\u000aA\u0027\u0042\u0022\u005c\\\"\/", '
        r'"literals": [null, true, false]}'
    )
    assert canonical(strings).hex(" ") == (
        "7b 22 6c 69 74 65 72 61 6c 73 22 3a 5b 6e 75 6c 6c 2c 74 72 75 65 2c 66 61 6c 73 65 5d "
        "2c 22 73 74 72 69 6e 67 22 3a 22 e2 82 ac 24 5c 75 30 30 30 66 5c 6e 41 27 42 5c 22 5c "
        "5c 5c 5c 5c 22 2f 22 7d"
    )


@pytest.mark.parametrize("code", [*range(32), 127, 0x80, 0x2028, 0xFFFD, 0x1F600])
def test_every_control_character_is_written_as_rfc_8785_writes_it(code):
    record = {"text": f"a{chr(code)}b"}
    assert canonical(record) == rfc8785.dumps(record)


def test_half_a_character_is_refused_as_rfc_8785_asks():
    with pytest.raises(UnicodeEncodeError):
        canonical({"text": "\ud800"})


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_what_is_no_number_is_refused(number):
    with pytest.raises(ValueError, match="JSON"):
        canonical({"number": number})
