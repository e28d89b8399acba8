"""Confirming the address in use once more, after a mail to it came back.

Asked for signed in; agreed to by whoever reads the mailbox, with a link that works once: using it
changes what the link was made of.
"""

import hmac
import re
import uuid
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts import signals
from accounts.models import User
from accounts.policy import CONFIRMATION_PERIOD
from accounts.zones import zone_named
from foundation.mail import write_mail

SALT = "accounts.reconfirm"
# The account's key, the second it was made (until the year 36812), and the proof. Nothing else is
# looked at: a longer number would be none that a clock could show.
_FORM = re.compile(r"([0-9a-f]{32})\.([0-9a-f]{1,10})\.([0-9a-f]{64})")


def _proofs(user: User, made: str) -> list[str]:
    facts = "|".join(map(str, (user.pk, user.address, user.email_confirmed_at, made)))
    return [
        salted_hmac(SALT, facts, secret=key, algorithm="sha256").hexdigest()
        for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    ]


def make_token(user: User, *, now: datetime) -> str:
    made = f"{int(now.timestamp()):x}"
    return f"{user.pk.hex}.{made}.{_proofs(user, made)[0]}"


def find_person(token: str, *, now: datetime) -> User | None:
    """Whose address the link confirms; None when it is used, old, or not ours."""
    form = _FORM.fullmatch(token)
    if form is None:
        return None
    pk, made, proof = form.groups()
    age = now.timestamp() - int(made, 16)
    person: User | None = User.objects.confirmed().filter(pk=uuid.UUID(hex=pk)).first()
    if person is None or not person.is_active or age >= CONFIRMATION_PERIOD.total_seconds():
        return None
    fits = (hmac.compare_digest(proof.encode(), one.encode()) for one in _proofs(person, made))
    return person if any(fits) else None


def request_confirmation(user: User, *, now: datetime) -> None:
    """A mail to the address in use; until its link is used nothing changes."""
    token = make_token(user, now=now)
    with timezone.override(zone_named(user.timezone)):
        write_mail(
            "accounts/mail/confirm_again",
            to=user.email,
            person_id=user.pk,
            language=user.language or settings.LANGUAGE_CODE,
            context={
                "user": user,
                "url": settings.PORTAL_URL + reverse("address_confirm_link", args=[token]),
            },
        )


def confirm_again(token: str, *, now: datetime) -> User | None:
    """The owner read the mail: the address works. Twice is once."""
    with transaction.atomic():
        person = find_person(token, now=now)
        if person is None:
            return None
        changed = User.objects.filter(
            pk=person.pk, email_confirmed_at=person.email_confirmed_at
        ).update(email_confirmed_at=now)
        if not changed:
            return None
        person.email_confirmed_at = now
        signals.address_confirmed.send(sender=User, user=person, now=now)
        return person
