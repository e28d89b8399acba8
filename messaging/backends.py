"""Django's e-mail backend: third-party mail (allauth's) cannot pass the outbox by."""

from collections.abc import Sequence

from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone, translation

from messaging.outbox import put_account_mail


class OutboxBackend(BaseEmailBackend):
    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """One row per recipient; a mail to several people would show each the others."""
        count = 0
        for message in email_messages:
            for address in message.recipients():
                put_account_mail(
                    to=address,
                    person_id=getattr(message, "portal_person_id", None),
                    purpose=getattr(message, "portal_purpose", "system"),
                    language=getattr(message, "portal_language", translation.get_language() or ""),
                    subject=str(message.subject),
                    text=str(message.body),
                    html=html_of(message),
                    now=timezone.now(),
                )
                count += 1
        return count


def html_of(message: EmailMessage) -> str:
    if isinstance(message, EmailMultiAlternatives):
        for content, mimetype in message.alternatives:
            if mimetype == "text/html":
                return str(content)
    return ""
