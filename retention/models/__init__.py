"""What proves that data goes: requests, runs, holds, exports, items, the journal's mark."""

from retention.models.deletion import DeletionRequest, DeletionStep, Scope, Source
from retention.models.desk import (
    Breach,
    DeclaredAccess,
    PrivacyRequest,
    Processor,
    PromiseAlert,
)
from retention.models.exports import Export, ExportPart
from retention.models.holds import HeldRow, LegalHold
from retention.models.items import Destruction, PhysicalItem
from retention.models.runs import JournalMark, RetentionRun

__all__ = [
    "Breach",
    "DeclaredAccess",
    "DeletionRequest",
    "DeletionStep",
    "Destruction",
    "Export",
    "ExportPart",
    "HeldRow",
    "JournalMark",
    "LegalHold",
    "PhysicalItem",
    "PrivacyRequest",
    "Processor",
    "PromiseAlert",
    "RetentionRun",
    "Scope",
    "Source",
]
