"""A mail to one person about their own account, written here and handed upwards.

`mail_written` is sent inside the transaction that gives the reason for the mail; `messaging`
hears it and writes the outbox row, so the mail goes out exactly if the transaction commits.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.dispatch import Signal
from django.template.loader import render_to_string
from django.utils import translation

mail_written = Signal()  # mail: AccountMail


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountMail:
    """An account mail: it goes always, to whom it concerns, and is never marketing."""

    to: str
    person_id: uuid.UUID | None
    purpose: str
    language: str
    subject: str
    text: str
    html: str


def write_mail(
    template: str,
    *,
    to: str,
    person_id: uuid.UUID | None,
    language: str,
    context: Mapping[str, Any],
) -> None:
    """Render `<template>-subject.txt`, `-body.txt` and `-body.html` and hand the mail over.

    `template` is `<app>/mail/<name>`; the name is the mail's purpose in the outbox.
    """
    values = {
        "portal_url": settings.PORTAL_URL,
        "legal_name": settings.LEGAL_NAME,
        "postal_address": settings.POSTAL_ADDRESS,
        "support_email": settings.SUPPORT_EMAIL,
        "language": language,
        **context,
    }
    with translation.override(language):
        subject = " ".join(render_to_string(f"{template}-subject.txt", values).split())
        mail = AccountMail(
            to=to,
            person_id=person_id,
            purpose=template.rpartition("/")[2],
            language=language,
            subject=subject,
            text=render_to_string(f"{template}-body.txt", {**values, "subject": subject}),
            html=render_to_string(f"{template}-body.html", {**values, "subject": subject}),
        )
    mail_written.send(sender=AccountMail, mail=mail)
