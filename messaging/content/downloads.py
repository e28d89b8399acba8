"""CSV that customers take along: what is theirs, in a form their spreadsheet opens, and nothing in
it that a spreadsheet would run."""

import csv
from collections.abc import Iterable, Iterator

from django.http import StreamingHttpResponse
from django.utils import translation

from consent.imports.columns import make_harmless

# So that a spreadsheet reads it as UTF-8.
MARK = "\ufeff"
ROWS_A_PIECE = 500


class Echo:
    """A file that hands back what is written to it."""

    def write(self, value: str) -> str:
        return value


def stream_csv(
    name: str, header: Iterable[str], rows: Iterable[Iterable[object]]
) -> StreamingHttpResponse:
    """Row by row, never the whole in memory."""
    # What the reader's spreadsheet expects where a comma stands in amounts.
    delimiter = ";" if translation.get_language() == "nb" else ","
    writer = csv.writer(Echo(), delimiter=delimiter)

    def pieces() -> Iterator[str]:
        # The writer hands back what `Echo.write` did, whatever its type says.
        piece = [MARK, str(writer.writerow([make_harmless(str(cell)) for cell in header]))]
        for row in rows:
            piece.append(str(writer.writerow([make_harmless(str(cell)) for cell in row])))
            if len(piece) >= ROWS_A_PIECE:
                yield "".join(piece)
                piece.clear()
        yield "".join(piece)

    return StreamingHttpResponse(
        (piece.encode() for piece in pieces()),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )
