"""What else is known of a contact: beyond what a row of the list shows."""

from typing import Final

from django import template

from messaging.content.columns import FIELDS
from messaging.content.words import field_words
from messaging.models import Contact

register = template.Library()

# Number, address and names stand in the row itself.
_MORE: Final = FIELDS[FIELDS.index("custom_1") :]


@register.filter
def more_about(contact: Contact) -> list[tuple[str, str]]:
    """Names and values of its own fields and its postal address, those that hold something."""
    return [(field_words(name), value) for name in _MORE if (value := getattr(contact, name))]
