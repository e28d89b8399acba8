"""What proves that data goes: requests, runs, holds, exports, items, the journal's mark."""

from retention.models.deletion import DeletionRequest, DeletionStep, Scope, Source
from retention.models.exports import Export, ExportPart
from retention.models.holds import HeldRow, LegalHold
from retention.models.items import Destruction, PhysicalItem
from retention.models.runs import JournalMark, RetentionRun

__all__ = [
    "DeletionRequest",
    "DeletionStep",
    "Destruction",
    "Export",
    "ExportPart",
    "HeldRow",
    "JournalMark",
    "LegalHold",
    "PhysicalItem",
    "RetentionRun",
    "Scope",
    "Source",
]
