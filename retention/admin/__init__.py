"""Staff pages of retention: they show; what acts asks for two people or a reason."""

from retention.admin.breaches import BreachAdmin
from retention.admin.declared import DeclaredAccessAdmin, ProcessorAdmin
from retention.admin.desk import PrivacyRequestAdmin
from retention.admin.holds import LegalHoldAdmin
from retention.admin.items import PhysicalItemAdmin
from retention.admin.requests import DeletionRequestAdmin
from retention.admin.runs import RetentionRunAdmin

__all__ = [
    "BreachAdmin",
    "DeclaredAccessAdmin",
    "DeletionRequestAdmin",
    "LegalHoldAdmin",
    "PhysicalItemAdmin",
    "PrivacyRequestAdmin",
    "ProcessorAdmin",
    "RetentionRunAdmin",
]
