"""One line of a customer's file as a contact, or what is wrong with it. Asks no database."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils import translation
from django_countries import countries

from consent.imports.columns import restore
from messaging.content.columns import FIELDS
from messaging.content.phones import BadNumber, to_e164
from messaging.models import Contact

LENGTHS = {name: int(getattr(Contact._meta.get_field(name), "max_length", 0)) for name in FIELDS}
_BLANK = re.compile(r"[\s\x00-\x1f\x7f]+")


class Fault(NamedTuple):
    """Why a line is not taken: which column of the file, what stands there, the reason's code."""

    place: int | None
    value: str
    reason: str


@dataclass(frozen=True, slots=True)
class Reader:
    """How the lines of one file are understood."""

    mapping: Mapping[str, str]
    country: str

    def place_of(self, field: str) -> int | None:
        return next((int(place) for place, name in self.mapping.items() if name == field), None)

    def read(self, cells: Sequence[str]) -> tuple[dict[str, str], list[Fault]]:
        """The contact's fields as far as the line fills them; all its faults at once."""
        values: dict[str, str] = {}
        faults: list[Fault] = []
        for place, field in self.mapping.items():
            cell = clean(cells[int(place)]) if int(place) < len(cells) else ""
            if not cell:
                continue
            try:
                values[field] = understand(field, cell, self.country)
            except Unfit as unfit:
                faults.append(Fault(int(place), cell, unfit.reason))
        if not faults and not values.get("phone_number") and not values.get("email"):
            faults.append(Fault(None, "", "unreachable"))
        return values, faults


class Unfit(ValueError):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def clean(cell: str) -> str:
    """One line without hidden signs, and without the apostrophe our own files may have added."""
    return _BLANK.sub(" ", restore(cell)).strip()


def understand(field: str, value: str, country: str) -> str:
    """The value as it is kept; raises `Unfit` with the reason."""
    if field == "phone_number":
        try:
            value = to_e164(value, country)
        except BadNumber as bad:
            raise Unfit(str(bad)) from bad
    elif field == "email":
        value = checked_address(value)
    elif field == "address_country":
        value = country_code(value)
    if len(value) > LENGTHS[field]:
        raise Unfit("too_long")
    return value


def checked_address(value: str) -> str:
    value = value.removeprefix("mailto:")
    try:
        validate_email(value)
    except ValidationError:
        raise Unfit("email_unknown") from None
    return value


def country_code(value: str) -> str:
    """`NO`, `Norge` and `Norway` are one country."""
    code = value.upper() if len(value) == 2 else countries_by_name().get(value.casefold(), "")
    if code not in countries:
        raise Unfit("country_unknown")
    return code


@cache
def countries_by_name() -> dict[str, str]:
    found: dict[str, str] = {}
    for language in ("nb", "en"):
        with translation.override(language):
            found |= {str(name).casefold(): code for code, name in countries}
    return found
