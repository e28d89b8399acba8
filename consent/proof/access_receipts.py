"""The receipt of a look: what staff saw of a customer, in words, and what proves that it was told.

With it a customer can show what we wrote down, and when, also once the line itself is gone.
"""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils.translation import get_language

from accounts.models import AccessEvent
from consent.proof.accesses import access_record
from consent.proof.published import second
from consent.proof.receipts import controller, proven
from consent.proof.shape import ACCESS_FORM
from consent.proof.verifying import told_access


def make_access_receipt(event: AccessEvent, *, in_words: str, now: datetime) -> bytes:
    """The file, in the language now active; only reads, and signs what it read."""
    record = access_record(event)

    def described() -> dict[str, Any]:
        return {
            "schema_version": ACCESS_FORM,
            "record_id": record["event"],
            "pii_principal_id": record["person"],
            "issued_at": second(now),
            "language": get_language() or settings.LANGUAGE_CODE,
            "access": told_access(record) | {"in_words": in_words},
            "controller": controller(),
        }

    return proven(event.pk, record, described)
