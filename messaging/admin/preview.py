"""A mail on screen, under a policy of its own.

Mails carry their styles inline, which the portal's policy forbids. Only this document allows them,
each by its own hash, so that even here no style runs that we did not write; scripts, links out of
the frame and requests stay impossible.
"""

import base64
import hashlib
import re
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.utils.csp import CSP, build_policy
from django.utils.translation import gettext_lazy

LOOKS = {
    "language": ("nb", "en"),
    "width": ("desktop", "phone", "text"),
    "scheme": ("light", "dark"),
}
LOOK_WORDS = {
    "nb": gettext_lazy("Norwegian Bokmål"),
    "en": gettext_lazy("English"),
    "desktop": gettext_lazy("Wide screen"),
    "phone": gettext_lazy("Phone"),
    "text": gettext_lazy("Text only"),
    "light": gettext_lazy("Light"),
    "dark": gettext_lazy("Dark"),
}
LOOK_NAMES = {
    "language": gettext_lazy("Language"),
    "width": gettext_lazy("Screen"),
    "scheme": gettext_lazy("Colours"),
}

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
        # The mails name the portal by its public address, whatever name it was asked by.
        "img-src": [CSP.SELF, settings.PORTAL_URL, "data:"],
        "base-uri": [CSP.NONE],
        "form-action": [CSP.NONE],
        "frame-ancestors": [CSP.SELF],
        "sandbox": True,
    }
    response = HttpResponse(shown)
    response.headers[CSP.HEADER_ENFORCE.value] = build_policy(policy)
    return response


def preview_choices(asked: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """What was asked for; anything else is the first choice."""
    found = {name: asked.get(f"{prefix}{name}", "") for name in LOOKS}
    return {
        name: found[name] if found[name] in known else known[0] for name, known in LOOKS.items()
    }


def preview_links(look: Mapping[str, str]) -> list[list[dict[str, Any]]]:
    """One row of links per question, each changing only its own answer."""
    return [
        [
            {
                "label": LOOK_WORDS[value],
                "query": "&".join(f"{k}={v}" for k, v in {**look, name: value}.items()),
                "current": look[name] == value,
            }
            for value in known
        ]
        for name, known in LOOKS.items()
    ]


def preview_radios(look: Mapping[str, str]) -> list[dict[str, Any]]:
    """The same questions inside the form that is being written."""
    return [
        {
            "name": f"look_{name}",
            "label": LOOK_NAMES[name],
            "choices": [
                {"value": value, "label": LOOK_WORDS[value], "current": look[name] == value}
                for value in known
            ],
        }
        for name, known in LOOKS.items()
    ]


def text_document(text: str, *, language: str, dark: bool) -> HttpResponse:
    """The text part alone, as a plain mail program shows it."""
    page = render_to_string(
        "admin/messaging/mailing/text_part.html", {"text": text, "language": language}
    )
    return mail_document(page, dark=dark)
