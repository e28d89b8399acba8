"""The note that a mail to the signed-in person came back: one indexed look-up a page."""

from datetime import datetime
from typing import Any

from django import template

from consent import suppression
from consent.models import Suppression

register = template.Library()


@register.simple_tag
def mail_came_back(user: Any) -> datetime | None:
    """Since when the person's address does not work; None when it does."""
    if not user.is_authenticated or not user.is_confirmed:
        return None
    bounced = suppression.standing(user.email).filter(reason=Suppression.Reason.HARD_BOUNCE)
    since: datetime | None = bounced.values_list("since", flat=True).first()
    return since
