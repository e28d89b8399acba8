"""Telephone numbers as people write them, in the one form networks know (E.164)."""

import re
from itertools import groupby

import phonenumbers

# 4.79877E+11: a spreadsheet shortened the number, and its last digits are gone.
_SHORTENED = re.compile(r"[0-9]+[.,][0-9]+E\+?[0-9]+", re.IGNORECASE)
# 98765432.0: a program took the number for an amount.
_AMOUNT = re.compile(r"(\+?[0-9]{6,})[.,]0")
# What people write in front, one word or more, and what a link to a telephone begins with.
_LABEL = re.compile(
    r"^(?:(?:tlf|tel(?:efon|ephone)?|mob(?:ile?)?|phone|cell|[mt](?=[.:\s]))[.:\s]*)+"
    r"(?:nummer|number|nr|no)?[.:\s]*",
    re.IGNORECASE,
)
# `(+47)`, `22`, `33-44`: what stands between two blanks of a number.
_PART = re.compile(r"[+0-9()./\-]*[0-9][+0-9()./\-]*")
COUNTRIES = frozenset(phonenumbers.SUPPORTED_REGIONS)


class BadNumber(ValueError):
    """No telephone number; carries the code of the reason."""


def to_e164(value: str, country: str) -> str:
    """`987 65 432` in Norway is `+4798765432`; a number with its country code needs no country.

    Letters make it something else: the library would find a number inside an order's, and dial them
    as keys.
    """
    value = _LABEL.sub("", value)
    if _SHORTENED.fullmatch(value):
        raise BadNumber("phone_shortened")
    if amount := _AMOUNT.fullmatch(value):
        value = amount[1]
    if any(map(str.isalpha, value)):
        raise BadNumber("phone_unknown")
    try:
        number = phonenumbers.parse(value, country or None)
    except phonenumbers.NumberParseException as error:
        raise BadNumber("phone_unknown") from error
    if not phonenumbers.is_valid_number(number):
        raise BadNumber("phone_unknown")
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def looks_like_number(value: str) -> bool:
    """Digits with what people put between them; whether anyone has it is asked later."""
    digits = sum(character.isdigit() for character in value)
    return 6 <= digits <= 15 and re.fullmatch(r"[+0-9 ()./\-]+", value) is not None


def as_number(words: str, country: str) -> str:
    """The number that is written so; empty if it is none."""
    try:
        return to_e164(words, country)
    except BadNumber:
        return ""


def terms_of(words: str, country: str) -> list[tuple[str, str]]:
    """What is to be found together: each word, and a number as one however it is spaced, with the
    form that networks know; that is empty beside a word."""
    terms: list[tuple[str, str]] = []
    for _same, together in groupby(words.split(), _is_part):
        run = list(together)
        whole = " ".join(run)
        pieces = [whole] if _telephone(whole, country) else run
        terms += [(piece, _telephone(piece, country)) for piece in pieces]
    return terms


def _is_part(word: str) -> bool:
    return _PART.fullmatch(word) is not None


def _telephone(written: str, country: str) -> str:
    """Not the short ones of services: so few digits are rather of an amount or a year."""
    return as_number(written, country) if looks_like_number(written) else ""
