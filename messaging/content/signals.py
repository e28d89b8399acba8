"""What customers do to their content, told to the apps above in the same transaction."""

from django.dispatch import Signal

# Sent with the model as sender, customer_id and now, before a batch of it goes at its owner's
# wish. A receiver that must keep it for a legal hold raises `ContentHeld`.
content_going = Signal()


class ContentHeld(Exception):
    """A dispute or an authority keeps this from being deleted now."""
