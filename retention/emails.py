"""The mail that says a deletion is done: what went, what stays until when, and why."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import translation

from accounts.models import User
from foundation.mail import write_mail
from retention.entries import OnErasure, Words
from retention.holdings import Kept
from retention.schedule import ENTRIES


@dataclass(frozen=True, slots=True)
class Line:
    title: Words
    count: int


def send_deletion_confirmed(
    user: User,
    *,
    removed: Mapping[str, int],
    blanked: Mapping[str, Any],
    kept: Sequence[Kept],
    reference: uuid.UUID,
) -> None:
    """Names no account any more: the outbox blanks body and address once it is sent."""
    language = user.language or settings.LANGUAGE_CODE
    stayed = {name: row["count"] for name, row in blanked.items()}
    page = reverse("deletion_status", kwargs={"reference": reference})
    with translation.override(language):
        write_mail(
            "retention/mail/deletion_confirmed",
            to=user.email,
            person_id=None,
            language=language,
            context={
                "deleted": lines({name: n - stayed.get(name, 0) for name, n in removed.items()}),
                # What is kept until a date stands below.
                "blanked": lines(
                    {n: c for n, c in stayed.items() if ENTRIES[n].erasure == OnErasure.BLANK}
                ),
                "kept": kept,
                "reference": reference,
                "url": f"{settings.PORTAL_URL}{page}",
            },
        )


def lines(counts: Mapping[str, int]) -> list[Line]:
    return [Line(ENTRIES[model].title, count) for model, count in counts.items() if count]
