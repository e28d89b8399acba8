"""Whether a reference that must go is gone, where the portal can look by itself.

Nothing is remembered for this at publication: what is looked for is what still stands here, the
title and the approved words. That they are not found says something only of a page on which an
earlier look found them: a logo has no words, and others are drawn by JavaScript. Of somebody who
was erased nothing stands any more; then only a page that is gone altogether counts, and of any
other a person decides.
"""

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from consent.models import ReferenceText, ReferenceUse, Takedown
from consent.policy import CHECK_AGAIN
from consent.reference.looking import Page, is_ours, look_at, words_of
from consent.reference.services import record_removal
from consent.reference.words import CHECK, LOGO, Found

LANGUAGES: Final = ("nb", "en")
GONE: Final = (404, 410)
OK: Final = 200
# Shorter ones stand on many pages: "Takk for hjelpen."
SENTENCE_WORDS: Final = 4
_SENTENCE = re.compile(r"[.!?:;\n]+")

type Look = Callable[..., Page]


def check_takedowns(*, now: datetime, until: datetime | None = None, look: Look = look_at) -> int:
    """Look at open takedowns that have an address of ours; how many were found gone.

    Past `until` none is begun, and a host that did not answer is not asked again in this round: the
    rest comes first in the next.
    """
    waiting = Takedown.objects.filter(closed_at=None).filter(
        ~Q(checked_by=CHECK) | Q(checked_at__lte=now - CHECK_AGAIN)
    )
    longest_ago = waiting.select_related("use__topic").order_by(
        F("checked_at").asc(nulls_first=True), "due_at"
    )
    silent: set[str] = set()

    def look_once(url: str, *, language: str) -> Page:
        host = urlsplit(url).netloc
        page = Page() if host in silent else look(url, language=language)
        if page.status == 0:
            silent.add(host)
        return page

    gone = 0
    for takedown in longest_ago:
        if until is not None and timezone.now() >= until:
            break
        if addresses_of(takedown.use):
            gone += check_takedown(takedown, now=now, look=look_once)
    return gone


def addresses_of(use: ReferenceUse) -> list[str]:
    """Where the portal can look by itself; none of print, slides and other people's pages.

    Nor where it also stands elsewhere: a look at one of the places would close all of them.
    """
    ours = use.place == ReferenceUse.Place.REFERENCES
    if use.copies or (ours and use.url):
        return []
    if ours:
        return [settings.PORTAL_URL + reverse(name) for name in ("references", "api_references")]
    return [use.url] if use.url and is_ours(use.url) else []


def check_takedown(takedown: Takedown, *, now: datetime, look: Look = look_at) -> bool:
    """One look, in both languages; gone is written as proof and closes the takedown.

    No transaction is open meanwhile. Two at once come to the same.
    """
    use = takedown.use
    marks = marks_of(use)
    pages = [look(url, language=each) for url in addresses_of(use) for each in LANGUAGES]
    found = verdict(pages, marks)
    if found == Found.ABSENT and not proves_absence(takedown):
        found = Found.NEVER_SEEN
    status = max((page.status for page in pages), default=0)
    told = f"{found} {status}"
    if found in (Found.ABSENT, Found.GONE):
        record_removal(takedown, checked=told, actor=CHECK, now=now)
        return True
    Takedown.objects.filter(pk=takedown.pk, closed_at=None).update(
        checked=told,
        checked_at=now,
        checked_by=CHECK,
        was_there=takedown.was_there or found == Found.THERE,
    )
    return False


def proves_absence(takedown: Takedown) -> bool:
    """Our own page names each entry by its key; elsewhere it must have been found once, and a name
    that goes says nothing of the picture beside it."""
    if takedown.use.place == ReferenceUse.Place.REFERENCES:
        return True
    return takedown.was_there and takedown.use.topic.slug != LOGO


def verdict(pages: Iterable[Page], marks: Iterable[str]) -> Found:
    """Absent or gone only if every look says so; a page that cannot be read proves nothing."""
    marks, pages = list(marks), list(pages)
    shown = [page for page in pages if page.status not in GONE]
    if pages and not shown:
        return Found.GONE
    if any(has(page, mark) for page in shown for mark in marks):
        return Found.THERE
    if not marks:
        return Found.NOTHING_TO_COMPARE
    if any(page.status != OK or page.words is None for page in shown) or not pages:
        return Found.UNREADABLE
    return Found.ABSENT


def has(page: Page, mark: str) -> bool:
    return f" {mark} " in f" {page.words or ''} "


def marks_of(use: ReferenceUse) -> set[str]:
    """What would show that it is still there; less what another use there may rightly show."""
    if use.place == ReferenceUse.Place.REFERENCES:
        # Our own page and API name each entry by its key.
        return {words_of(str(use.pk))}
    others = ReferenceUse.objects.filter(url=use.url, state=ReferenceUse.State.PUBLISHED)
    allowed = {mark for other in others.exclude(pk=use.pk) for mark in _said_in(other)}
    return _said_in(use) - allowed


def _said_in(use: ReferenceUse) -> set[str]:
    texts = ReferenceText.objects.filter(use=use).values_list("text_nb", "text_en")
    sentences = (
        words_of(each) for text in texts for said in text for each in _SENTENCE.split(said)
    )
    long_ones = {each for each in sentences if len(each.split()) >= SENTENCE_WORDS}
    return long_ones | ({words_of(use.title)} - {""})
