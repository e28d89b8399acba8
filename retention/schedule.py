"""The schedule: what every table of the portal holds, why, how long, and what erasure does to it.

One table for everybody: enforcement, deletion, export and the public page read this and nothing
else, and `manage.py check` fails on a model or field it does not name. Deletion works through the
personal entries in this order, so what refers to a row stands before it.

A clock starts when a transaction or a relationship ends, never at sign-up and never at a standing
choice: a customer of many years stays a customer, and an old no must not run out.
"""

from typing import Final

from django.apps import apps
from django.db.models import Model

from retention.chapters.account import ACCOUNT
from retention.chapters.billing import BILLING
from retention.chapters.choices import CHOICES
from retention.chapters.content import CONTENT
from retention.chapters.desk import DESK
from retention.chapters.items import ITEMS
from retention.chapters.mails import MAILS
from retention.chapters.proof import PROOF
from retention.chapters.reference import REFERENCE
from retention.chapters.running import RUNNING
from retention.chapters.signing_in import SIGNING_IN
from retention.chapters.staff_access import STAFF_ACCESS
from retention.chapters.staff_log import STAFF_LOG
from retention.chapters.support import SUPPORT
from retention.chapters.systems import SYSTEMS
from retention.entries import Entry

SCHEDULE: Final[tuple[Entry, ...]] = (
    *MAILS,
    *CONTENT,
    *REFERENCE,
    *SUPPORT,
    *CHOICES,
    *SYSTEMS,
    *STAFF_ACCESS,
    *STAFF_LOG,
    *SIGNING_IN,
    *BILLING,
    *DESK,
    *ITEMS,
    *PROOF,
    *ACCOUNT,
    *RUNNING,
)

ENTRIES: Final = {entry.model: entry for entry in SCHEDULE}
RULES: Final = {rule.name: (entry, rule) for entry in SCHEDULE for rule in entry.rules}


def model_of(entry: Entry) -> type[Model]:
    return apps.get_model(entry.model)


def entries_of(data_class: str) -> list[Entry]:
    return [entry for entry in SCHEDULE if entry.data_class == data_class]


def personal_entries() -> list[Entry]:
    """Those with rows about a person, in the order in which a deletion works through them."""
    return [entry for entry in SCHEDULE if entry.subject]


# Outlive a deletion, so no `subject` leads to them; while somebody is here, they may read them.
READ_BESIDE: Final = ("consent.Suppression", "retention.DeletionRequest")


def readable_entries() -> list[Entry]:
    """Those with rows that a person is shown."""
    return [entry for entry in SCHEDULE if entry.subject or entry.model in READ_BESIDE]
