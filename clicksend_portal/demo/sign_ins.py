"""The two people whose passwords are printed: a customer and a member of staff.

Their passwords derive from SECRET_KEY, so they are the same at every start, differ between
installations, and are written down nowhere.
"""

import base64
import hmac
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from allauth.mfa.utils import decrypt
from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.mfa import UnreadableSecretError
from accounts.models import User
from accounts.roles import Role, begin_with_roles
from accounts.staff.standing import confirmed_since
from consent.models import Source, Topic
from consent.services import Shown, current_preferences, record_choices

CUSTOMER_ADDRESS = "kari.nordmann@fjordkraft-demo.example"
STAFF_ADDRESS = "admin@clicksend-demo.example"
# A colleague of the member of staff, who wrote some of what is to be approved.
COLLEAGUE_ADDRESS = "ingrid@clicksend-demo.example"
ADDRESSES = (CUSTOMER_ADDRESS, STAFF_ADDRESS, COLLEAGUE_ADDRESS)
KARIS_ANSWERS = {"newsletter": True, "product_news": True, "special_offers": False}


class NameTakenError(Exception):
    """Somebody else has the user name of a demo account; it is left alone."""


def derived(purpose: str) -> bytes:
    return hmac.digest(settings.SECRET_KEY.encode(), f"demo:{purpose}".encode(), "sha256")


def password_of(username: str) -> str:
    """24 characters a person can type, in groups."""
    letters = base64.b32encode(derived(username)).decode().lower()[:24]
    return "-".join(letters[start : start + 6] for start in range(0, 24, 6))


def ensure_sign_ins(*, now: datetime) -> dict[str, dict[str, str]]:
    """What is valid afterwards, whatever was there before; nothing else is touched."""
    customer = ensure_kari(now=now)
    staff = ensure_admin(now=now)
    return {
        "customer": {"username": customer.username, "password": password_of("kari")},
        "staff": {
            "username": staff.username,
            "password": password_of("admin"),
            "totp_secret": totp_secret(staff),
        },
    }


def ensure_kari(*, now: datetime) -> User:
    kari = ensure_user(
        CUSTOMER_ADDRESS,
        "kari",
        {
            "first_name": "Kari",
            "last_name": "Nordmann",
            "company": "Nordmann Trykk AS",
            "platform_id": 700_000,
            "country": "NO",
            "language": "nb",
            "signed_up_at": now - timedelta(days=420),
            "email_confirmed_at": now - timedelta(days=420),
        },
    )
    if not current_preferences(kari.pk):
        topics = {topic.slug: topic.pk for topic in Topic.objects.mail()}
        record_choices(
            kari.pk,
            {topics[slug]: yes for slug, yes in KARIS_ANSWERS.items() if slug in topics},
            source=Source.SIGNUP,
            now=kari.signed_up_at,
            shown=Shown(language="nb"),
        )
    return kari


def ensure_admin(*, now: datetime) -> User:
    """Every role, as the first account of a portal has; nobody was there to confirm it."""
    admin = ensure_user(
        STAFF_ADDRESS,
        "admin",
        {
            "first_name": "Astrid",
            "last_name": "Dahl",
            "language": "nb",
            "signed_up_at": now,
            "email_confirmed_at": now,
            "is_staff": True,
        },
    )
    if not confirmed_since(admin, now=now) or admin.groups.count() < len(Role):
        begin_with_roles(admin, Role.values, now=now)
    return admin


def ensure_user(address: str, username: str, fields: Mapping[str, Any]) -> User:
    """The account of this address; made when missing, given its password when it has another."""
    user: User | None = User.objects.with_address(address).first()
    if user is not None and user.is_staff != fields.get("is_staff", False):
        raise NameTakenError(f"{address} belongs to another kind of account")
    if user is None:
        user = User(username=username, email=address, **fields)
        user.set_password(password_of(username))
        try:
            with transaction.atomic():
                user.save(force_insert=True)
        except IntegrityError:
            raise NameTakenError(f"the user name {username} belongs to somebody else") from None
        return user
    if not user.check_password(password_of(username)):
        user.set_password(password_of(username))
        user.save(update_fields=["password"])
    return user


def totp_secret(user: User) -> str:
    """Of the authenticator there is; a new one when there is none, or none that can be read."""
    known = Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).first()
    if known is not None:
        with suppress(UnreadableSecretError):
            return str(decrypt(known.data["secret"]))
        known.delete()
    secret = base64.b32encode(derived("totp")[:20]).decode()
    TOTP.activate(user, secret)
    return secret
