"""The lines of the feed for the schema; `messaging.content.feed_kinds` reads them.

`tests/api/test_platform_schema.py` holds both to the same fields.
"""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from messaging.content.feed_fields import BIG, SMALL
from messaging.content.feed_kinds import MESSAGE_KINDS, TRANSACTION_KINDS
from messaging.content.feed_lines import REASONS

E164 = r"^\+[1-9][0-9]{6,14}$"


@extend_schema_field(
    {
        "oneOf": [{"type": "integer"}, {"type": "string", "format": "date-time"}],
        "description": "Seconds since 1970, or ISO 8601 with its zone.",
    }
)
class Moment(serializers.Field[Any, Any, Any, Any]):
    pass


@extend_schema_field(
    {
        "oneOf": [{"type": "string", "format": "decimal"}, {"type": "number"}],
        "description": "Exactly, without an exponent.",
    }
)
class Amount(serializers.Field[Any, Any, Any, Any]):
    pass


def text(most: int, **options: Any) -> serializers.CharField:
    options = {"required": False, "allow_blank": True} | options
    return serializers.CharField(max_length=most, **options)


def needed(most: int, **options: Any) -> serializers.CharField:
    return serializers.CharField(max_length=most, **options)


def number(**options: Any) -> serializers.IntegerField:
    return serializers.IntegerField(min_value=0, max_value=BIG, **options)


def code(length: int, name: str) -> serializers.RegexField:
    return serializers.RegexField(
        f"^[A-Z]{{{length}}}$", required=False, allow_blank=True, help_text=name
    )


def phone(**options: Any) -> serializers.RegexField:
    return serializers.RegexField(E164, required=False, allow_blank=True, help_text="E.164.")


class LineSerializer(serializers.Serializer[Any]):
    user_id = serializers.IntegerField(
        min_value=1, max_value=BIG, help_text="The customer's number on the platform."
    )


class ContactListLineSerializer(LineSerializer):
    list_id = number()
    list_name = needed(120)


class ContactLineSerializer(LineSerializer):
    list_id = number(help_text="Of a list that came in before.")
    contact_id = number()
    phone_number = phone()
    email = text(320, help_text="One of `phone_number` and `email` must be there.")
    first_name = text(100)
    last_name = text(100)
    organization_name = text(150)
    custom_1 = text(200)
    custom_2 = text(200)
    custom_3 = text(200)
    custom_4 = text(200)
    address_line_1 = text(150)
    address_line_2 = text(150)
    address_city = text(100)
    address_state = text(100)
    address_postal_code = text(20)
    address_country = code(2, "ISO 3166.")


class OptOutLineSerializer(LineSerializer):
    phone_number = phone()
    email = text(320, help_text="Either this or `phone_number`.")
    date = Moment(required=False, allow_null=True)


class MessageRecordLineSerializer(LineSerializer):
    message_id = needed(64)
    kind = serializers.ChoiceField(MESSAGE_KINDS, default="sms")
    direction = serializers.ChoiceField(["out", "in"])
    date = Moment(help_text="With `message_id` it names the message: it never changes.")
    status = text(40)
    message_parts = serializers.IntegerField(
        min_value=0, max_value=SMALL, required=False, help_text="1 where no line said it."
    )
    message_price = Amount(
        required=False, help_text="8 digits before the point, 4 behind it; 0 where none said it."
    )
    currency = code(3, "ISO 4217.")
    country = code(2, "ISO 3166.")
    carrier = text(60)
    list_id = number(required=False, allow_null=True)
    to = text(320, help_text="E.164 of an outgoing message; an address where `kind` is `email`.")
    body = text(100_000)
    first_name = text(100)
    last_name = text(100)
    contact_id = number(required=False, allow_null=True)
    custom_string = text(200)


# A word of Python's own.
MessageRecordLineSerializer._declared_fields["from"] = text(
    320, help_text="A name or a number; E.164 of an incoming message."
)


class ReportLineSerializer(LineSerializer):
    report_id = number()
    report_name = needed(150)
    date = Moment()
    content = serializers.DictField(required=False)


class InvoiceLineSerializer(LineSerializer):
    invoice_number = needed(40)
    billed_to = text(300, help_text="Without it, the company or the name of the account.")
    amount = Amount(help_text="10 digits before the point, 2 behind it.")
    currency = serializers.RegexField("^[A-Z]{3}$", help_text="ISO 4217.")
    date = serializers.DateField()
    settled_on = serializers.DateField(
        required=False, allow_null=True, help_text="From then on it is kept for up to 7 years."
    )
    legal_entity = text(8, help_text="Our company that made it out; else that of the account.")


class TransactionLineSerializer(LineSerializer):
    transaction_id = needed(64)
    invoice_number = text(40)
    kind = serializers.ChoiceField(TRANSACTION_KINDS)
    amount = Amount(help_text="10 digits before the point, 4 behind it.")
    currency = serializers.RegexField("^[A-Z]{3}$", help_text="ISO 4217.")
    date = serializers.DateField()
    ended_on = serializers.DateField(
        required=False, allow_null=True, help_text="From then on it is kept for up to 7 years."
    )
    legal_entity = text(8, help_text="Our company it is with; else that of the account.")


class BadLineSerializer(serializers.Serializer[Any]):
    line = serializers.IntegerField(min_value=1, help_text="Counted from 1, empty lines too.")
    field = serializers.CharField(
        allow_blank=True, help_text="Empty where the line as a whole is meant."
    )
    reason = serializers.ChoiceField(REASONS, help_text="For programs; never translated.")


class TakenSerializer(serializers.Serializer[Any]):
    """Every line that is not empty is taken, unchanged or bad."""

    taken = serializers.IntegerField(min_value=0, help_text="New here, or changed.")
    unchanged = serializers.IntegerField(min_value=0, help_text="Already here as they are.")
    bad = BadLineSerializer(many=True, help_text="The first 1,000 of them.")
    bad_lines = serializers.IntegerField(min_value=0, help_text="How many there are in all.")
