"""What the cache counts of an account against guessing and flooding: it goes with the account."""

from collections.abc import Collection
from functools import partial

from allauth.account import app_settings
from allauth.core.internal.ratelimit import get_cache_key, parse_rates
from django.core.cache import cache
from django.db import transaction

from accounts.models import User
from foundation.addresses import normalise_address


def forget_counts(user: User, addresses: Collection[str]) -> None:
    """With the commit; they would run out by themselves, within the hour they count.

    Counted is under the account's key, its hash, and that of a user name or an address as it was
    typed, in small letters or in its normal form; wrong codes under a name of allauth's.
    """
    typed = {user.email, *addresses}
    names = {str(user.pk), f"mfa-auth-user-{user.pk}", user.username.lower()}
    names |= {*typed, *map(str.lower, typed), *map(normalise_address, typed)}
    keys = [
        get_cache_key(None, app="allauth.account", action=action, rate=rate, user=user, key=name)
        for action, rates in app_settings.RATE_LIMITS.items()
        for rate in parse_rates(rates)
        if rate.per in ("user", "key")
        for name in names
    ]
    transaction.on_commit(partial(cache.delete_many, keys), robust=True)
