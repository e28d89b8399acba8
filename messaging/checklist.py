"""What is looked at before a mailing is approved, and what stops it.

Each look is one function over one language, so that a problem names its field and its place. What
a machine knows for certain blocks; what only a person can judge is said and left to them. Nothing
here waits for a network: links are tried beforehand (`messaging.link_checks`).
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from messaging.contents import Contents, Passage, as_typed, broken_links, find, read
from messaging.link_checks import Found, known_links
from messaging.models import Mailing
from messaging.policy import MAIL_SHOWN_BYTES, SUBJECT_SHOWN
from messaging.refusals import Unfit, WrongState
from messaging.rendering import render_preview
from messaging.rendering.fields import fields_in_addresses, fields_without_default, unknown_fields
from messaging.rendering.pictures import SCHEME, unknown_pictures

LANGUAGES = ("nb", "en")
NOWHERE = Passage()


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing to look at: where it stands, what it is, and whether it stops the approval."""

    field: str
    language: str
    words: str
    blocking: bool
    start: int | None = None
    end: int | None = None

    @property
    def name(self) -> str:
        """Of the form's field."""
        return f"{self.field}_{self.language}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One line of the checklist: in order when it has no problems."""

    title: str | Promise
    problems: Sequence[Problem]

    @property
    def blocking(self) -> bool:
        return any(problem.blocking for problem in self.problems)


@dataclass(frozen=True, slots=True)
class Draft:
    """One language of a mailing, read once for all looks."""

    mailing: Mailing
    language: str
    contents: Contents

    def text(self, field: str) -> str:
        return as_typed(self.mailing.text(field, self.language))

    @property
    def is_begun(self) -> bool:
        return bool(self.text("subject").strip() or self.text("body").strip())

    def problem(
        self, field: str, words: str, *, blocking: bool, passage: Passage = NOWHERE
    ) -> Problem:
        return Problem(
            field=field,
            language=self.language,
            words=words,
            blocking=blocking,
            start=passage.start,
            end=passage.end,
        )


type Look = Callable[[Draft], Iterator[Problem]]


def check(mailing: Mailing) -> list[Problem]:
    """Everything that is to be looked at, in the order of the list."""
    return [problem for item in checklist(mailing) for problem in item.problems]


def blocking(mailing: Mailing) -> list[Problem]:
    """What stops the approval; empty when nothing does."""
    return [problem for problem in check(mailing) if problem.blocking]


def refuse_unfinished(mailing: Mailing) -> None:
    """Raises `WrongState` with the first thing that stops the approval, and how many there are."""
    if stops := blocking(mailing):
        words = ngettext(
            "This cannot be approved yet. %(words)s",
            "This cannot be approved yet: %(number)d things must be mended. %(words)s",
            len(stops),
        )
        raise WrongState(words % {"number": len(stops), "words": stops[0].words})


def refuse_missing_pictures(mailing: Mailing) -> None:
    """Looked at again when it starts: what was approved is what goes out, pictures and all."""
    for language in LANGUAGES:
        for address in unknown_pictures(mailing.text("body", language)):
            words = _(
                "The picture %(address)s is gone. Upload it again, and have it approved anew."
            )
            raise Unfit(words % {"address": _short(address)})


def checklist(mailing: Mailing) -> list[Item]:
    drafts = [
        Draft(mailing, language, read(as_typed(mailing.text("body", language))))
        for language in LANGUAGES
    ]
    return [
        Item(title=title, problems=[problem for draft in drafts for problem in look(draft)])
        for title, look in LOOKS
    ]


def link_addresses(mailing: Mailing) -> list[str]:
    """The web addresses of both languages that can be tried."""
    found = {
        address
        for language in LANGUAGES
        for address in read(mailing.text("body", language)).links
        if _link_fault(address) is None and address.startswith("https:")
    }
    return sorted(found)


# --- the looks -------------------------------------------------------------------------------


def look_for_missing_words(draft: Draft) -> Iterator[Problem]:
    """A customer whose language is missing would get an empty mail."""
    if not draft.text("subject").strip():
        yield draft.problem("subject", _("The subject is missing."), blocking=True)
    if not draft.text("body").strip():
        yield draft.problem("body", _("The text is missing."), blocking=True)


def look_at_the_envelope(draft: Draft) -> Iterator[Problem]:
    """What one reads before opening."""
    subject = draft.text("subject")
    if len(subject) > SUBJECT_SHOWN:
        words = _("The subject has %(length)d characters; a phone shows about %(limit)d.")
        yield draft.problem(
            "subject",
            words % {"length": len(subject), "limit": SUBJECT_SHOWN},
            blocking=False,
            passage=Passage(SUBJECT_SHOWN, len(subject)),
        )
    if draft.is_begun and not draft.text("preheader").strip():
        words = _("There is no preview line; mail programs show the beginning of the text instead.")
        yield draft.problem("preheader", words, blocking=False)


def look_at_personal_fields(draft: Draft) -> Iterator[Problem]:
    for field in ("subject", "preheader", "body"):
        text = draft.text(field)
        for written in unknown_fields(text):
            words = _("There is no personal field %(field)s.") % {"field": written}
            yield draft.problem(field, words, blocking=True, passage=find(text, written))
        for written in fields_without_default(text):
            words = _("%(field)s has no default: for those who left it empty nothing stands there.")
            yield draft.problem(
                field, words % {"field": written}, blocking=False, passage=find(text, written)
            )


def look_at_links(draft: Draft) -> Iterator[Problem]:
    """Forms that can be judged without asking anybody."""
    source = draft.text("body")
    for address in dict.fromkeys(draft.contents.links):
        if fault := _link_fault(address):
            yield draft.problem("body", fault, blocking=True, passage=find(source, address))
        elif _is_for_examples(address):
            words = _("%(address)s is an address for examples: it leads nowhere.")
            yield draft.problem(
                "body",
                words % {"address": _short(address)},
                blocking=False,
                passage=find(source, address),
            )
    for address in fields_in_addresses(source):
        words = _("%(address)s holds a personal field. A link of ours never says who clicked it.")
        yield draft.problem(
            "body",
            words % {"address": _short(address)},
            blocking=True,
            passage=find(source, address),
        )
    for passage in broken_links(source, draft.contents):
        words = _("This looks like a link and is none: check the brackets and the address.")
        yield draft.problem("body", words, blocking=True, passage=passage)


def look_whether_links_live(draft: Draft) -> Iterator[Problem]:
    """As far as it was tried; a mail goes out once, so a dead link cannot be mended later."""
    source = draft.text("body")
    tried = [
        address
        for address in dict.fromkeys(draft.contents.links)
        if address.startswith("https:")
        and _link_fault(address) is None
        and not _is_for_examples(address)
    ]
    for address, state in known_links(tried).items():
        if state.found is Found.ALIVE:
            continue
        words = {
            Found.DEAD: _("%(address)s leads nowhere (%(why)s)."),
            Found.UNCLEAR: _("Try %(address)s yourself: we got no clear answer (%(why)s)."),
            Found.UNKNOWN: _("%(address)s has not been tried lately."),
        }[state.found]
        yield draft.problem(
            "body",
            words % {"address": _short(address), "why": LINK_WORDS.get(state.why, state.why)},
            blocking=state.found is Found.DEAD,
            passage=find(source, address),
        )


def look_at_pictures(draft: Draft) -> Iterator[Problem]:
    """Only ours are shown: another server would learn who reads."""
    source = draft.text("body")
    for address in unknown_pictures(source):
        words = (
            _("The picture %(address)s does not exist. Upload it and paste its line.")
            if address.startswith(SCHEME)
            else _("%(address)s is not shown, for its server would learn who reads. Upload it.")
        )
        yield draft.problem(
            "body",
            words % {"address": _short(address)},
            blocking=True,
            passage=find(source, address),
        )


def look_for_alternative_text(draft: Draft) -> Iterator[Problem]:
    source = draft.text("body")
    for address, said in draft.contents.pictures:
        if not said:
            words = _("A picture has no alternative text. Say in the brackets what it shows.")
            yield draft.problem(
                "body", words, blocking=True, passage=find(source, f"]({address}", address)
            )


def look_at_the_size(draft: Draft) -> Iterator[Problem]:
    """Gmail hides what follows its limit, and the way out stands last."""
    if not draft.is_begun:
        return
    html = render_preview(draft.mailing, draft.language).html
    size = len(html.encode())
    if size > MAIL_SHOWN_BYTES:
        words = _(
            "The email weighs %(size)d kB. Gmail hides what comes after 102 kB, the way to "
            "unsubscribe with it. Shorten it to %(limit)d kB."
        )
        yield draft.problem(
            "body",
            words % {"size": -(-size // 1000), "limit": MAIL_SHOWN_BYTES // 1000},
            blocking=True,
        )


# What trying a link told, where it is not the status of an answer.
LINK_WORDS: dict[str, str | Promise] = {
    "slow": gettext_lazy("no answer in time"),
    "round": gettext_lazy("it leads on and on"),
    "not_public": gettext_lazy("not on the public internet, or not secure"),
    "no_name": gettext_lazy("there is no such name"),
    "certificate": gettext_lazy("its certificate is not valid"),
    "no_answer": gettext_lazy("no answer"),
}

LOOKS: Sequence[tuple[str | Promise, Look]] = (
    (gettext_lazy("Both languages are written"), look_for_missing_words),
    (gettext_lazy("Subject and preview line"), look_at_the_envelope),
    (gettext_lazy("Personal fields"), look_at_personal_fields),
    (gettext_lazy("Links are written correctly and secure"), look_at_links),
    (gettext_lazy("Links lead somewhere"), look_whether_links_live),
    (gettext_lazy("Pictures are here"), look_at_pictures),
    (gettext_lazy("Pictures have an alternative text"), look_for_alternative_text),
    (gettext_lazy("Size"), look_at_the_size),
)

# RFC 2606 sections 2 and 3.
_EXAMPLES = re.compile(r"(?:^|\.)(?:example|example\.(?:com|net|org)|invalid|test)$")
_OURSELVES = re.compile(r"(?:^|\.)(?:localhost|local|internal|localdomain|lan)$")


def _link_fault(address: str) -> str | None:
    """What is wrong with the form of a link; None when nothing is."""
    try:
        parts = urlsplit(address)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        return _("%(address)s is no web address.") % {"address": _short(address)}
    if parts.scheme in ("mailto", "tel"):
        return None
    if parts.scheme == "http":
        return _("%(address)s is not secure: write https.") % {"address": _short(address)}
    if parts.scheme != "https" or not host or "." not in host or " " in address:
        if _OURSELVES.search(host):
            return _on_this_machine(address)
        return _("“%(address)s” is no web address. Write it whole, beginning with https://.") % {
            "address": _short(address)
        }
    return _on_this_machine(address) if _leads_inside(host) else None


def _on_this_machine(address: str) -> str:
    words = _("%(address)s leads to a machine of ours that readers cannot reach.")
    return words % {"address": _short(address)}


def _leads_inside(host: str) -> bool:
    try:
        return not ip_address(host).is_global
    except ValueError:
        return bool(_OURSELVES.search(host))


def _is_for_examples(address: str) -> bool:
    return bool(_EXAMPLES.search(urlsplit(address).hostname or ""))


def _short(address: str) -> str:
    return address if len(address) <= 60 else f"{address[:59]}…"
