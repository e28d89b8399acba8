"""What templates need of the reference program."""

import uuid
from datetime import datetime

from django import template

from consent import history
from consent.models import Takedown
from consent.reference.words import proof_words
from consent.tokens import RecipientToken, reference_program_url, sign_token

register = template.Library()


@register.simple_tag
def reference_program_link(person_id: uuid.UUID, issued_at: datetime) -> str:
    """A link that leaves the program without a sign-in; for mails to that person alone."""
    return reference_program_url(
        sign_token(RecipientToken(person_id=person_id, issued_at=issued_at))
    )


@register.filter
def proof(takedown: Takedown) -> str:
    """What was checked, in words."""
    return proof_words(takedown)


@register.filter
def on_day(moment: datetime) -> str:
    return history.human_date(moment)
