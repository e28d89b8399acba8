"""What the cache counts of an account against guessing, under its key: it goes with the account."""

from functools import partial

from allauth.account import app_settings
from allauth.core.internal.ratelimit import get_cache_key, parse_rates
from django.core.cache import cache
from django.db import transaction

from accounts.models import User


def forget_counts(user: User) -> None:
    """With the commit; they would run out by themselves, within the minute they count."""
    keys = [
        get_cache_key(None, app="allauth.account", action=action, rate=rate, user=user)
        for action, rates in app_settings.RATE_LIMITS.items()
        for rate in parse_rates(rates)
        if rate.per == "user"
    ]
    transaction.on_commit(partial(cache.delete_many, keys), robust=True)
