"""One kind of sheet for everything printed: A4, one font, archivable (PDF/A-3u).

The same words give the same bytes: the one moment in a file is the one it is given, its identifier
is a digest of its content, and no compression of ours depends on the machine. So a paper may be
compared with one made later, and kept without the portal.
"""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from typing import Final
from xml.sax.saxutils import escape

from django.utils.translation import gettext as _
from fpdf import FPDF
from fpdf.enums import Align, TableBordersLayout, XPos, YPos
from fpdf.fonts import FontFace, TTFFont
from fpdf.prefs import ViewerPreferences

# Tells of every table of a font that it prunes.
logging.getLogger("fontTools").setLevel(logging.WARNING)

FONT: Final = "source"
FONT_PACKAGE: Final = "font_source_sans_pro"
FONT_FILES: Final = {"": "SourceSansPro-Regular.ttf", "B": "SourceSansPro-Semibold.ttf"}

type Colour = tuple[int, int, int]
# The tokens of static/css/tokens.css, in light.
INK: Final[Colour] = (0x16, 0x21, 0x1F)
QUIET: Final[Colour] = (0x4A, 0x59, 0x55)
LINE: Final[Colour] = (0xC9, 0xCD, 0xC6)
ACCENT: Final[Colour] = (0x0B, 0x6B, 0x5D)

MARGIN: Final = 22.0
LABEL: Final = 46.0
BODY, SMALL, TITLE, HEADING = 10.5, 9.0, 23.0, 13.5
LEADING: Final = 1.38
POINT: Final = 25.4 / 72
MARKS: Final = re.compile(r"(\*\*|__|--|~~)")
# Of a cell: above, right, below, left.
PADDING: Final = (1.3, 3.0, 1.3, 0.0)
LAST_PADDING: Final = (1.3, 0.0, 1.3, 0.0)


@dataclass(frozen=True, slots=True)
class Column:
    """`share` is its part of the width, beside those of the others."""

    title: str
    share: float
    is_number: bool = False


class Sheet(FPDF):
    """The pages themselves: who issued it above, what it is and which page it is below."""

    def __init__(self, *, issuer: str, running_title: str, landscape: bool) -> None:
        self.issuer, self.running_title = issuer, running_title
        super().__init__(
            orientation="landscape" if landscape else "portrait",
            format="A4",
            enforce_compliance="PDF/A-3U",
        )
        self.c_margin = 0
        for style, name in FONT_FILES.items():
            with files(FONT_PACKAGE).joinpath("files", name).open("rb") as file:
                self.add_font(FONT, style, file.name)

    def header(self) -> None:
        self.set_y(12)
        self.set_font(FONT, "B", SMALL)
        self.set_text_color(*ACCENT)
        self.cell(0, 5, self.issuer)
        self.set_y(MARGIN + 4)

    def footer(self) -> None:
        self.set_y(-16)
        self.set_draw_color(*LINE)
        self.set_line_width(0.2)
        self.line(self.l_margin, self.get_y(), self.w - self.r_margin, self.get_y())
        self.set_y(-14)
        self.set_font(FONT, "", SMALL)
        self.set_text_color(*QUIET)
        # How many there are is filled in at the end, so only the left of it can be aligned.
        page = _("Page %(page)d of %(pages)s") % {"page": self.page_no(), "pages": "{nb}"}
        self.cell(30, 5, page)
        self.cell(self.epw - 30, 5, self.running_title, align=Align.R)


class Paper:
    """A titled paper of headings, paragraphs, facts and tables, in the language now active."""

    def __init__(
        self,
        title: str,
        *,
        lead: str = "",
        issuer: str,
        language: str,
        made_at: datetime,
        running_title: str = "",
        landscape: bool = False,
    ) -> None:
        self.title, self.language, self.made_at = title, language, made_at.astimezone(UTC)
        self.sheet = sheet = Sheet(
            issuer=issuer, running_title=running_title or title, landscape=landscape
        )
        sheet.set_margins(MARGIN, MARGIN, MARGIN)
        sheet.set_auto_page_break(auto=True, margin=MARGIN)
        sheet.set_title(title)
        sheet.set_lang(language)
        sheet.set_author(issuer)
        sheet.set_creator("ClickSend Portal")
        sheet.set_producer("fpdf2")
        sheet.set_creation_date(self.made_at)
        sheet.set_xmp_metadata(metadata(title, issuer, language, self.made_at))
        sheet.viewer_preferences = ViewerPreferences(display_doc_title=True)
        sheet.add_page()
        self.write(title, TITLE, style="B", leading=1.15)
        if lead:
            self.space(1.5)
            self.write(lead, BODY + 1.5, colour=QUIET)
        self.space(4)

    def write(
        self,
        text: str,
        size: float = BODY,
        *,
        style: str = "",
        colour: Colour = INK,
        leading: float = LEADING,
    ) -> None:
        self.sheet.set_font(FONT, style, size)
        self.sheet.set_text_color(*colour)
        height = size * POINT * leading
        self.sheet.multi_cell(0, height, text, align=Align.L, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def space(self, height: float) -> None:
        self.sheet.ln(height)

    def heading(self, text: str) -> None:
        """Stands in the outline beside the pages as well; never alone at the foot of a page."""
        self.space(4)
        if self.sheet.will_page_break(32):
            self.sheet.add_page()
        self.sheet.start_section(text)
        self.write(text, HEADING, style="B", leading=1.2)
        self.space(1.5)

    def paragraph(self, text: str, *, quiet: bool = False) -> None:
        self.write(text, SMALL if quiet else BODY, colour=QUIET if quiet else INK)
        self.space(2)

    def bullet(self, text: str) -> None:
        """One of several that belong together."""
        sheet, left = self.sheet, self.sheet.l_margin
        sheet.set_font(FONT, "", BODY)
        sheet.set_text_color(*QUIET)
        sheet.cell(5, BODY * POINT * LEADING, "–")
        sheet.set_left_margin(left + 5)
        self.write(text)
        sheet.set_left_margin(left)
        sheet.set_x(left)
        self.space(1)

    def facts(self, rows: Sequence[tuple[str, str]]) -> None:
        """What each thing is: its name to the left, what it is to the right."""
        self.table((Column("", LABEL), Column("", self.sheet.epw - LABEL)), rows, headed=False)

    def table(
        self,
        columns: Sequence[Column],
        rows: Sequence[Sequence[str]],
        *,
        headed: bool = True,
        titled: bool = False,
    ) -> None:
        """Its headings again on every page it reaches; no row is torn in two.

        `titled`: the first line of each row is its title.
        """
        sheet, size, last = self.sheet, SMALL + 0.5 if headed else BODY, len(columns) - 1
        sheet.set_font(FONT, "", size)
        sheet.set_text_color(*INK)
        sheet.set_draw_color(*LINE)
        sheet.set_line_width(0.2)
        with sheet.table(
            col_widths=tuple(column.share for column in columns),
            text_align=tuple(Align.R if column.is_number else Align.L for column in columns),
            headings_style=FontFace(emphasis="BOLD", color=QUIET, size_pt=SMALL),
            borders_layout=TableBordersLayout.HORIZONTAL_LINES,
            first_row_as_headings=headed,
            num_heading_rows=int(headed),
            line_height=size * POINT * 1.32,
            v_align="T",
            markdown=titled,
        ) as drawn:
            if headed:
                line = drawn.row()
                for n, column in enumerate(columns):
                    line.cell(column.title, padding=PADDING if n < last else LAST_PADDING)
            for row in rows:
                line = drawn.row()
                for n, text in enumerate(map(plain, row) if titled else row):
                    if titled and n == 0:
                        title, _line, rest = text.partition("\n")
                        text = f"**{title}**\n{rest}"
                    quiet = FontFace(color=QUIET) if not headed and n == 0 else None
                    line.cell(text, style=quiet, padding=PADDING if n < last else LAST_PADDING)
        self.space(3)

    def signatures(self, signed: Sequence[tuple[str, str, str]]) -> None:
        """Beside each other: who, as what, and when it was signed."""
        sheet, gap = self.sheet, 10.0
        width = (sheet.epw - gap * (len(signed) - 1)) / len(signed)
        if sheet.will_page_break(32):
            sheet.add_page()
        self.space(8)
        top = sheet.get_y()
        for n, (name, role, when) in enumerate(signed):
            left = sheet.l_margin + n * (width + gap)
            sheet.set_draw_color(*INK)
            sheet.set_line_width(0.3)
            sheet.line(left, top + 8, left + width, top + 8)
            for offset, text, style, size, colour in (
                (1, name, "B", BODY + 1.5, INK),
                (9.5, role, "", BODY, INK),
                (14.5, when, "", SMALL, QUIET),
            ):
                sheet.set_xy(left, top + offset)
                sheet.set_font(FONT, style, size)
                sheet.set_text_color(*colour)
                sheet.cell(width, 5, text)
        sheet.set_xy(sheet.l_margin, top + 22)

    def attach(self, name: str, data: bytes, *, what: str, mime_type: str) -> None:
        """The file that this paper was made from, inside it."""
        self.sheet.embed_file(
            bytes=data,
            basename=name,
            modification_date=self.made_at,
            creation_date=self.made_at,
            desc=what,
            mime_type=mime_type,
            associated_file_relationship="Source",
        )

    def as_bytes(self) -> bytes:
        file = bytes(self.sheet.output())
        for font in self.sheet.fonts.values():
            if isinstance(font, TTFFont):
                font.ttfont.close()
        return file


def plain(text: str) -> str:
    """Text in a table with marks, whose own signs are no marks."""
    return MARKS.sub(r"\\\1", text)


def metadata(title: str, issuer: str, language: str, made_at: datetime) -> str:
    """What PDF/A wants to read (XMP); fpdf2's own names the moment of the call."""
    moment = made_at.isoformat(timespec="seconds")
    return f"""<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:pdf="http://ns.adobe.com/pdf/1.3/" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/">
<rdf:Description rdf:about="">
<pdfaid:part>3</pdfaid:part><pdfaid:conformance>U</pdfaid:conformance>
<xmp:CreatorTool>ClickSend Portal</xmp:CreatorTool><pdf:Producer>fpdf2</pdf:Producer>
<xmp:CreateDate>{moment}</xmp:CreateDate><xmp:ModifyDate>{moment}</xmp:ModifyDate>
<xmp:MetadataDate>{moment}</xmp:MetadataDate>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{escape(title)}</rdf:li></rdf:Alt></dc:title>
<dc:creator><rdf:Seq><rdf:li>{escape(issuer)}</rdf:li></rdf:Seq></dc:creator>
<dc:language><rdf:Bag><rdf:li>{language}</rdf:li></rdf:Bag></dc:language>
</rdf:Description>
</rdf:RDF>
</x:xmpmeta>"""
