"""Mails that lower apps have written become rows of the outbox."""

import uuid
from typing import Any

from django.dispatch import receiver
from django.utils import timezone

from consent.signals import topic_in_use
from foundation.mail import AccountMail, OptionalMail, mail_written, optional_mail_written
from messaging.models import Campaign, Mailing
from messaging.outbox import put_account_mail, put_optional_mail


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


@receiver(optional_mail_written)
def put_optional_into_outbox(mail: OptionalMail, **_kwargs: Any) -> None:
    put_optional_mail(
        to=mail.to,
        person_id=mail.person_id,
        topic_id=mail.topic_id,
        purpose=mail.purpose,
        language=mail.language,
        subject=mail.subject,
        text=mail.text,
        html=mail.html,
        now=timezone.now(),
    )


@receiver(topic_in_use)
def name_open_campaigns(topic_id: uuid.UUID, **_kwargs: Any) -> list[str]:
    """What would stop, or never start, if the topic were retired."""
    over = (Mailing.State.FINISHED, Mailing.State.CANCELLED)
    return [
        f"{campaign.subject} – {campaign.get_state_display()}"
        for campaign in Campaign.objects.filter(topic_id=topic_id).exclude(state__in=over)
    ]
