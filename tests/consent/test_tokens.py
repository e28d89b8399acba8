"""The links in mails: hard to forge, easy to keep."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.tokens import Purpose, RecipientToken, read_token, sign_token
from foundation.ids import uuid7_from
from tests.factories import NOW

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


@given(st.data())
def test_one_changed_character_makes_it_unreadable(data):
    good = sign_token(TOKEN)
    place = data.draw(st.integers(0, len(good) - 1))
    other = data.draw(st.sampled_from("ABCabc019-_"))
    changed = good[:place] + other + good[place + 1 :]
    assert changed == good or read_token(changed) is None


@given(st.text(max_size=120))
def test_no_text_makes_reading_fail(text):
    assert read_token(text) is None


@pytest.mark.parametrize("cut", [1, 10, 40])
def test_a_truncated_token_is_no_token(cut):
    assert read_token(sign_token(TOKEN)[:-cut]) is None
