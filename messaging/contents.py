"""What a reader meets in a text: its links, its pictures, its words, each with its place.

Read by the parser that writes the mails, so that both see the same; the place is found again in
what the author wrote.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from messaging.rendering.fields import flat, parser


@dataclass(frozen=True, slots=True)
class Passage:
    """Where something stands in what the author wrote; nowhere when it was not found again."""

    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Contents:
    """Links, pictures (address, words for those who see none), and the words between them."""

    links: tuple[str, ...]
    pictures: tuple[tuple[str, str], ...]
    words: str


def read(source: str) -> Contents:
    links: list[str] = []
    pictures: list[tuple[str, str]] = []
    words: list[str] = []
    for block in parser().parse(source):
        for token in flat(block):
            if token.type == "link_open":
                links.append(str(token.attrs.get("href", "")))
            elif token.type == "image":
                said = "".join(child.content for child in token.children or ())
                pictures.append((str(token.attrs.get("src", "")), said.strip()))
            elif token.type == "text":
                words.append(token.content)
        words.append("\n")
    return Contents(tuple(links), tuple(pictures), "".join(words))


def find(source: str, *forms: str) -> Passage:
    """The first of these forms that stands in the source, as written or as addresses encode it."""
    for form in forms:
        for written in (form, unquote(form)):
            at = source.find(written) if written else -1
            if at >= 0:
                return Passage(at, at + len(written))
    return Passage()


def as_typed(text: str) -> str:
    """Browsers send CRLF but count a line's end as one character, and passages are for them."""
    return text.replace("\r\n", "\n")


def line_of(source: str, start: int) -> int:
    """As editors count: the first line is 1."""
    return source.count("\n", 0, start) + 1


# What looks like a link and became none: an address with a space, a scheme that runs something.
# Bounded: each of twenty thousand brackets would otherwise look for its end through all the rest.
_BROKEN = re.compile(r"!?\[[^\]\n]{0,300}\]\s?\([^)\n]{0,2000}\)?")


def broken_links(source: str, contents: Contents) -> Iterator[Passage]:
    """Brackets that readers would see as brackets."""
    for match in _BROKEN.finditer(contents.words):
        yield find(source, match[0])
