"""The signed file inside a paper of ours. Pure, and no reader of PDF.

A paper carries one file, as it is; one that another program has stored anew is refused.
"""

PAPER = b"%PDF-"
# A paper is some 30 kB; the font is most of it.
LARGEST_PAPER = 2_000_000
BEGIN = b"/Type /EmbeddedFile\n>>\nstream\n"
# No line of a receipt begins with a letter.
END = b"\nendstream\n"


def is_paper(data: bytes) -> bool:
    return data.startswith(PAPER)


def carried_file(paper: bytes) -> bytes | None:
    """None where it carries none, or several: nobody could say which of them the paper repeats."""
    if len(paper) > LARGEST_PAPER or paper.count(BEGIN) != 1:
        return None
    file, end, _rest = paper.partition(BEGIN)[2].partition(END)
    return file if end else None
