"""Mails that lower apps have written become rows of the outbox."""

from typing import Any

from django.dispatch import receiver
from django.utils import timezone

from foundation.mail import AccountMail, mail_written
from messaging.outbox import put_account_mail


@receiver(mail_written)
def put_into_outbox(mail: AccountMail, **_kwargs: Any) -> None:
    put_account_mail(
        to=mail.to,
        person_id=mail.person_id,
        purpose=mail.purpose,
        language=mail.language,
        subject=mail.subject,
        text=mail.text,
        html=mail.html,
        now=timezone.now(),
    )
