"""Staff pages of messaging; the modules register them."""

from messaging.admin import incoming, mailings, outbox

__all__ = ["incoming", "mailings", "outbox"]
