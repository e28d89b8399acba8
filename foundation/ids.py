"""UUIDv7 keys, made by PostgreSQL (RFC 9562 section 5.7): ordered by time, no counter to read."""

import hashlib
import uuid
from datetime import UTC, datetime

from django.db import models


class UUIDv7(models.Func):
    """PostgreSQL 18's `uuidv7()`."""

    function = "uuidv7"
    arity = 0

    def __init__(self) -> None:
        super().__init__(output_field=models.UUIDField())


def uuid7_key() -> "models.UUIDField[uuid.UUID, uuid.UUID]":
    """The primary key of every table of ours."""
    return models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)


def uuid7_floor(moment: datetime) -> uuid.UUID:
    """The smallest UUIDv7-ordered key of a moment; the lower bound of a month's partition.

    No key is older than 1970; the last moment a clock here can say fits into the 48 bits.
    """
    return uuid.UUID(int=max(0, int(moment.timestamp() * 1000)) << 80)


def uuid7_from(moment: datetime, *source: str) -> uuid.UUID:
    """A UUIDv7 that the same source always gets again, so that doing it twice meets the key.

    The time half is the record's own clock (milliseconds), the random half a hash of the source.
    """
    digest = hashlib.sha256("\x1f".join(source).encode()).digest()
    value = int(moment.timestamp() * 1000) << 80
    value |= 0x7 << 76 | int.from_bytes(digest[:2]) >> 4 << 64
    value |= 0b10 << 62 | int.from_bytes(digest[2:10]) >> 2
    return uuid.UUID(int=value)


def uuid7_moment(key: uuid.UUID) -> datetime:
    """The clock a UUIDv7 carries."""
    return datetime.fromtimestamp((key.int >> 80) / 1000, tz=UTC)


__all__ = ["UUIDv7", "uuid7_floor", "uuid7_from", "uuid7_key", "uuid7_moment"]
