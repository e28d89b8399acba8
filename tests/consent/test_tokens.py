"""The links in mails: hard to forge, easy to keep."""

import base64
import string
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from consent.models import ConsentDetail, Preference
from consent.tokens import Purpose, RecipientToken, read_token, sign_token
from foundation.ids import uuid7_from
from tests.factories import NOW, make_customer

TOKEN = RecipientToken(
    person_id=uuid7_from(NOW, "someone"),
    topic=3,
    mailing=70_000,
    wording_version=2,
    issued_at=datetime(2026, 11, 22, 9, 30, tzinfo=UTC),
)


def test_a_token_says_what_was_signed():
    assert read_token(sign_token(TOKEN)) == TOKEN


def test_a_token_holds_nothing_a_mail_program_could_split_or_unescape():
    assert set(sign_token(TOKEN)) <= set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    )


def test_a_token_of_a_former_key_still_works(settings):
    old = sign_token(TOKEN)
    settings.TOKEN_KEYS = {9: b"n" * 32} | settings.TOKEN_KEYS
    assert read_token(old) == TOKEN
    assert sign_token(TOKEN) != old


def test_a_token_of_a_key_taken_out_of_the_ring_does_not(settings):
    old = sign_token(TOKEN)
    settings.TOKEN_KEYS = {9: b"n" * 32}
    assert read_token(old) is None


def test_a_token_for_one_purpose_serves_no_other():
    assert read_token(sign_token(TOKEN), purpose=Purpose.CONFIRM_YES) is None


def changed_by_one_bit(text):
    """Every token that differs from it in one bit, written as tokens are."""
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    for bit in range(8 * len(raw)):
        flipped = bytearray(raw)
        flipped[bit // 8] ^= 1 << bit % 8
        yield base64.urlsafe_b64encode(flipped).rstrip(b"=").decode()


def spelled_otherwise(text):
    """The same bytes, more or fewer of them, or other letters where a reader might not care."""
    alphabet = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
    last = alphabet.index(text[-1])
    yield from (text[:-1] + alphabet[last ^ spare] for spare in (1, 2, 3))
    yield from (text[:cut] for cut in range(len(text)))
    yield from (text[start:] for start in range(1, len(text)))
    yield from (
        text + more for more in ("=", "==", "A", "AA", "AAAA", " ", "\n", "\0", "%3E", text)
    )
    yield from (less + text for less in (" ", "A", "=", "\t"))
    yield text.replace("-", "+").replace("_", "/") + "="
    yield text.swapcase()


@pytest.mark.parametrize("purpose", Purpose)
def test_not_one_bit_of_a_token_can_differ(purpose):
    good = sign_token(replace(TOKEN, purpose=purpose))
    for changed in changed_by_one_bit(good):
        assert changed != good
        for wanted in Purpose:
            assert read_token(changed, purpose=wanted) is None


def test_a_token_has_one_spelling():
    good = sign_token(TOKEN)
    assert [text for text in spelled_otherwise(good) if read_token(text)] == []


@given(st.data())
def test_one_changed_character_makes_it_unreadable(data):
    good = sign_token(TOKEN)
    place = data.draw(st.integers(0, len(good) - 1))
    other = data.draw(st.sampled_from("ABCabc019-_"))
    changed = good[:place] + other + good[place + 1 :]
    assert changed == good or read_token(changed) is None


LINK_LETTERS = string.ascii_letters + string.digits + "-_=+/. "
TEXTS = st.one_of(
    st.text(max_size=120),
    st.text(LINK_LETTERS, max_size=120),
    st.text(LINK_LETTERS, min_size=62, max_size=62),
    st.binary(min_size=46, max_size=46).map(lambda raw: base64.urlsafe_b64encode(raw).decode()),
    st.binary(max_size=90).map(lambda raw: base64.urlsafe_b64encode(raw).decode()),
    st.sampled_from(["🦄" * 62, "ä" * 62, "A" * 100_000, "\ud800", "\u202e" + "A" * 61]),
)


@given(TEXTS, st.sampled_from(Purpose))
def test_no_text_makes_reading_fail(text, purpose):
    assert read_token(text, purpose=purpose) is None


@given(
    person=st.uuids(),
    topic=st.integers(0, 2**16 - 1),
    mailing=st.integers(0, 2**32 - 1),
    wording=st.integers(0, 2**16 - 1),
    minutes=st.integers(0, 4_200_000_000),  # the year 9955
)
def test_whatever_a_token_holds_it_gives_back(person, topic, mailing, wording, minutes):
    token = RecipientToken(
        person_id=person,
        topic=topic,
        mailing=mailing,
        wording_version=wording,
        issued_at=datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes),
    )
    assert read_token(sign_token(token)) == token


# --- the same against the pages behind the links -------------------------------------------------

BODIES = (
    {"List-Unsubscribe": "One-Click"},
    {"scope": "all"},
    {"action": "undo"},
    {"topic": "1", "choice": "no"},
    {"action": "pause", "months": "6"},
)
PAGES = st.sampled_from(["/u/{}/", "/u/{}", "/p/{}/", "/preferences/confirm/{}/"])


def everything_stored():
    return list(Preference.objects.values()), list(ConsentDetail.objects.values())


@pytest.fixture
def reader(db):
    return make_customer(yes=("newsletter", "special_offers"))


def tampered(person):
    good = sign_token(RecipientToken(person_id=person.pk, topic=1, issued_at=NOW))
    return st.one_of(
        TEXTS,
        st.sampled_from(list(changed_by_one_bit(good))),
        st.sampled_from([text for text in spelled_otherwise(good) if text]),
    )


@pytest.mark.slow
def test_no_tampered_link_changes_anything_or_fails(reader):
    before = everything_stored()
    client = Client(raise_request_exception=False)

    @hypothesis_settings(
        max_examples=200,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )
    @given(
        tampered(reader), PAGES, st.sampled_from(["get", "head", "post"]), st.sampled_from(BODIES)
    )
    def try_it(text, page, method, body):
        sent = body if method == "post" else {}
        answer = getattr(client, method)(page.format(quote(text, safe="", errors="replace")), sent)
        assert answer.status_code < 500
        if method == "post" and page.startswith("/u/"):
            assert answer.status_code == 404, "a mail program must not report a success"

    try_it()
    assert everything_stored() == before


@pytest.mark.parametrize("flip", range(0, 8 * 46, 7))
def test_a_link_with_a_flipped_bit_is_answered_kindly_and_does_nothing(client, reader, flip):
    good = sign_token(RecipientToken(person_id=reader.pk, topic=1, issued_at=NOW))
    text = list(changed_by_one_bit(good))[flip]
    before = everything_stored()
    assert client.post(f"/u/{text}/", BODIES[0]).status_code == 404
    assert client.get(f"/u/{text}/").status_code == 200
    assert client.head(f"/u/{text}/").status_code == 200
    assert client.post(f"/p/{text}/", BODIES[3]).status_code == 200
    assert everything_stored() == before
