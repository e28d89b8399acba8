"""Whether one record can be taken, looked at on its own; others are not known here."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from accounts.models import SupportChannel
from consent.imports import fields
from consent.imports.columns import TOPICS
from consent.imports.reading import CustomerFile, Record
from consent.models import State
from foundation.addresses import normalise_address


class Fault(NamedTuple):
    field: str
    problem: str
    reason: str


@dataclass(frozen=True, slots=True)
class Rejection:
    record: Record
    faults: tuple[Fault, ...]

    @property
    def field(self) -> str:
        return ", ".join(fault.field for fault in self.faults)

    @property
    def reason(self) -> str:
        return " ".join(fault.reason for fault in self.faults)


class Choice(NamedTuple):
    topic: str  # the topic's slug
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """A record that holds."""

    record: Record
    user_id: int
    username: str
    email: str
    address: str
    phone: str
    first_name: str
    last_name: str
    company: str
    country: str
    timezone: str
    language: str
    signed_up_at: datetime
    active: bool
    support_channel: str
    choices: tuple[Choice, ...]
    refuses_reference: bool
    choice_source: str
    choice_at: datetime | None


def check_record(file: CustomerFile, record: Record, now: datetime) -> Customer | Rejection:
    """The customer, or everything that is wrong with the record."""
    found, asked = len(record.cells), len(file.header)
    if found != asked:
        problem = "too many columns" if found > asked else "too few columns"
        advice = (
            "put text that holds a comma between quotation marks"
            if found > asked
            else "fill in what is missing"
        )
        reason = f"The record has {found} columns and the header {asked}; {advice}."
        return Rejection(record, (Fault("record", problem, reason),))
    return _Check(file.values(record), now).customer(record)


class _Check:
    def __init__(self, values: dict[str, str], now: datetime) -> None:
        self.values = values
        self.now = now
        self.faults: list[Fault] = []

    def take[T](self, field: str, read: Callable[[str], T], otherwise: T) -> T:
        """What the field says, or `otherwise` with the fault noted."""
        text = self.values[field]
        try:
            if not text.isprintable():
                fields.refuse_control_characters(text)
            return read(text)
        except fields.RefusedError as refused:
            self.faults.append(Fault(field, refused.problem, refused.reason))
            return otherwise

    def customer(self, record: Record) -> Customer | Rejection:
        now = self.now
        user_id = self.take("user_id", fields.customer_number, 0)
        username = self.take("username", fields.username, "")
        email = self.take("user_email", fields.email, "")
        first_name = self.take("user_first_name", fields.name, "")
        last_name = self.take("user_last_name", fields.name, "")
        company = self.take("account_name", fields.company, "")
        country = self.take("country", fields.country, "")
        phone = self.take("user_phone", lambda text: fields.phone(text, country), "")
        timezone = self.take("timezone", fields.timezone, "")
        language = self.take("language", fields.language, "")
        signed_up_at = self.take("date_sign_up", lambda text: fields.signed_up_at(text, now), now)
        active = self.take("active", fields.active, False)
        choices = tuple(
            Choice(topic, state)
            for column, topic in TOPICS.items()
            if (state := self.take(column, fields.choice, ""))
        )
        choice_source = self.take("choice_source", fields.choice_source, "")
        reference = self.take("reference_program", fields.reference_program, "")
        choice_at = self.take("choice_at", lambda text: fields.choice_at(text, now), None)
        support_channel = self.take("support_channel", fields.support_channel, "")
        self._need_a_time(choices, reference)
        if support_channel == SupportChannel.PHONE and not self.values["user_phone"]:
            self._fault("support_channel", "no phone", "Give a phone number, or choose email.")
        if self.faults:
            return Rejection(record, tuple(self.faults))
        return Customer(
            record=record,
            user_id=user_id,
            username=username,
            email=email,
            address=normalise_address(email),
            phone=phone,
            first_name=first_name,
            last_name=last_name,
            company=company,
            country=country,
            timezone=timezone,
            language=language,
            signed_up_at=signed_up_at,
            active=active,
            support_channel=support_channel,
            choices=choices,
            refuses_reference=reference == "out",
            choice_source=choice_source,
            choice_at=choice_at,
        )

    def _need_a_time(self, choices: tuple[Choice, ...], reference: str) -> None:
        """A choice without its time could not be set against a later one."""
        if self.values["choice_at"] or not (choices or reference == "out"):
            return
        states = {choice.state for choice in choices}
        what = State.GRANTED.value if State.GRANTED in states else "choice"
        self._fault(
            "choice_at",
            f"{what} without a time",
            "A choice is recorded without its time; fill in when it was made.",
        )

    def _fault(self, field: str, problem: str, reason: str) -> None:
        self.faults.append(Fault(field, problem, reason))
