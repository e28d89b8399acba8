"""A mail to one person, written here and handed upwards: about their account, or optional.

`mail_written` and `optional_mail_written` are sent inside the transaction that gives the reason for
the mail; `messaging` hears them and writes the outbox row, so the mail goes out exactly if the
transaction commits.
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
optional_mail_written = Signal()  # mail: OptionalMail


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


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionalMail:
    """A single optional mail: it leaves only while its reader says yes to the topic.

    Text and HTML are the middle alone; frame and way out are the sender's to add.
    """

    to: str
    person_id: uuid.UUID
    topic_id: uuid.UUID
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
    mail = AccountMail(
        to=to,
        person_id=person_id,
        purpose=template.rpartition("/")[2],
        language=language,
        **_render(template, language, context),
    )
    mail_written.send(sender=AccountMail, mail=mail)


def write_optional_mail(
    template: str,
    *,
    to: str,
    person_id: uuid.UUID,
    topic_id: uuid.UUID,
    language: str,
    context: Mapping[str, Any],
) -> None:
    """The same for a mail that needs a granted topic; the body's templates have no frame."""
    mail = OptionalMail(
        to=to,
        person_id=person_id,
        topic_id=topic_id,
        purpose=template.rpartition("/")[2],
        language=language,
        **_render(template, language, context),
    )
    optional_mail_written.send(sender=OptionalMail, mail=mail)


def _render(template: str, language: str, context: Mapping[str, Any]) -> dict[str, str]:
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
        values["subject"] = subject
        return {
            "subject": subject,
            "text": render_to_string(f"{template}-body.txt", values),
            "html": render_to_string(f"{template}-body.html", values),
        }
