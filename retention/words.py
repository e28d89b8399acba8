"""Sentences that pages and mails about retention share."""

from datetime import UTC, date, datetime

from django.utils import formats, timezone, translation
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from consent.history import human_date, human_moment
from retention.entities import entity_periods
from retention.entries import DataClass, Entry, Kind, OnErasure, Rule, Words, period_words
from retention.models import DeletionRequest, Scope
from retention.policy import PROOF
from retention.staying import FINGERPRINT, ITEMS, NOTICES, USES, Kept

KIND_WORDS: dict[Kind, Words] = {
    Kind.IDENTITY: gettext_lazy("who you are"),
    Kind.CONTACT: gettext_lazy("how to reach you"),
    Kind.FINANCIAL: gettext_lazy("billing"),
    Kind.CONTENT: gettext_lazy("content"),
    Kind.DEMOGRAPHIC: gettext_lazy("country, language and the like"),
    Kind.TECHNICAL: gettext_lazy("technical"),
}


# The legend of the public page.
KIND_MEANINGS: dict[Kind, Words] = {
    Kind.IDENTITY: gettext_lazy("name, user name, company, customer number"),
    Kind.CONTACT: gettext_lazy("email address, phone number, postal address"),
    Kind.FINANCIAL: gettext_lazy("invoices, amounts, prices, and what was paid"),
    Kind.CONTENT: gettext_lazy("what somebody wrote, chose or uploaded"),
    Kind.DEMOGRAPHIC: gettext_lazy("country, language, time zone"),
    Kind.TECHNICAL: gettext_lazy("numbers, times and states that the programs need"),
}
ERASURE_MEANINGS: dict[OnErasure, Words] = {
    OnErasure.DELETE: gettext_lazy("nothing of it is left"),
    OnErasure.BLANK: gettext_lazy("the line stays, without all that leads to you"),
    OnErasure.KEEP: gettext_lazy("a law, or your own no, needs it longer; why stands beside it"),
    OnErasure.NOBODY: gettext_lazy("there is nothing in it to delete for you"),
}


def human_day(value: date | datetime) -> str:
    """12. mars 2026 · 12 March 2026."""
    if isinstance(value, datetime):
        return human_date(value)
    norwegian = (translation.get_language() or "nb").startswith("nb")
    return str(formats.date_format(value, "j. F Y" if norwegian else "j F Y"))


def utc_moment(value: datetime) -> str:
    """For what is printed, where the reader's zone is not known: with its own zone named."""
    with timezone.override(UTC):
        return f"{human_moment(value)} UTC"


def scope_words(wish: DeletionRequest) -> str:
    """What a request is to let go: `messages of a period, with their records (12 March 2026 –)`."""
    words = str(Scope(wish.scope).label)
    if wish.since is None and wish.until is None:
        return words
    days = [human_day(day) if day else "" for day in (wish.since, wish.until)]
    return f"{words} ({' – '.join(days).strip()})"


def until_words(entry: Entry) -> str:
    """Until when, and where the law of a company of ours says other than the rule."""
    parts = [entry.until, *(entity_words(rule) for rule in entry.rules)]
    return " ".join(part for part in parts if part)


def rule_words(rule: Rule) -> str:
    """The same of one rule."""
    return f"{capfirst(rule.sentence)}. {entity_words(rule)}".rstrip()


def entity_words(rule: Rule) -> str:
    """`Company no: 5 years from the end of the financial year.`"""
    found = []
    for company, period in sorted(entity_periods(rule).items()):
        values = {"company": company, "period": period_words(period)}
        if period.from_year_end:
            found.append(
                _("Company %(company)s: %(period)s from the end of the financial year.") % values
            )
        else:
            found.append(_("Company %(company)s: %(period)s.") % values)
    return " ".join(found)


def erasure_words(entry: Entry) -> str:
    """What a deletion does, and why and by which law something outlives it."""
    words = str(capfirst(str(entry.erasure.label)))
    because = "; ".join(str(part) for part in (entry.why_kept, entry.law) if part)
    return f"{words}: {because}" if because else words


def field_words(entry: Entry) -> str:
    """What each field is: `Who you are: actor. Technical: id, rule.`"""
    found = []
    for kind in kinds_of(entry):
        names = ", ".join(name for name, field in entry.fields.items() if field.kind == kind)
        found.append(f"{capfirst(str(KIND_WORDS[kind]))}: {names}.")
    return " ".join(found)


def kinds_of(entry: Entry) -> list[Kind]:
    """Which kinds of fields a class holds, the personal ones first."""
    present = {field.kind for field in entry.fields.values()}
    return [kind for kind in Kind if kind in present]


def kept_sentence(kept: Kept, day: str) -> str:
    """Until when something outlives a deletion. `day` is `kept.until` as people write it."""
    model = kept.entry.model
    values = {"day": day, "period": period_words(PROOF)}
    if model == FINGERPRINT:
        return _("reviewed on %(day)s") % values
    if model == NOTICES:
        return _("until each has answered, on %(day)s at the latest") % values
    if model == USES and not kept.blanked:
        return _("until it is taken down, which is due by %(day)s") % values
    if model == ITEMS and day:
        return _("destroyed by %(day)s, and listed for %(period)s after that") % values
    if model == ITEMS:
        return _("destroyed already, and listed for %(period)s after that") % values
    if kept.of_part and not day:
        return _("as long as you have an account")
    later = open_sentence(kept) if kept.open else ""
    if not day:
        return later
    until = _("until %(day)s") % values
    return f"{until}; {later}" if later else until


def open_sentence(kept: Kept) -> str:
    """Of those whose clock has not begun."""
    values = {"n": kept.open, "period": period_words(kept.period)}
    if kept.entry.data_class == DataClass.BILLING and kept.period.from_year_end:
        return (
            ngettext(
                "%(n)d is not settled yet and stays for %(period)s from the end of the financial "
                "year in which it is",
                "%(n)d are not settled yet and stay for %(period)s from the end of the financial "
                "year in which they are",
                kept.open,
            )
            % values
        )
    if kept.entry.data_class == DataClass.BILLING:
        return (
            ngettext(
                "%(n)d is not settled yet and stays for %(period)s once it is",
                "%(n)d are not settled yet and stay for %(period)s once they are",
                kept.open,
            )
            % values
        )
    return ngettext(
        "%(n)d stays for %(period)s after %(since)s",
        "%(n)d stay for %(period)s after %(since)s",
        kept.open,
    ) % (values | {"since": kept.entry.rules[0].since})
