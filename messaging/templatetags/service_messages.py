"""How often service announcements came: shown where they can't be declined."""

from django import template
from django.utils import timezone

from foundation.calendar import years_later
from messaging.models import ServiceAnnouncement

register = template.Library()


@register.simple_tag
def service_messages_last_year() -> int:
    """Announcements started within the last 12 months."""
    return int(
        ServiceAnnouncement.objects.filter(resolved_at__gte=years_later(timezone.now(), -1)).count()
    )
