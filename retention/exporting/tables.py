"""Which files an archive has: one table for each class of data, in the names of ClickSend's API."""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import BinaryField

from retention.entries import DataClass, Entry
from retention.schedule import model_of, readable_entries

# The name of a class's files. Two classes of one name share theirs.
NAMES: Final[Mapping[str, str]] = {
    "accounts.User": "account",
    "accounts.Session": "browsers",
    "accounts.PersonalToken": "access-tokens",
    "account.EmailConfirmation": "confirmation-links",
    "account.EmailAddress": "email-addresses",
    "mfa.Authenticator": "sign-in-methods",
    "accounts.SupportQuestion": "questions",
    "accounts.SupportEntry": "questions-entries",
    "accounts.AccessEvent": "looks-by-our-staff",
    "accounts.AccessGrant": "half-hours-of-our-staff",
    "consent.Preference": "choices",
    "consent.ConsentDetail": "history-of-choices",
    "consent.Delivery": "told-to-other-systems",
    "consent.ReferenceUse": "references",
    "consent.ReferenceText": "references-wordings",
    "consent.SalesCall": "sales-calls",
    "consent.CallLimit": "sales-calls-limit",
    "messaging.Message": "emails-to-you",
    "messaging.ProviderEvent": "answers-to-our-emails",
    "messaging.ContactList": "contact-lists",
    "messaging.Contact": "contacts",
    "messaging.ContactOptOut": "contacts-opted-out",
    "messaging.MessageRecord": "messages",
    "messaging.MessageContent": "messages",
    "messaging.Report": "reports",
    "messaging.Tombstone": "deleted-by-you",
    "messaging.DeidentifiedStretch": "de-identified-by-you",
    "messaging.ListUpload": "uploads",
    "messaging.UploadProblem": "uploads-problems",
    "accounts.Invoice": "invoices",
    "accounts.Transaction": "transactions",
    "admin.LogEntry": "changes-by-our-staff",
    "retention.Export": "archives",
    "retention.HeldRow": "held-records",
    "retention.PrivacyRequest": "privacy-requests",
    "retention.DeletionRequest": "deletions",
    "consent.Suppression": "fingerprints-of-your-address",
    "retention.PhysicalItem": "paper-disks-and-tapes",
}

# Where ClickSend's API calls a column otherwise than our table.
HEADERS: Final[Mapping[str, Mapping[str, str]]] = {
    "accounts.User": {
        "platform_id": "user_id",
        "email": "user_email",
        "phone": "user_phone",
        "first_name": "user_first_name",
        "last_name": "user_last_name",
        "company": "account_name",
        "signed_up_at": "date_sign_up",
    },
    "messaging.MessageContent": {"sent_from": "from", "sent_to": "to"},
}

# What a row says of what it belongs to, so that the file can be read by itself.
BESIDE: Final[Mapping[str, Mapping[str, str]]] = {
    "messaging.Contact": {
        "contact_list__list_id": "list_id",
        "contact_list__list_name": "list_name",
    },
    "accounts.SupportEntry": {"question__reference": "question_reference"},
    "consent.ReferenceText": {"use__title": "use_title"},
}

# Classes of which one customer may have hundreds of thousands: their JSON has a row a line.
BULK: Final = frozenset(
    {
        "messaging.Message",
        "messaging.Contact",
        "messaging.ContactOptOut",
        "messaging.MessageRecord",
        "messaging.MessageContent",
        "messaging.Tombstone",
        "messaging.UploadProblem",
        "retention.HeldRow",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A pair of files: the classes whose rows stand in it, joined by their key if there are two."""

    name: str
    entries: tuple[Entry, ...]

    @property
    def is_bulk(self) -> bool:
        return any(entry.model in BULK for entry in self.entries)

    @property
    def json_name(self) -> str:
        return f"json/{self.name}.{'ndjson' if self.is_bulk else 'json'}"

    @property
    def csv_name(self) -> str:
        return f"csv/{self.name}.csv"

    @property
    def headers(self) -> list[str]:
        """The columns of the CSV file; where both classes have one of a name it stands once."""
        found = [header for entry in self.entries for header in headers_of(entry)]
        return list(dict.fromkeys(found))


def exported_tables() -> list[Table]:
    """In the order of the chapters."""
    chapters = list(DataClass)
    found: dict[str, list[Entry]] = {}
    for entry in sorted(readable_entries(), key=lambda each: chapters.index(each.data_class)):
        if entry.exported:
            found.setdefault(name_of(entry), []).append(entry)
    return [
        Table(name=name, entries=tuple(sorted(entries, key=shown_first)))
        for name, entries in found.items()
    ]


def name_of(entry: Entry) -> str:
    return NAMES.get(entry.model) or entry.model.lower().replace(".", "-")


def shown_first(entry: Entry) -> bool:
    """Of two classes in one file the one whose columns come first."""
    return entry.model == "messaging.MessageContent"


def columns_of(entry: Entry) -> dict[str, str]:
    """What is read of a row, and what it is called. Bytes say nothing to a reader: never those."""
    renamed = HEADERS.get(entry.model, {})
    wanted = set(entry.exported_fields)
    own = {
        field.attname: renamed.get(field.name, field.attname)
        for field in model_of(entry)._meta.concrete_fields
        if field.name in wanted and not isinstance(field, BinaryField)
    }
    return own | dict(BESIDE.get(entry.model, {}))


def headers_of(entry: Entry) -> Iterator[str]:
    for header in columns_of(entry).values():
        yield header
        if header == "topic_id":
            yield from ("topic_slug", "topic_name")


type Row = dict[str, Any]
type TopicNames = Mapping[uuid.UUID, tuple[str, str]]
