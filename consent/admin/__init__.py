"""Staff pages of consent; the modules register them."""

from consent.admin import customers, topics

__all__ = ["customers", "topics"]
