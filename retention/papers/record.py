"""The record of processing activities (GDPR Art. 30 (1)): what an auditor asks for first.

Read off the schedule and the settings when it is asked for, so it cannot say otherwise than the
portal does. What the law asks for stands in its order: (a) who answers for it, (b) what for,
(c) whose data and which, (d) who receives it, (e) which third countries, (f) until when, (g) how it
is protected.
"""

from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from consent.models import Webhook
from consent.proof.receipts import controller
from retention.entries import DataClass, Entry, Kind, OnErasure, Words
from retention.schedule import entries_of
from retention.words import KIND_WORDS, kinds_of, until_words

# Only what is so today. What is not in use yet stands on /trust/ as missing, not here.
SECURITY: Final[tuple[Words, ...]] = (
    gettext_lazy(
        "Each part of the portal signs in to the database under a role that has no more rights "
        "than its work needs; what sends our email cannot read customers' content."
    ),
    gettext_lazy(
        "The database hands out customers' lists and messages one customer at a time, to that "
        "customer (row-level security)."
    ),
    gettext_lazy(
        "Staff sign in with a second factor, their number has an upper limit, and what they change "
        "is recorded."
    ),
    gettext_lazy("Passwords and access tokens are stored as hashes from which none can be read."),
    gettext_lazy(
        "No IP address is stored beside a person, and the request log names no user. Pages ask no "
        "third party for anything."
    ),
    gettext_lazy(
        "Choices are proven by a signed log in which no change goes unseen. Erasures and opt-outs "
        "stand in a journal outside the database as well, so that a restored backup brings nothing "
        "back: the portal closes until it has caught up."
    ),
    gettext_lazy(
        "What is over is deleted every night, rule by rule; a rule that would delete far more than "
        "usual stops and waits for a person. Each erasure has a signed receipt."
    ),
    gettext_lazy(
        "Paper, disks and tapes stand in a register with the day they must be destroyed by, and "
        "two people sign for each destruction."
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """One line of the record: a class of data, as everything is done with it."""

    chapter: str
    title: str
    purpose: str
    people: str
    kinds: str
    recipients: str
    third_countries: str
    until: str
    on_erasure: str
    role: str
    tables: str
    promise: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessingRecord:
    controller: dict[str, str]
    contact: str
    activities: list[Activity]
    security: list[str]


def processing_record() -> ProcessingRecord:
    """In the language now active."""
    systems = ", ".join(Webhook.objects.order_by("name").values_list("name", flat=True))
    return ProcessingRecord(
        controller=controller(),
        contact=settings.PRIVACY_EMAIL,
        activities=[
            activity
            for data_class in DataClass
            for activity in activities_of(data_class, systems=systems)
        ],
        security=[str(measure) for measure in SECURITY],
    )


def activities_of(data_class: DataClass, *, systems: str) -> list[Activity]:
    """Tables of one title, kept alike, are one line."""
    found: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries_of(data_class):
        found.setdefault((str(entry.title), until_words(entry)), []).append(entry)
    return [
        Activity(
            chapter=str(data_class.label),
            title=title,
            purpose=str(capfirst(str(entries[0].purpose))),
            people=people_of(entries),
            kinds=", ".join(
                str(KIND_WORDS[kind])
                for kind in Kind
                if any(kind in kinds_of(entry) for entry in entries)
            ),
            recipients=recipients_of(entries[0], systems=systems),
            third_countries=third_countries_of(entries[0]),
            until=until,
            on_erasure=erasure_words(entries[0]),
            role=role_of(entries[0]),
            tables=", ".join(entry.model for entry in entries),
            promise=entries[0].clause,
        )
        for (title, until), entries in found.items()
    ]


def people_of(entries: list[Entry]) -> str:
    """Whose data it is (Art. 30 (1) (c))."""
    people = []
    if any(entry.subject for entry in entries):
        people.append(_("customers"))
    if any(is_of_contacts(entry) for entry in entries):
        people.append(_("people in customers' lists and messages"))
    if any(is_of_staff(entry) for entry in entries):
        people.append(_("our staff"))
    if any(entry.erasure == OnErasure.KEEP and not entry.subject for entry in entries):
        people.append(_("former customers, and others who said no"))
    return ", ".join(people) or _("nobody")


def is_of_contacts(entry: Entry) -> bool:
    """Content of customers that names, reaches or quotes somebody."""
    told = {Kind.IDENTITY, Kind.CONTACT, Kind.CONTENT} & set(kinds_of(entry))
    return entry.data_class == DataClass.CONTENT and bool(told)


def is_of_staff(entry: Entry) -> bool:
    named = any(column in entry.fields for column in ("actor", "user", "author"))
    return bool(entry.mentions) or (
        named and entry.data_class in (DataClass.STAFF_LOG, DataClass.PROOF, DataClass.OPERATION)
    )


def recipients_of(entry: Entry, *, systems: str) -> str:
    """Outside the portal: the mail's carrier, and other systems of the same company."""
    if entry.data_class == DataClass.MAIL:
        transport = settings.MAIL_TRANSPORT
        if transport.is_smtp:
            return _("the mail server that delivers the email")
        return _("the mail provider %(name)s, as our processor") % {"name": transport.esp}
    if entry.model == "consent.Delivery" or entry.data_class == DataClass.CHOICES:
        if systems:
            return _("our own systems: %(systems)s") % {"systems": systems}
        return _("nobody; no other system of ours has asked to be told")
    return _("nobody")


def third_countries_of(entry: Entry) -> str:
    if entry.data_class == DataClass.MAIL and not settings.MAIL_TRANSPORT.is_smtp:
        return _("as the agreement with the mail provider says")
    return _("none")


def erasure_words(entry: Entry) -> str:
    words = str(capfirst(str(entry.erasure.label)))
    because = "; ".join(str(part) for part in (entry.why_kept, entry.law) if part)
    return f"{words}: {because}" if because else words


def role_of(entry: Entry) -> str:
    """Customers decide about their own content; we keep it for them (Art. 28)."""
    if entry.data_class == DataClass.CONTENT:
        return _("processor, for the customer")
    return _("controller")
