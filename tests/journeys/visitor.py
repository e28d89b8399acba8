"""Somebody at a browser without JavaScript: opens pages, fills in the forms they find, sends them.

Only what stands on the page is sent, CSRF token included, and the server checks it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

from django.conf import settings
from django.test import Client

Fields = list[tuple[str, str]]


@dataclass
class Form:
    """A form as a browser would send it when nothing is touched."""

    action: str
    method: str
    fields: Fields = field(default_factory=list)
    offered: set[str] = field(default_factory=set)
    buttons: Fields = field(default_factory=list)

    def filled(self, values: dict[str, str]) -> dict[str, list[str]]:
        sent: dict[str, list[str]] = {}
        for name, value in self.fields:
            sent.setdefault(name, []).append(value)
        return sent | {name: [value] for name, value in values.items()}

    def takes(self, names: Iterable[str]) -> bool:
        return set(names) <= self.offered | dict(self.buttons).keys()


class FormReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.form: Form | None = None
        self.select = ""
        self.text = ""
        self.written: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        name = given.get("name", "")
        if tag == "form":
            self.form = Form(given.get("action", ""), given.get("method", "get").lower())
            self.forms.append(self.form)
        elif self.form is None:
            return
        elif tag == "input":
            self.read_input(self.form, name, given)
        elif tag == "button" and name:
            self.form.buttons.append((name, given.get("value", "")))
        elif tag == "select":
            self.select = name
            self.form.offered.add(name)
        elif tag == "option" and "selected" in given:
            self.form.fields.append((self.select, given.get("value", "")))
        elif tag == "textarea":
            self.text, self.written = name, []
            self.form.offered.add(name)

    @staticmethod
    def read_input(form: Form, name: str, given: dict[str, str]) -> None:
        kind = given.get("type", "text")
        if not name:
            return
        if kind in ("submit", "image", "button"):
            form.buttons.append((name, given.get("value", "")))
            return
        form.offered.add(name)
        if kind not in ("radio", "checkbox") or "checked" in given:
            form.fields.append((name, given.get("value", "")))

    def handle_data(self, data: str) -> None:
        if self.written is not None:
            self.written.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.form = None
        elif tag == "textarea" and self.form is not None and self.written is not None:
            # HTML drops a line break right after the opening tag.
            self.form.fields.append((self.text, "".join(self.written).removeprefix("\n")))
            self.written = None


class Visitor:
    """One browser with its cookies, at one page at a time."""

    def __init__(self, language: str) -> None:
        self.client = Client(enforce_csrf_checks=True, headers={"accept-language": language})
        self.path = "/"
        self.page = ""
        self.context: Any = None

    def open(self, address: str) -> str:
        """Open a path, or a link of a mail; the page it ends at, which must be a good one."""
        address = address.removeprefix(settings.PORTAL_URL)
        return self.arrive(self.client.get(address, follow=True), address)

    def send(self, press: str = "", **values: str) -> str:
        """Fill in the form that has these fields, and press its button of that name."""
        named = {*values, press} - {""}
        fitting = [each for each in self.forms() if each.method == "post" and each.takes(named)]
        assert fitting, f"{self.path} has no form that takes {', '.join(sorted(named))}"
        form = fitting[-1]
        pressed = {press: dict(form.buttons)[press]} if press else {}
        return self.post(form, values | pressed)

    def send_to(self, path: str) -> str:
        """Press the button of the form that leads there and asks nothing."""
        leading = [each for each in self.forms() if urljoin(self.path, each.action) == path]
        assert leading, f"{self.path} has no form that leads to {path}"
        return self.post(leading[-1], {})

    def post(self, form: Form, values: dict[str, str]) -> str:
        address = urljoin(self.path, form.action)
        answer = self.client.post(address, form.filled(values), follow=True)
        return self.arrive(answer, address)

    def arrive(self, answer: Any, address: str) -> str:
        assert answer.status_code == 200, f"{address}: {answer.status_code}"
        self.path = answer.redirect_chain[-1][0] if answer.redirect_chain else address
        self.path = urlsplit(self.path).path
        self.page, self.context = answer.content.decode(), answer.context
        return self.page

    def forms(self) -> Iterator[Form]:
        reader = FormReader()
        reader.feed(self.page)
        yield from reader.forms
