"""A customer's data as one archive to take along (GDPR Art. 15 and 20)."""

from retention.exporting.handing_out import exports_of, file_name, read_export
from retention.exporting.making import (
    make_export,
    make_exports,
    owner_of,
    request_export,
    wake_makers,
)

__all__ = [
    "exports_of",
    "file_name",
    "make_export",
    "make_exports",
    "owner_of",
    "read_export",
    "request_export",
    "wake_makers",
]
