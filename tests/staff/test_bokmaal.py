"""No staff page is left in English for whoever reads Bokmål, other packages' pages included.

Each page is read in both languages. A text of several words that is the same in both is one that
nobody translated, unless it is data.
"""

import re
from html.parser import HTMLParser

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from consent.models import TopicWording
from tests.staff.door import let_in
from tests.staff.test_pages import everything, pages

__all__ = ["everything"]
pytestmark = [pytest.mark.slow, pytest.mark.django_db]

SILENT = {"script", "style", "code", "textarea", "svg", "option"}
SPOKEN = ("title", "aria-label", "placeholder")
# Two words or more of letters.
SENTENCE = re.compile(r"[^\W\d_]{2,}[ ,.]+[^\W\d_]{2,}")
# Names, addresses, tasks and time zones.
DATA = re.compile(
    r"^(Kari Nordmann|ClickSend portal, \d+|[\w.]+\.\w+_?\w*|[\w.]+@[\w.]+|[A-Z]\w+/[\w/ ]+)$"
)
WORDS = ("name_nb", "name_en", "description_nb", "description_en")
# Two hundred names, many of them the same in both.
COUNTRIES = "/admin/messaging/segment/"


class Texts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.silent: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in SILENT:
            self.silent.append(tag)
        given = dict(attrs)
        spoken = [given.get(name) for name in SPOKEN]
        if tag == "input" and given.get("type") in ("submit", "button"):
            spoken.append(given.get("value"))
        self.found |= {text for text in spoken if text}

    def handle_endtag(self, tag: str) -> None:
        if self.silent and tag == self.silent[-1]:
            self.silent.pop()

    def handle_data(self, data: str) -> None:
        if not self.silent and data.strip():
            self.found.add(" ".join(data.split()))


def texts(browser: Client, address: str) -> set[str]:
    reader = Texts()
    reader.feed(browser.get(address, follow=True).text)
    return reader.found


def test_no_sentence_of_a_staff_page_is_the_same_in_both_languages(
    staff: Client, boss: User, everything: None
) -> None:
    for person in User.objects.customers():
        let_in(boss, person)
    addresses = [address for _model, address in pages() if not address.startswith(COUNTRIES)]
    addresses += [reverse("admin:index"), reverse("admin:dashboards")]
    read: dict[str, dict[str, set[str]]] = {}
    for language in ("nb", "en"):
        User.objects.filter(pk=boss.pk).update(language=language)
        read[language] = {address: texts(staff, address) for address in addresses}
    # The page of a topic shows its words in both languages, whichever is read.
    wordings = {text for row in TopicWording.objects.values_list(*WORDS) for text in row}
    same = {
        text: address
        for address in addresses
        for text in read["nb"][address] & read["en"][address]
        if SENTENCE.search(text) and not DATA.search(text) and text not in wordings
    }
    assert same == {}


def test_the_reader_finds_what_is_said() -> None:
    reader = Texts()
    reader.feed(
        '<p title="One two">Three  four<script>five six</script></p>'
        '<input type="submit" value="Seven eight"><input value="nine ten">'
    )
    assert reader.found == {"One two", "Three four", "Seven eight"}
