"""What an entry of the schedule says; the table itself stands in `schedule.py`."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Q, TextChoices
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from retention.policy import Period

type Words = str | Promise


class Kind(enum.StrEnum):
    """What a field is."""

    IDENTITY = "identity"
    CONTACT = "contact"
    FINANCIAL = "financial"
    CONTENT = "content"
    DEMOGRAPHIC = "demographic"
    TECHNICAL = "technical"


class DataClass(TextChoices):
    """The chapters of the schedule, in the order in which people read them."""

    ACCOUNT = "account", _("Your account")
    SIGN_IN = "sign_in", _("Signing in")
    CHOICES = "choices", _("Your choices and their history")
    MAIL = "mail", _("Emails to you")
    CONTENT = "content", _("Your lists, messages and reports")
    BILLING = "billing", _("Billing")
    STAFF_LOG = "staff_log", _("What our staff did")
    PROOF = "proof", _("Proof that we keep our word")
    OWN = "own", _("What we write ourselves")
    OPERATION = "operation", _("Running the portal")


class OnErasure(TextChoices):
    """What a deletion asked for by the customer does to a row about them."""

    DELETE = "delete", _("deleted")
    BLANK = "blank", _("blanked")
    KEEP = "keep", _("stays")
    NOBODY = "nobody", _("names no customer")


class Removal(enum.Enum):
    """How a rule removes what is due."""

    BATCHES = enum.auto()
    PARTITIONS = enum.auto()
    SUPERSEDED_CHOICES = enum.auto()
    ACCESS_EVENTS = enum.auto()
    WHOLE_ACCOUNTS = enum.auto()
    PENDING_ADDRESSES = enum.auto()
    MAIL_TO_NOBODY = enum.auto()
    RELEASED_ROWS = enum.auto()
    CERTIFICATES = enum.auto()
    BY_REQUEST = enum.auto()


class Then(TextChoices):
    """What becomes of the rows of a rule when their time is over."""

    DROP = "drop", _("whole months are dropped")
    DELETE = "delete", _("rows are deleted")
    BLANK = "blank", _("de-identified: the record stays without it")
    TOTALS = "totals", _("deleted: totals stay")
    REQUEST = "request", _("as when the customer asks for deletion")


@dataclass(frozen=True, slots=True)
class Leaves:
    """What a rule leaves of its rows: in which model, and in words, as the end of a sentence."""

    model: str
    words: Words
    then: Then


@dataclass(frozen=True, slots=True)
class Field:
    kind: Kind
    exported: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """When rows of a model go. `since` says what starts the clock, as the end of a sentence.

    `entity` is the column with the company of ours by whose law the period may be another
    (`retention.entities`).
    """

    name: str
    title: Words
    since: Words
    clock: str
    period: Period
    removal: Removal = Removal.BATCHES
    only: Q | None = None
    entity: str = ""
    leaves: Leaves | None = None

    @property
    def then(self) -> Then:
        """Told by how the rule removes, so that it cannot say otherwise."""
        if self.leaves is not None:
            return self.leaves.then
        if self.removal == Removal.PARTITIONS:
            return Then.DROP
        return Then.REQUEST if self.removal == Removal.BY_REQUEST else Then.DELETE

    @property
    def sentence(self) -> str:
        """`deleted 7 years after the invoice was settled`.

        A month goes when its first day has had the period: the last of its rows earlier.
        """
        values = {"period": period_words(self.period), "since": self.since}
        if self.period == Period():
            words = _("deleted as soon as %(since)s")
        elif self.then == Then.BLANK:
            words = _("de-identified with its month, at the latest %(period)s after %(since)s")
        elif self.removal == Removal.PARTITIONS:
            words = _("deleted with its month, at the latest %(period)s after %(since)s")
        else:
            words = _("deleted %(period)s after %(since)s")
        told: str = words % values
        return f"{told}; {self.leaves.words}" if self.leaves else told


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What the portal does with one model.

    `subject` is the path from a row to the person it is about; `mentions` are columns that name a
    person beside (an author), emptied when that person is erased; `begins` dates a row for its
    owner. Without a rule, `no_clock` says why nothing of it ages. What outlives an erasure says
    why, and under which `law`.
    """

    model: str
    data_class: DataClass
    title: Words
    purpose: Words
    clause: str
    fields: Mapping[str, Field]
    erasure: OnErasure
    subject: str = ""
    mentions: tuple[str, ...] = ()
    why_kept: Words = ""
    law: Words = ""
    blanked: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    no_clock: Words = ""
    begins: str = ""
    exported: bool = False
    # What its owner reads, where `title` is of when they are gone.
    title_to_owner: Words = ""

    @property
    def heading(self) -> Words:
        return self.title_to_owner or self.title

    @property
    def exported_fields(self) -> list[str]:
        return [name for name, field in self.fields.items() if self.exported and field.exported]

    @property
    def then(self) -> str:
        """What its rules do, each way once."""
        ways = dict.fromkeys(str(rule.then.label) for rule in self.rules)
        return str(capfirst("; ".join(ways) or _("nothing by itself")))

    @property
    def until(self) -> str:
        """Until when, in sentences: why there is no clock, and what each rule ends."""
        parts = [str(self.no_clock)] if self.no_clock else []
        return " ".join(f"{capfirst(part)}." for part in parts + [r.sentence for r in self.rules])


def kinds(*, hidden: str = "", **named: str) -> dict[str, Field]:
    """`kinds(identity="first_name last_name", technical="id", hidden="id")`.

    `hidden` names those that no export shows: secrets, copies, and what is about others.
    """
    concealed = set(hidden.split())
    return {
        name: Field(Kind(kind), name not in concealed)
        for kind, names in named.items()
        for name in names.split()
    }


def period_words(period: Period) -> str:
    if period.days:
        return ngettext("%(n)d day", "%(n)d days", period.days) % {"n": period.days}
    if period.months % 12:
        return ngettext("%(n)d month", "%(n)d months", period.months) % {"n": period.months}
    number = period.months // 12
    return ngettext("%(n)d year", "%(n)d years", number) % {"n": number}
