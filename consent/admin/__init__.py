"""Staff pages of consent; the modules register them."""

from consent.admin import customers, keys, references, topics, webhooks

__all__ = ["customers", "keys", "references", "topics", "webhooks"]
