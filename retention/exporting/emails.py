"""The mail that says an archive is ready. It holds nothing of it: the way there is a sign-in."""

from django.conf import settings
from django.urls import reverse
from django.utils import timezone, translation

from accounts.models import User
from accounts.zones import zone_named
from foundation.mail import write_mail
from retention.models import Export
from retention.words import human_day


def send_export_ready(user: User, export: Export) -> None:
    assert export.expires_at is not None
    with translation.override(export.language), timezone.override(zone_named(user.timezone)):
        write_mail(
            "retention/mail/export_ready",
            to=user.email,
            person_id=user.pk,
            language=export.language,
            context={
                "url": f"{settings.PORTAL_URL}{reverse('data_export')}",
                "until": human_day(export.expires_at),
            },
        )
