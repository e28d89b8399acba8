"""What consent asks the apps above it."""

from django.dispatch import Signal

# Sent with `topic_id`; whoever uses the topic answers with the names of what is not over yet.
topic_in_use = Signal()
