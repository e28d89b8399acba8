"""Reads a page as a browser would, and says what it must not hold."""

import re
from html.parser import HTMLParser
from urllib.parse import urlsplit

# Whatever a browser fetches, submits to or follows.
ADDRESSES = ("src", "href", "action", "formaction", "data", "poster", "srcset", "hx-get", "hx-post")
OURS = ("", "localhost", "testserver")
HARMLESS_SCHEMES = ("mailto", "tel", "data")
# A script element of these types is data: the browser does not run it.
DATA_TYPES = ("application/json", "text/template")


class PageReader(HTMLParser):
    """Collects what is wrong with a page."""

    def __init__(self) -> None:
        super().__init__()
        self.language: str | None = None
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "html":
            self.language = values.get("lang")
        if tag == "style":
            self.wrong.append("a style element")
        if tag == "script" and not values.get("src") and values.get("type") not in DATA_TYPES:
            self.wrong.append("an inline script")
        for name, value in values.items():
            if name == "style" or name.startswith("on"):
                self.wrong.append(f"{name} on <{tag}>")
            if name in ADDRESSES and elsewhere(value):
                self.wrong.append(f"<{tag} {name}={value!r}> leads to another host")


def elsewhere(address: str) -> bool:
    parts = urlsplit(address.strip())
    return parts.scheme not in HARMLESS_SCHEMES and (parts.hostname or "") not in OURS


def faults(html: str, *, language: str) -> list[str]:
    reader = PageReader()
    reader.feed(html)
    if not re.search(r"<html", html, re.IGNORECASE):
        return reader.wrong  # a part of a page, for htmx
    if reader.language != language:
        reader.wrong.append(f"lang is {reader.language!r}, not {language!r}")
    return reader.wrong
