"""Whom somebody means who names a customer."""

import uuid

from accounts.models import User

# `platform_id` is a bigint; longer digits are no customer number.
NUMBER_LENGTH = 18


def find_customer(named: str) -> User | None:
    """By key, customer number, email address or user name; staff are found too.

    The number is ClickSend's and goes before a user name, which people choose themselves.
    """
    named = named.strip()
    found: User | None = None
    try:
        found = User.objects.filter(pk=uuid.UUID(named)).first()
    except ValueError:
        if named.isdecimal() and len(named) <= NUMBER_LENGTH:
            found = User.objects.filter(platform_id=int(named)).first()
        found = found or User.objects.with_login(named).first()
    return found
