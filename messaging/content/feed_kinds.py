"""What the platform brings in, kind by kind: its fields, and what must fit across them.

The names are those of ClickSend's API. What is not named here is not read: an IP address beside a
message, say, never reaches the database.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from accounts.billing import Unfit, check_invoice, check_transaction
from accounts.models import Transaction
from foundation.addresses import small_letters
from foundation.calendar import month_start, months_later
from messaging.content import feed_fields as read
from messaging.content.feed_fields import BIG, SMALL, Field
from messaging.policy import (
    FEED_AHEAD,
    MESSAGE_CONTENT_MONTHS,
    MESSAGE_RECORD_MONTHS,
    REPORT_MONTHS,
)

type Check = Callable[[dict[str, Any], "Bounds"], None]

CUSTOMER: Final = Field("user_id", read.whole(BIG, lowest=1), required=True)
NAME: Final = read.text(100)
MESSAGE_KINDS: Final = ("sms", "mms", "voice", "email")
TRANSACTION_KINDS: Final = tuple(Transaction.Kind.values)
CONTENT_COLUMNS: Final = ("sent_from", "sent_to", "body", "first_name", "last_name")
# What a message says where it comes in as a record alone. Not even on its way: the words are not to
# be here any more.
WITHOUT_CONTENT: Final[Mapping[str, Any]] = {
    **dict.fromkeys(CONTENT_COLUMNS, ""),
    "contact_id": None,
    "custom_string": "",
    "with_content": False,
}


@dataclass(frozen=True, slots=True)
class Bounds:
    """Between which dates a record comes in, at one moment.

    Messages leave by whole months, so the month decides: what the next night would drop does not
    come in.
    """

    now: datetime
    latest: datetime
    oldest_record: datetime
    oldest_content: datetime

    @classmethod
    def at(cls, now: datetime) -> "Bounds":
        month = month_start(now.astimezone(UTC))
        return cls(
            now=now,
            latest=now + FEED_AHEAD,
            oldest_record=months_later(month, 1 - MESSAGE_RECORD_MONTHS),
            oldest_content=months_later(month, 1 - MESSAGE_CONTENT_MONTHS),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One sort of record. A check may take columns away from those of the fields, and add some."""

    name: str
    table: str
    function: str
    fields: tuple[Field, ...]
    check: Check
    taken_away: tuple[str, ...] = ()
    added: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """As the values of a record stand after its check, behind the number of its line."""
        of_fields = (each.column for each in self.fields if each.column not in self.taken_away)
        return ("line", *of_fields, *self.added)


def check_nothing(values: dict[str, Any], bounds: Bounds) -> None:
    pass


def check_contact(values: dict[str, Any], bounds: Bounds) -> None:
    if not values["phone_number"] and not values["email"]:
        raise Unfit("phone_number", "missing")


def check_opt_out(values: dict[str, Any], bounds: Bounds) -> None:
    """Of a number or an address, in the form in which the customer's lists are compared with."""
    phone, address = values.pop("phone_number"), values.pop("email")
    if bool(phone) == bool(address):
        raise Unfit("phone_number", "one_of_two" if phone else "missing")
    if (since := values["since"]) is not None and since > bounds.latest:
        raise Unfit("date", "in_future")
    values["contact"] = phone or small_letters(address)


def check_message(values: dict[str, Any], bounds: Bounds) -> None:
    """Its person is at the far end; our end may be a name or a short number."""
    date = values["date"]
    if date > bounds.latest:
        raise Unfit("date", "in_future")
    if date < bounds.oldest_record:
        raise Unfit("date", "too_old")
    field, column = ("to", "sent_to") if values["direction"] == "out" else ("from", "sent_from")
    if person := values[column]:
        form = read.EMAIL if values["kind"] == "email" else read.E164
        if not form.fullmatch(person):
            raise Unfit(field, "not_an_email" if form is read.EMAIL else "not_e164")
    values["with_content"] = date >= bounds.oldest_content and (
        any(values[each] for each in CONTENT_COLUMNS)
        or values["contact_id"] is not None
        or values["custom_string"] != ""
    )
    if not values["with_content"]:
        values.update(WITHOUT_CONTENT)


def check_report(values: dict[str, Any], bounds: Bounds) -> None:
    if values["date"] > bounds.latest:
        raise Unfit("date", "in_future")
    today = bounds.now.astimezone(UTC).date()
    if months_later(values["date"].date(), REPORT_MONTHS) <= today:
        raise Unfit("date", "too_old")


def check_bill(check: Callable[[dict[str, Any], datetime], None], ended: str) -> Check:
    def both(values: dict[str, Any], bounds: Bounds) -> None:
        for name in ("date", ended):
            if values[name] is not None and values[name] > bounds.latest.date():
                raise Unfit(name, "in_future")
        check(values, bounds.now)

    return both


ALL: Final = (
    Kind(
        name="contact-lists",
        table="feed_contact_lists",
        function="messaging_take_contact_lists",
        fields=(
            CUSTOMER,
            Field("list_id", read.whole(BIG), required=True),
            Field("list_name", read.text(120, least=1), required=True),
        ),
        check=check_nothing,
    ),
    Kind(
        name="contacts",
        table="feed_contacts",
        function="messaging_take_contacts",
        fields=(
            CUSTOMER,
            Field("list_id", read.whole(BIG), required=True),
            Field("contact_id", read.whole(BIG), required=True),
            Field("phone_number", read.phone_number),
            Field("email", read.email),
            Field("first_name", NAME),
            Field("last_name", NAME),
            Field("organization_name", read.text(150)),
            *(Field(f"custom_{n}", read.text(200)) for n in range(1, 5)),
            Field("address_line_1", read.text(150)),
            Field("address_line_2", read.text(150)),
            Field("address_city", NAME),
            Field("address_state", NAME),
            Field("address_postal_code", read.text(20)),
            Field("address_country", read.country),
        ),
        check=check_contact,
    ),
    Kind(
        name="opt-outs",
        table="feed_opt_outs",
        function="messaging_take_opt_outs",
        fields=(
            CUSTOMER,
            Field("phone_number", read.phone_number),
            Field("email", read.email),
            Field("date", read.moment, empty=None, column="since"),
        ),
        check=check_opt_out,
        taken_away=("phone_number", "email"),
        added=("contact",),
    ),
    Kind(
        name="message-records",
        table="feed_message_records",
        function="messaging_take_message_records",
        fields=(
            CUSTOMER,
            Field("message_id", read.text(64, least=1), required=True),
            Field("kind", read.choice(*MESSAGE_KINDS), empty="sms"),
            Field("direction", read.choice("out", "in"), required=True),
            Field("date", read.moment, required=True),
            Field("status", read.text(40)),
            # A line that leaves these out takes nothing back: what is here stays, and of a new
            # message it is one part for nothing.
            Field("message_parts", read.whole(SMALL), empty=None),
            Field("message_price", read.amount(12, 4), empty=None),
            Field("currency", read.currency),
            Field("country", read.country),
            Field("carrier", read.text(60)),
            Field("list_id", read.whole(BIG), empty=None),
            Field("from", read.text(320), column="sent_from"),
            Field("to", read.text(320), column="sent_to"),
            Field("body", read.text(100_000)),
            Field("first_name", NAME),
            Field("last_name", NAME),
            Field("contact_id", read.whole(BIG), empty=None),
            Field("custom_string", read.text(200)),
        ),
        check=check_message,
        added=("with_content",),
    ),
    Kind(
        name="reports",
        table="feed_reports",
        function="messaging_take_reports",
        fields=(
            CUSTOMER,
            Field("report_id", read.whole(BIG), required=True),
            Field("report_name", read.text(150, least=1), required=True),
            Field("date", read.moment, required=True),
            Field("content", read.document, empty="{}"),
        ),
        check=check_report,
    ),
    Kind(
        name="invoices",
        table="feed_invoices",
        function="accounts_take_invoices",
        fields=(
            CUSTOMER,
            Field("invoice_number", read.text(40, least=1), required=True),
            Field("billed_to", read.text(300)),
            Field("amount", read.amount(12, 2), required=True),
            Field("currency", read.required_currency, required=True),
            Field("date", read.day, required=True),
            Field("settled_on", read.day, empty=None),
            Field("legal_entity", read.legal_entity),
        ),
        check=check_bill(check_invoice, "settled_on"),
        added=("too_old_for",),
    ),
    Kind(
        name="transactions",
        table="feed_transactions",
        function="accounts_take_transactions",
        fields=(
            CUSTOMER,
            Field("transaction_id", read.text(64, least=1), required=True),
            Field("invoice_number", read.text(40)),
            Field("kind", read.choice(*TRANSACTION_KINDS), required=True),
            Field("amount", read.amount(14, 4), required=True),
            Field("currency", read.required_currency, required=True),
            Field("date", read.day, required=True),
            Field("ended_on", read.day, empty=None),
            Field("legal_entity", read.legal_entity),
        ),
        check=check_bill(check_transaction, "ended_on"),
        added=("too_old_for",),
    ),
)
KINDS: Final = {kind.name: kind for kind in ALL}
