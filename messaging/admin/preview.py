"""A mail on screen, under a policy of its own.

Mails carry their styles inline, which the portal's policy forbids. Only this document allows them,
each by its own hash, so that even here no style runs that we did not write; scripts, links out of
the frame and requests stay impossible.
"""

import base64
import hashlib
import re
from html.parser import HTMLParser
from typing import Any

from django.http import HttpResponse
from django.utils.csp import CSP, build_policy

_DARK = re.compile(r"\(\s*prefers-color-scheme\s*:\s*dark\s*\)")


class StyleCollector(HTMLParser):
    """The styles of a document as the browser hashes them: attribute values and style elements."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.styles: set[str] = set()
        self._element: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.styles |= {value or "" for name, value in attrs if name == "style"}
        if tag == "style":
            self._element = []

    def handle_endtag(self, tag: str) -> None:
        if tag == "style" and self._element is not None:
            self.styles.add("".join(self._element))
            self._element = None

    def handle_data(self, data: str) -> None:
        if self._element is not None:
            self._element.append(data)


def style_hashes(html: str) -> list[str]:
    collector = StyleCollector()
    collector.feed(html)
    collector.close()
    digests = (hashlib.sha256(style.encode()).digest() for style in sorted(collector.styles))
    return [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]


def in_scheme(html: str, *, dark: bool) -> str:
    """The mail as a reader with that colour scheme sees it, whatever the viewer's own is."""
    return _DARK.sub("all" if dark else "not all", html)


def mail_document(html: str, *, dark: bool) -> HttpResponse:
    """For an `<iframe sandbox>` on the preview page."""
    shown = in_scheme(html, dark=dark)
    policy: dict[str, Any] = {
        "default-src": [CSP.NONE],
        "style-src": [CSP.UNSAFE_HASHES, *style_hashes(shown)],
        "img-src": [CSP.SELF, "data:"],
        "base-uri": [CSP.NONE],
        "form-action": [CSP.NONE],
        "frame-ancestors": [CSP.SELF],
        "sandbox": True,
    }
    response = HttpResponse(shown)
    response.headers[CSP.HEADER_ENFORCE.value] = build_policy(policy)
    return response
