"""Staff pages of messaging; the modules register them."""

from messaging.admin import announcements, campaigns, incoming, limits, outbox, pictures, segments

__all__ = ["announcements", "campaigns", "incoming", "limits", "outbox", "pictures", "segments"]
