"""Finding an archive for its owner, and reading it piece by piece."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from foundation.tenants import as_tenant
from retention.models import Export, ExportPart


@dataclass(frozen=True, slots=True, kw_only=True)
class Exports:
    """A customer's archives: the one to fetch, the one under way, and whether the last failed."""

    ready: Export | None
    open: Export | None
    failed: bool

    @property
    def percent(self) -> int:
        """How far the one under way is; never done before it is done."""
        if self.open is None or not self.open.rows_total:
            return 0
        return min(99, 100 * self.open.rows_done // self.open.rows_total)


def exports_of(person_id: uuid.UUID, *, now: datetime) -> Exports:
    with as_tenant(person_id):
        newest_first = list(Export.objects.filter(customer_id=person_id))
    there = [
        each
        for each in newest_first
        if each.state == Export.State.READY and each.expires_at and each.expires_at > now
    ]
    under_way = [
        each
        for each in newest_first
        if each.state in (Export.State.REQUESTED, Export.State.RUNNING)
    ]
    return Exports(
        ready=next(iter(there), None),
        open=next(iter(under_way), None),
        failed=bool(newest_first) and newest_first[0].state == Export.State.FAILED,
    )


def read_export(export: Export) -> Iterator[bytes]:
    """Each piece in a transaction of its own. Gone meanwhile, it ends short of its size."""
    number = 0
    while True:
        with as_tenant(export.customer_id):
            parts = ExportPart.objects.filter(export_id=export.pk, number=number)
            data = parts.values_list("data", flat=True).first()
        if data is None:
            return
        yield bytes(data)
        number += 1


def file_name(export: Export) -> str:
    return f"clicksend-data-{export.finished_at:%Y-%m-%d}.zip"
