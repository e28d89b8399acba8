"""Tokens and keys: shown once, kept as a digest, dead when revoked."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.access_tokens import make_token, revoke_token, use_token
from accounts.models import PersonalToken, User
from consent.models import ServiceKey
from consent.service_keys import make_service_key, revoke_service_key, use_service_key
from tests.api.conftest import Caller, app_of, error
from tests.factories import NOW, make_customer

pytestmark = pytest.mark.django_db
SCANNED = r"c[ps]_[A-Za-z0-9_-]{43}"


def stored(table: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT t::text FROM {table} t")
        return str(cursor.fetchall())


def test_only_a_digest_is_kept(kari: User) -> None:
    _token, personal = make_token(kari, name="app", scopes=[], days=30, now=NOW)
    _key, service = make_service_key(name="shop", scopes=[], now=NOW)
    assert personal[3:] not in stored("accounts_personaltoken")
    assert service[3:] not in stored("consent_servicekey")
    assert re.fullmatch(SCANNED, personal)
    assert re.fullmatch(SCANNED, service)
    assert (personal[:3], service[:3]) == ("cp_", "cs_")


def test_unknown_revoked_expired_and_locked_answer_alike(kari: User) -> None:
    dead = {"unknown": Caller("cp_" + "x" * 43)}
    dead["revoked"] = app_of(kari, name="revoked")
    revoke_token(kari, kari.tokens.get(name="revoked").pk)
    dead["expired"] = app_of(kari, name="expired", days=30, now=NOW - timedelta(days=31))
    locked = make_customer()
    dead["locked"] = app_of(locked)
    User.objects.filter(pk=locked.pk).update(is_active=False)
    answers = {name: each.send("get", "preferences") for name, each in dead.items()}
    assert {each.status_code for each in answers.values()} == {401}
    assert len({each.content for each in answers.values()}) == 1
    assert len({str(sorted(each.items())) for each in answers.values()}) == 1


def test_a_revoked_service_key_answers_as_an_unknown_one(db: None) -> None:
    key, secret = make_service_key(name="shop", scopes=["opt_outs"], now=NOW)
    assert Caller(secret).send("get", "opt-outs").status_code == 200
    assert revoke_service_key(key, now=NOW)
    assert not revoke_service_key(key, now=NOW)
    revoked, unknown = Caller(secret), Caller("cs_" + "x" * 43)
    assert error(revoked.send("get", "opt-outs")) == (401, "authentication_failed")
    assert revoked.send("get", "opt-outs").content == unknown.send("get", "opt-outs").content


def test_a_token_works_until_its_last_moment_and_not_after(kari: User) -> None:
    token, secret = make_token(kari, name="app", scopes=[], days=30, now=NOW)
    end = NOW + timedelta(days=30)
    assert use_token(secret, now=end - timedelta(microseconds=1)) == token
    assert use_token(secret, now=end) is None


def test_the_last_use_is_a_day_and_never_goes_back(kari: User) -> None:
    _token, secret = make_token(kari, name="app", scopes=[], days=30, now=NOW)
    for days, seen in ((0, 0), (2, 2), (1, 2)):
        use_token(secret, now=NOW + timedelta(days=days))
        assert PersonalToken.objects.get().last_used_on == (NOW + timedelta(days=seen)).date()
    _key, secret = make_service_key(name="shop", scopes=[], now=NOW)
    use_service_key(secret, now=NOW)
    assert ServiceKey.objects.get().last_used_on == NOW.date()


def test_only_ones_own_token_can_be_revoked(kari: User) -> None:
    token, secret = make_token(kari, name="app", scopes=[], days=30, now=NOW)
    assert not revoke_token(make_customer(), token.pk)
    assert use_token(secret, now=timezone.now())
    assert revoke_token(kari, token.pk)
    assert use_token(secret, now=timezone.now()) is None


def test_nothing_of_the_caller_is_kept(kari: User, app: Caller) -> None:
    app.send("get", "preferences", REMOTE_ADDR="198.51.100.7", headers={"user-agent": "Spy/1.0"})
    for table in ("accounts_personaltoken", "accounts_session"):
        assert "198.51.100.7" not in stored(table)
        assert "Spy" not in stored(table)
