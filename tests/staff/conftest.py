"""A member of staff, with an authenticator, signed in with both factors."""

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from django.test import Client

from accounts.models import User
from tests.staff.sign_in import PASSWORD, SECRET, sign_in


@pytest.fixture
def boss(db: None) -> User:
    boss: User = User.objects.create_superuser(
        "sjefen", "sjefen@portal.example", PASSWORD, language="en"
    )
    TOTP.activate(boss, SECRET)
    return boss


@pytest.fixture
def staff(boss: User) -> Client:
    return sign_in(boss, "password", "mfa")
