"""A browser whose session proved the named methods, without walking through the pages."""

import time

from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.account.internal.userkit import user_id_to_str
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from django.test import Client

from accounts.models import User

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
PASSWORD = "passord-til-sjefen"
# allauth's name for it is private to its sign-in flow.
METHODS_OF = "account_authentication_methods_user"


def sign_in(user: User, *methods: str, again: bool = True) -> Client:
    """With `again` they have just proved it once more, as sensitive acts want it."""
    client = Client()
    client.force_login(user)
    session = client.session
    session[METHODS_OF] = user_id_to_str(user)
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [
        {
            "method": method,
            "at": time.time(),
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
