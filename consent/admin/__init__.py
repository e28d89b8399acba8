"""Staff pages of consent; the modules register them."""

from consent.admin import customers, keys, topics, webhooks

__all__ = ["customers", "keys", "topics", "webhooks"]
