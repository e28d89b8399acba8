"""Staff pages of messaging; the modules register them."""

from messaging.admin import mailings, outbox

__all__ = ["mailings", "outbox"]
