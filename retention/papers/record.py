"""The record of processing activities (GDPR Art. 30 (1)): what an auditor asks for first.

Read off the schedule and the settings when it is asked for, so it cannot say otherwise than the
portal does. What the law asks for stands in its order: (a) who answers for it, (b) what for,
(c) whose data and which, (d) who receives it, (e) which third countries, (f) until when, (g) how it
is protected.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from consent.models import Webhook
from consent.proof.receipts import controller
from retention.desk.declared import ShownProcessor, shown_processors
from retention.entries import DataClass, Entry, Kind, OnErasure, Words
from retention.models import Processor
from retention.schedule import entries_of
from retention.words import KIND_WORDS, erasure_words, human_day, kinds_of, until_words

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
    then: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessingRecord:
    controller: dict[str, str]
    contact: str
    processors: list[str]
    activities: list[Activity]
    security: list[str]


@dataclass(frozen=True, slots=True)
class Others:
    """Who receives data beside us, as it is at the moment."""

    systems: str
    processors: list[ShownProcessor]


def processing_record(now: datetime) -> ProcessingRecord:
    """In the language now active."""
    others = Others(
        systems=", ".join(Webhook.objects.order_by("name").values_list("name", flat=True)),
        processors=shown_processors(now),
    )
    return ProcessingRecord(
        controller=controller(),
        contact=settings.PRIVACY_EMAIL,
        processors=[processor_words(each) for each in others.processors],
        activities=[
            activity
            for data_class in DataClass
            for activity in activities_of(data_class, others=others)
        ],
        security=[str(measure) for measure in SECURITY],
    )


def activities_of(data_class: DataClass, *, others: Others) -> list[Activity]:
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
            recipients=recipients_of(entries[0], others=others),
            third_countries=third_countries_of(entries[0], others=others),
            until=until,
            on_erasure=erasure_words(entries[0]),
            role=role_of(entries[0]),
            tables=", ".join(entry.model for entry in entries),
            promise=entries[0].clause,
            then="; ".join(dict.fromkeys(entry.then for entry in entries)),
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


def recipients_of(entry: Entry, *, others: Others) -> str:
    """Outside the portal: processors, the mail's carrier, and other systems of the same company.

    What a processor is declared to handle is said in words of people, not by class: each stands
    beside every class, and its own words in the list of them.
    """
    found = []
    if entry.data_class == DataClass.MAIL:
        found.append(carrier(others))
    elif entry.model == "consent.Delivery" or entry.data_class == DataClass.CHOICES:
        if others.systems:
            found.append(_("our own systems: %(systems)s") % {"systems": others.systems})
        elif not others.processors:
            return _("nobody; no other system of ours has asked to be told")
    if others.processors:
        names = ", ".join(each.row.name for each in others.processors)
        found.append(_("our processors, each for its task: %(names)s") % {"names": names})
    return "; ".join(found) or _("nobody")


def carrier(others: Others) -> str:
    transport = settings.MAIL_TRANSPORT
    if transport.is_smtp:
        return _("the mail server that delivers the email")
    return _("the mail provider %(name)s, as our processor") % {"name": transport.esp}


def third_countries_of(entry: Entry, *, others: Others) -> str:
    """Art. 30 (1) (e): where to, and by what chapter V allows it."""
    found = [
        transfer_words(each.row)
        for each in others.processors
        if each.row.transfer != Processor.Transfer.NONE
    ]
    if entry.data_class == DataClass.MAIL and not is_carrier_declared(others):
        found.append(_("as the agreement with the mail provider says"))
    return "; ".join(found) or _("none")


def is_carrier_declared(others: Others) -> bool:
    """Whether the list of processors says of the mail's carrier where it is; ours needs none."""
    transport = settings.MAIL_TRANSPORT
    if transport.is_smtp:
        return True
    return any(transport.esp.casefold() in each.row.name.casefold() for each in others.processors)


def transfer_words(row: Processor) -> str:
    return f"{row.name}, {row.country}: {row.get_transfer_display()}"


def processor_words(shown: ShownProcessor) -> str:
    """All that Art. 30 asks of one."""
    return _(
        "%(name)s, %(country)s: %(task)s. Which data: %(data)s. Transfer: %(transfer)s. "
        "Agreement of %(day)s."
    ) % {
        "name": shown.row.name,
        "country": shown.row.country,
        "task": shown.task.rstrip("."),
        "data": shown.data.rstrip("."),
        "transfer": shown.row.get_transfer_display(),
        "day": human_day(shown.row.agreement_on),
    }


def role_of(entry: Entry) -> str:
    """Customers decide about their own content; we keep it for them (Art. 28)."""
    if entry.data_class == DataClass.CONTENT:
        return _("processor, for the customer")
    return _("controller")
