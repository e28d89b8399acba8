"""What pages of the apps above or below show of the desk."""

from typing import Any

from django import template
from django.utils import timezone

from retention.desk import declared
from retention.models import PrivacyRequest

register = template.Library()


@register.simple_tag
def request_kinds() -> list[tuple[str, Any]]:
    """The kinds of request about personal data, each with its article."""
    return list(PrivacyRequest.Kind.choices)


@register.inclusion_tag("retention/partials/who_else.html")
def who_else() -> dict[str, Any]:
    """Companies that handle data for us, and who holds the database, the machines, the keys."""
    now = timezone.now()
    accesses = declared.shown_accesses(now)
    return {
        "processors": declared.shown_processors(now),
        "accesses": accesses,
        "people": sum(each.row.people for each in accesses),
    }
