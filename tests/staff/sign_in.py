"""A browser whose session proved the named methods, without walking through the pages."""

import time

from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.account.internal.userkit import user_id_to_str
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from django.conf import settings
from django.test import Client

from accounts.models import User

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
PASSWORD = "passord-til-sjefen"
# allauth's name for it is private to its sign-in flow.
METHODS_OF = "account_authentication_methods_user"


def sign_in(user: User, *methods: str, again: bool = True) -> Client:
    """Just now; without `again` so long ago that sensitive acts ask once more."""
    at = time.time() if again else time.time() - settings.ACCOUNT_REAUTHENTICATION_TIMEOUT - 1
    client = Client()
    client.force_login(user)
    session = client.session
    session[METHODS_OF] = user_id_to_str(user)
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [
        {
            "method": method,
            "at": at,
            "type": Authenticator.Type.TOTP,
            "reauthenticated": again,
        }
        for method in methods
    ]
    session.save()
    return client


def at_work(person: User) -> Client:
    """A member of staff who came in with both factors."""
    TOTP.activate(person, SECRET)
    return sign_in(person, "password", "mfa")
