"""One check a field: what the text means, or why it cannot be taken and what to do about it.

`problem` is short, the same for all records that share it, and never holds the value; `reason` is
the sentence for the person who puts the record right.
"""

import re
import unicodedata
import zoneinfo
from datetime import UTC, datetime
from functools import cache

import phonenumbers
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django_countries import countries

from accounts.models import SupportChannel
from accounts.policy import NAME_LENGTH, USERNAME_PATTERN
from consent.models import State

COMPANY_LENGTH = 150
EMAIL_LENGTH = 254
SOURCE_LENGTH = 100
LARGEST_ID = 2**63 - 1
# No account, and no choice about mail, is older than the time the export counts from.
EARLIEST = datetime(1970, 1, 2, tzinfo=UTC)

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_LINE_BREAK = re.compile(r"[\n\r\x0b\x0c\x85\u2028\u2029]")
_DIGITS = re.compile(r"[0-9]{1,19}")
_USERNAME = re.compile(USERNAME_PATTERN)
_valid_email = EmailValidator()


class RefusedError(ValueError):
    def __init__(self, problem: str, reason: str) -> None:
        super().__init__(reason)
        self.problem = problem
        self.reason = reason


def refuse_control_characters(text: str) -> None:
    if _LINE_BREAK.search(text):
        raise RefusedError(
            "line break", "It holds a line break, which could inject mail headers; remove it."
        )
    if _CONTROL.search(text):
        raise RefusedError("control characters", "It holds control characters; remove them.")


def whole_number(text: str, largest: int) -> int:
    if not _DIGITS.fullmatch(text) or not 0 < int(text) <= largest:
        raise RefusedError("not a number", "It is not a whole number; write digits only.")
    return int(text)


def customer_number(text: str) -> int:
    return whole_number(text, LARGEST_ID)


def username(text: str) -> str:
    if not _USERNAME.fullmatch(text):
        raise RefusedError(
            "not a user name",
            "A user name has 3 to 60 letters, digits, dots, plus signs, hyphens or underscores; "
            "choose another.",
        )
    return text


def email(text: str) -> str:
    if not text:
        raise RefusedError("empty", "The e-mail address is empty; fill it in.")
    if "@" not in text:
        raise RefusedError("no @", "The e-mail address has no @; write it out.")
    try:
        _valid_email(text)
    except ValidationError:
        raise RefusedError(
            "not an address", "This is no e-mail address that mail can be sent to; correct it."
        ) from None
    if len(text) > EMAIL_LENGTH:
        raise RefusedError("too long", too_long(text, EMAIL_LENGTH))
    return unicodedata.normalize("NFC", text)


def too_long(text: str, limit: int) -> str:
    return f"It has {len(text):,} characters; shorten it to {limit}."


def text_up_to(text: str, limit: int) -> str:
    if len(text) > limit:
        raise RefusedError("too long", too_long(text, limit))
    return unicodedata.normalize("NFC", text)


def name(text: str) -> str:
    return text_up_to(text, NAME_LENGTH)


def company(text: str) -> str:
    return text_up_to(text, COMPANY_LENGTH)


def choice_source(text: str) -> str:
    return text_up_to(text, SOURCE_LENGTH)


def phone(text: str, country: str) -> str:
    """The same test as where a customer types it in; a national number is read as the country's."""
    if not text:
        return ""
    try:
        number = phonenumbers.parse(text, country or None)
        if phonenumbers.is_valid_number(number):
            return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    except phonenumbers.NumberParseException:
        pass
    raise RefusedError(
        "not a phone number",
        "No such phone number can exist; write it with country code, such as +47 22 00 00 00, or "
        "leave it empty.",
    )


@cache
def known_countries() -> frozenset[str]:
    return frozenset(code for code, _ in countries)


def country(text: str) -> str:
    if text and text not in known_countries():
        raise RefusedError(
            "unknown country",
            "This is no country code; write two capital letters as in ISO 3166, such as NO.",
        )
    return text


@cache
def known_timezones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def timezone(text: str) -> str:
    if text and text not in known_timezones():
        raise RefusedError(
            "unknown time zone", "This is no time zone; write one such as Europe/Oslo."
        )
    return text


def one_of(text: str, options: tuple[str, ...], problem: str) -> str:
    if text not in options:
        allowed = " or ".join(option or "nothing" for option in options)
        raise RefusedError(problem, f"Only {allowed} can stand here; choose one of them.")
    return text


LANGUAGES = ("", *(code for code, _ in settings.LANGUAGES))


def language(text: str) -> str:
    return one_of(text, LANGUAGES, "unknown language")


def active(text: str) -> bool:
    return one_of(text, ("1", "0"), "neither 1 nor 0") == "1"


CHOICES = (State.GRANTED.value, State.REFUSED.value, State.WITHDRAWN.value, "")


def choice(text: str) -> str:
    return one_of(text, CHOICES, "unknown choice")


def reference_program(text: str) -> str:
    return one_of(text, ("in", "out", ""), "unknown choice")


CHANNELS = (SupportChannel.EMAIL.value, SupportChannel.PHONE.value)


def support_channel(text: str) -> str:
    return one_of(text or SupportChannel.EMAIL.value, CHANNELS, "unknown channel")


def signed_up_at(text: str, now: datetime) -> datetime:
    seconds = whole_number(text, LARGEST_ID)
    if seconds > now.timestamp():
        raise RefusedError("in the future", "The sign-up lies in the future; correct the time.")
    return datetime.fromtimestamp(seconds, UTC)


def choice_at(text: str, now: datetime) -> datetime | None:
    """A choice dated ahead would win over every later one, so it is refused."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise RefusedError(
            "no such date",
            "There is no such date and time; write it as 2024-02-28T10:00:00+00:00.",
        ) from None
    if moment.tzinfo is None:
        raise RefusedError("no time zone", "The time has no zone; end it with +00:00 or its own.")
    if moment > now:
        raise RefusedError("in the future", "The choice lies in the future; correct the time.")
    if moment < EARLIEST:
        raise RefusedError("too early", "No choice is that old; correct the time.")
    return moment.astimezone(UTC)
