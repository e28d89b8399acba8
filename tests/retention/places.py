"""Where a value may have been left outside of the tables: Valkey, files, and what was logged."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import redis
from django.conf import settings
from pytest_django.fixtures import Settings as SettingsWrapper


def places_with(values: tuple[str, ...], *, folders: list[Path], logged: str) -> list[str]:
    """`valkey cache:key`, `file path`, `log line`: everything but tables that holds one of them."""
    wanted = [value.lower().encode() for value in values]

    def holds(text: bytes) -> bool:
        return any(value in text.lower() for value in wanted)

    found = [where for where, text in valkey_entries() if holds(where.encode() + b" " + text)]
    found += [
        f"file {path}" for path, text in files_in(folders) if holds(str(path).encode() + text)
    ]
    return found + [f"log {line}" for line in logged.splitlines() if holds(line.encode())]


def valkey_entries() -> Iterator[tuple[str, bytes]]:
    """Every key of broker and cache with all it holds."""
    addresses = {
        "broker": settings.CELERY_BROKER_URL,
        "cache": settings.CACHES["default"]["LOCATION"],
    }
    for name, address in addresses.items():
        with redis.Redis.from_url(address) as valkey:
            for key in valkey.scan_iter():
                yield f"valkey {name}:{key.decode(errors='replace')}", _content(valkey, key)


def _content(valkey: Any, key: bytes) -> bytes:
    kind = valkey.type(key).decode()
    read = {
        "string": lambda: [valkey.get(key)],
        "list": lambda: valkey.lrange(key, 0, -1),
        "set": lambda: valkey.smembers(key),
        "zset": lambda: valkey.zrange(key, 0, -1),
        "hash": lambda: [each for pair in valkey.hgetall(key).items() for each in pair],
    }[kind]
    return b"\n".join(each or b"" for each in read())


def files_in(folders: list[Path]) -> Iterator[tuple[Path, bytes]]:
    for folder in folders:
        for path in sorted(folder.rglob("*")) if folder.is_dir() else [folder]:
            if path.is_file():
                yield path, path.read_bytes()


def show_cache_keys(settings: SettingsWrapper) -> None:
    """What hides them would also hide that one was left."""
    settings.CACHES = {
        name: {**cache, "KEY_FUNCTION": "django.core.cache.backends.base.default_key_func"}
        for name, cache in settings.CACHES.items()
    }


def hashed(*values: str) -> tuple[str, ...]:
    """As rate limits have them in their keys."""
    return tuple(hashlib.sha256(value.encode()).hexdigest() for value in values)
