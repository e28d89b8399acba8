"""Whom staff mean who name a customer in a form."""

from django.utils import timezone

from accounts.access.searching import search
from accounts.models import User


def find_customer(named: str, *, staff: User) -> User | None:
    """By e-mail address, phone, customer number or key: exactly, and written down as a search.

    None as well where a phone number is that of several.
    """
    found = search(named, staff=staff, now=timezone.now())
    return found[0] if len(found) == 1 else None
