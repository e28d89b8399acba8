"""Secrets that make sign-in codes: encrypted in the database, and read however they stand there."""

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.conf import LazySettings

from accounts.mfa import MARK, UnreadableSecretError, renew_sign_in_secrets
from accounts.models import User
from consent.tasks import renew_fingerprints
from foundation.roles import KEEPER, as_role
from tests.factories import make_customer
from tests.journeys.authenticator import code_now
from tests.staff.sign_in import SECRET

pytestmark = pytest.mark.django_db
SEED = "ab" * 40


@pytest.fixture
def person() -> User:
    return make_customer()


def stored(kind: str, name: str) -> str:
    return str(Authenticator.objects.get(type=kind).data[name])


def accepts(code: str) -> bool:
    return bool(TOTP(Authenticator.objects.get(type="totp")).validate_code(code))


def codes() -> list[str]:
    return list(RecoveryCodes(Authenticator.objects.get(type="recovery_codes")).generate_codes())


def in_the_clear(person: User) -> None:
    """As rows stand that allauth wrote before."""
    Authenticator.objects.create(user=person, type="totp", data={"secret": SECRET})
    Authenticator.objects.create(
        user=person, type="recovery_codes", data={"seed": SEED, "used_mask": 2}
    )


def test_secrets_are_stored_encrypted_and_their_codes_are_right(person: User) -> None:
    TOTP.activate(person, SECRET)
    RecoveryCodes.activate(person)
    assert stored("totp", "secret").startswith(MARK)
    assert SECRET not in stored("totp", "secret")
    assert stored("recovery_codes", "seed").startswith(MARK)
    assert accepts(code_now(SECRET))
    assert codes() == codes()


def test_what_stood_in_the_clear_is_read_and_encrypted_by_the_clock(person: User) -> None:
    in_the_clear(person)
    before = codes()
    with as_role(KEEPER):
        assert renew_sign_in_secrets() == 2
        assert renew_sign_in_secrets() == 0
        renew_fingerprints()
    assert stored("totp", "secret").startswith(MARK)
    assert stored("recovery_codes", "seed").startswith(MARK)
    assert Authenticator.objects.get(type="recovery_codes").data["used_mask"] == 2
    assert codes() == before
    assert accepts(code_now(SECRET))


def test_rows_in_the_clear_let_their_owner_in(person: User) -> None:
    in_the_clear(person)
    assert accepts(code_now(SECRET))
    assert len(codes()) == 10


def test_secrets_move_to_a_new_key_before_the_former_one_is_dropped(
    person: User, settings: LazySettings
) -> None:
    TOTP.activate(person, SECRET)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another key, as long as a key has to be, and then some more of it"
    assert renew_sign_in_secrets() == 1
    settings.SECRET_KEY_FALLBACKS = []
    assert accepts(code_now(SECRET))
    settings.SECRET_KEY = "a third key, as long as a key has to be, and then some more of it"
    assert renew_sign_in_secrets() == 0
    with pytest.raises(UnreadableSecretError):
        accepts(code_now(SECRET))
