"""Personal fields: `{first_name}`, `{last_name}`, `{company}`, or `{first_name|there}`.

What stands after the bar is used when the field is empty; `{company|}` says that nothing then
should stand there, and takes the space before it along. A backslash before the brace writes the
brace itself. In code and in addresses braces are only braces: no link names a person.
"""

import re
from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from messaging.rendering.marks import Marks, Personal

FIELDS = ("first_name", "last_name", "company")
_FIELD = re.compile(r"\{ *([A-Za-z][A-Za-z_]*) *(?:\|([^{}\n]*))?\}")
_UNESCAPED = re.compile(r"(?<!\\)" + _FIELD.pattern)
_IN_ADDRESS = re.compile(
    r"(?:\{|%7B)(?:%20| )*([A-Za-z][A-Za-z_]*)[^{}]*?(?:\}|%7D)", re.IGNORECASE
)


def read_fields(state: StateInline, silent: bool) -> bool:
    """A rule of the Markdown parser: a field is a token of its own, whatever its default holds."""
    match = _FIELD.match(state.src, state.pos, state.posMax)
    if not match:
        return False
    if not silent:
        token = state.push("personal_field", "", 0)
        token.content = match[0]
        token.meta = {"name": match[1], "default": match[2]}
    state.pos = match.end()
    return True


def place(name: str, default: str | None, written: str, marks: Marks) -> str:
    """The mark of a field; an unknown one, which the checklist stops, stays as written."""
    if name not in FIELDS:
        return written
    return marks.place(Personal(name, (default or "").strip()))


def place_in_line(line: str, marks: Marks) -> str:
    """The same for a subject or a preview line, which are no Markdown."""
    return _UNESCAPED.sub(lambda m: place(m[1], m[2], m[0], marks), line).replace("\\{", "{")


def unknown_fields(text: str) -> list[str]:
    """Fields nobody has, as written; an error at writing time."""
    return _unique(written for name, _default, written in _fields(text) if name not in FIELDS)


def fields_without_default(text: str) -> list[str]:
    """Known fields that say nothing of what stands there when they are empty."""
    return _unique(
        written for name, default, written in _fields(text) if name in FIELDS and default is None
    )


def fields_in_addresses(text: str) -> list[str]:
    """Addresses of links and pictures that try to name the reader, which no address does."""
    addresses = (
        str(token.attrs.get("href") or token.attrs.get("src") or "") for token in _tokens(text)
    )
    return _unique(address for address in addresses if _IN_ADDRESS.search(address))


def _fields(text: str) -> Iterator[tuple[str, str | None, str]]:
    for token in _tokens(text):
        if token.type == "personal_field":
            yield token.meta["name"], token.meta["default"], token.content


def _tokens(text: str) -> Iterator[Token]:
    for block in parser().parse(text):
        yield from flat(block)


def flat(token: Token) -> Iterator[Token]:
    yield token
    for child in token.children or ():
        yield from flat(child)


def parser() -> MarkdownIt:
    """The Markdown of mails: CommonMark without raw HTML, and with fields.

    Indented code and underlined headings are off: authors get them by accident, the second when
    they want a divider.
    """
    markdown = MarkdownIt("commonmark", {"html": False, "xhtmlOut": False})
    markdown.disable(["code", "lheading"])
    markdown.inline.ruler.before("emphasis", "personal_field", read_fields)
    return markdown


def _unique(found: Iterator[str]) -> list[str]:
    return list(dict.fromkeys(found))
