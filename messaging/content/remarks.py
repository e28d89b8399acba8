"""What became of single lines of an upload, piece by piece: a download holds nothing open."""

from collections.abc import Iterator

from foundation.tenants import as_tenant
from messaging import policy
from messaging.content.files import Row, untaken_numbers, untaken_rows
from messaging.models import ListUpload, UploadProblem


def problems_of(upload: ListUpload) -> Iterator[UploadProblem]:
    """In the file's order, which is the order they were written in."""
    found = UploadProblem.objects.filter(upload=upload).order_by("pk")
    while True:
        with as_tenant(upload.customer_id):
            some = list(found[: policy.CONTENT_BATCH])
        if not some:
            return
        yield from some
        found = found.filter(pk__gt=some[-1].pk)


def header_of(upload: ListUpload) -> list[str]:
    """The names of the columns as they stood; without a header those our upload would know."""
    if upload.has_header:
        kept = untaken_rows(upload, -1)
        return kept[0].cells if kept else []
    width = max(map(int, upload.mapping), default=-1) + 1
    return [upload.mapping.get(str(place), "") for place in range(width)]


def lines_to_mend(upload: ListUpload) -> Iterator[tuple[Row, list[UploadProblem]]]:
    """Each line with a fault as it stood, beside its faults."""
    for number in untaken_numbers(upload):
        if upload.has_header and number == -1:
            continue
        rows = untaken_rows(upload, number)
        with as_tenant(upload.customer_id):
            found = list(
                UploadProblem.objects.filter(upload=upload, line__in=[row.number for row in rows])
            )
        for row in rows:
            yield row, [each for each in found if each.line == row.number]
