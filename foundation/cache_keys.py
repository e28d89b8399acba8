"""Keys of the cache name nobody: what counts somebody's calls or codes is found by who knows whom
to look for, and by nobody who reads the cache."""

from typing import Any

from django.utils.crypto import salted_hmac


def opaque_key(key: Any, prefix: str, version: int) -> str:
    """Django's `KEY_FUNCTION`: with `SECRET_KEY`, so that no list of guesses finds it either."""
    digest = salted_hmac(__name__, str(key), algorithm="sha256").hexdigest()
    return f"{prefix}:{version}:{digest}"
