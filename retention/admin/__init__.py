"""Staff pages of retention: they show; what acts asks for two people or a reason."""

from retention.admin.holds import LegalHoldAdmin
from retention.admin.items import PhysicalItemAdmin
from retention.admin.requests import DeletionRequestAdmin
from retention.admin.runs import RetentionRunAdmin

__all__ = ["DeletionRequestAdmin", "LegalHoldAdmin", "PhysicalItemAdmin", "RetentionRunAdmin"]
