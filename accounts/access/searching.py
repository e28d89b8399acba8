"""Finding a customer by something they said: exactly, or not at all.

No beginnings, no names: a search that takes parts is a way of reading the list of customers.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime

import phonenumbers
from django.db.models import Q

from accounts.access.services import record_search
from accounts.models import User
from accounts.models.access import LookUp

# `platform_id` is a bigint; longer digits are no customer number.
NUMBER_LENGTH = 18
HOME = "NO"


@dataclass(frozen=True, slots=True)
class Found:
    by: LookUp.By
    people: list[User]


def find_exactly(term: str) -> Found:
    """Customers with this e-mail address, phone number, customer number or key."""
    term = term.strip()
    customers = User.objects.customers()
    if "@" in term:
        return Found(LookUp.By.EMAIL, list(customers.with_address(term)))
    number = as_phone(term)
    if (key := as_key(term)) is not None:
        people = list(customers.filter(key))
        if people or not number:
            return Found(LookUp.By.KEY, people)
    if not number:
        return Found(LookUp.By.KEY, [])
    return Found(LookUp.By.PHONE, list(customers.filter(phone=number)))


def search(term: str, *, staff: User, now: datetime) -> list[User]:
    """The same, written down: that it was looked for, and for whoever was found that they were."""
    found = find_exactly(term)
    record_search(staff, by=found.by, found=found.people, now=now)
    return found.people


def as_key(term: str) -> Q | None:
    if term.isdecimal() and len(term) <= NUMBER_LENGTH:
        return Q(platform_id=int(term))
    try:
        return Q(pk=uuid.UUID(term))
    except ValueError:
        return None


def as_phone(term: str) -> str:
    """As it is stored (E.164); a number without its country is a Norwegian one."""
    try:
        number = phonenumbers.parse(f"+{term[2:]}" if term.startswith("00") else term, HOME)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_possible_number(number):
        return ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
