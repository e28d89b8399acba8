"""What a list of people shows: enough to recognise somebody one is talking to, too little to copy.

Whoever needs more opens the person, with a reason (`few-see`).
"""

import phonenumbers

from accounts.models import User

DOTS = "•"


def masked_email(address: str) -> str:
    """`k•••@e••.no` of `kari@example.no`; one length for all, for a length tells names apart."""
    local, at, domain = address.rpartition("@")
    if not at:
        return ""
    name, dot, ending = domain.rpartition(".")
    return f"{local[:1]}{DOTS * 3}@{(name or ending)[:1]}{DOTS * 2}{dot}{ending if dot else ''}"


def masked_phone(number: str) -> str:
    """`+47 ••• •• 678`: the country and the end; nothing of what is no number."""
    try:
        parsed = phonenumbers.parse(str(number))
    except phonenumbers.NumberParseException:
        return ""
    return f"+{parsed.country_code} {DOTS * 3} {DOTS * 2} {str(parsed.national_number)[-3:]}"


def initials(person: User) -> str:
    """`K. N.`; of somebody without a name the beginning of the user name."""
    given = [f"{name.strip()[:1]}." for name in (person.first_name, person.last_name)]
    named = " ".join(each for each in given if each != ".")
    return named or f"{person.username[:1]}{DOTS * 3}"
