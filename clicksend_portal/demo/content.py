"""What the demo customer keeps with the portal: lists, messages of some months, reports, bills.

It comes in as the platform's own would, through the feed. Telephone numbers are those kept free for
fiction in Sweden and Britain; Norway keeps none free, so Norwegian contacts have addresses only.
"""

import json
import random
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from accounts.models import User
from clicksend_portal.demo.people import BRITAIN, NORWAY, SWEDEN, Land
from foundation.calendar import month_start, months_later
from messaging.content.feed import take_in

MONTHS = 8
MESSAGES_A_MONTH = 45
NEWS, PICK_UP = 61, 62
LISTS = {NEWS: "Kunder, nyhetsbrev", PICK_UP: "Hentemelding, Sverige og Storbritannia"}
ASCII = str.maketrans("æøåäöéÆØÅÄÖ", "eoaaoeEOAAO")
SHOPS = ("kafe-lysning", "bergen-blomster", "fjellsport", "havnekontoret", "tonerom", "strikkebua")
READY = (
    "Hej {first}! Din beställning {order} är klar och kan hämtas på Torget 4. Nordmann Trykk",
    "Hi {first}, your order {order} is printed and on its way. Nordmann Trykk",
)
NEWSLETTERS = (
    "Hei {first}. Bestill julekortene før 1. desember, så rekker posten frem. Hilsen Kari",
    "Hei {first}. Nå trykker vi plakater på resirkulert papir, til samme pris. Hilsen Kari",
    "Hei {first}. Vi holder stengt fra fredag kl. 15 og åpner igjen mandag. Hilsen Kari",
)
ANSWERS = ("Tack!", "Thanks, see you tomorrow.", "Kan jag hämta på lördag?", "Great, thank you")


def make_content(customer: User, *, now: datetime) -> None:
    """The same every time for the same day; sent in again it changes nothing."""
    chance = random.Random("own content")
    contacts = [*make_contacts(chance)]
    messages = [*make_messages(contacts, chance, now=now)]
    kinds: dict[str, Iterable[dict[str, Any]]] = {
        "contact-lists": ({"list_id": key, "list_name": name} for key, name in LISTS.items()),
        "contacts": contacts,
        "opt-outs": make_opt_outs(now=now),
        "message-records": messages,
        "reports": make_reports(chance, now=now),
        "invoices": (invoice for invoice, _charge in make_bills(customer, now=now)),
        "transactions": (charge for _invoice, charge in make_bills(customer, now=now)),
    }
    for kind, records in kinds.items():
        lines = (json.dumps({"user_id": customer.platform_id, **each}).encode() for each in records)
        take_in(kind, lines, now=now)


def make_contacts(chance: random.Random) -> Iterator[dict[str, Any]]:
    lands: tuple[tuple[Land, int, int], ...] = (
        (NORWAY, NEWS, 180),
        (SWEDEN, PICK_UP, 90),
        (BRITAIN, PICK_UP, 60),
    )
    number = 0
    for land, list_id, size in lands:
        for index in range(size):
            number += 1
            first = chance.choice(land.first_names.split())
            last = chance.choice(land.last_names.split())
            plain = f"{first}.{last}{number}".translate(ASCII).lower()
            pattern, start = land.phones
            yield {
                "contact_id": 9000 + number,
                "list_id": list_id,
                "first_name": first,
                "last_name": last,
                "phone_number": pattern.format(start + index) if pattern else "",
                "email": f"{plain}@{chance.choice(SHOPS)}.example" if land is NORWAY else "",
                "custom_1": chance.choice(("Visittkort", "Plakater", "Postkort", "Brosjyrer")),
                "address_country": land.code,
            }


def make_opt_outs(*, now: datetime) -> Iterator[dict[str, Any]]:
    for number, name in enumerate(("aud.berg", "per.dahl", "randi.vik", "emil.moen")):
        since = now - timedelta(days=20 + 60 * number)
        yield {"email": f"{name}@bergen-blomster.example", "date": since.isoformat()}
    yield {
        "phone_number": BRITAIN.phones[0].format(999),
        "date": (now - timedelta(days=5)).isoformat(),
    }


def make_messages(
    contacts: list[dict[str, Any]], chance: random.Random, *, now: datetime
) -> Iterator[dict[str, Any]]:
    for back in range(MONTHS):
        begin = months_later(month_start(now), -back)
        end = min(months_later(begin, 1), now)
        for number in range(MESSAGES_A_MONTH):
            contact = chance.choice(contacts)
            date = begin + (end - begin) * chance.random()
            yield message(contact, f"demo-{begin:%Y%m}-{number:03}", date, chance)


def message(
    contact: dict[str, Any], key: str, date: datetime, chance: random.Random
) -> dict[str, Any]:
    """A text to a number, sometimes an answer from it; an email where there is no number."""
    ours, theirs = "Nordmann", contact["phone_number"]
    sms = bool(theirs)
    comes_in = sms and chance.random() < 0.12
    if not sms:
        ours, theirs = "kari@nordmann-trykk.example", contact["email"]
    texts: tuple[str, ...] = ANSWERS if comes_in else NEWSLETTERS
    if sms and not comes_in:
        texts = (READY[contact["address_country"] == "GB"],)
    text = chance.choice(texts)
    order = f"NT-{chance.randrange(2000, 9999)}"
    sender, receiver = (theirs, ours) if comes_in else (ours, theirs)
    return {
        "message_id": key,
        "kind": "sms" if sms else "email",
        "direction": "in" if comes_in else "out",
        "date": date.isoformat(),
        "status": "received" if comes_in else chance.choice(("delivered",) * 14 + ("failed",)),
        "message_price": "0" if comes_in else ("0.4900" if sms else "0.0120"),
        "currency": "NOK",
        "country": contact["address_country"],
        "list_id": contact["list_id"],
        "contact_id": contact["contact_id"],
        "from": sender,
        "to": receiver,
        "body": text.format(first=contact["first_name"], order=order),
        "first_name": contact["first_name"],
        "last_name": contact["last_name"],
        "custom_string": order if sms else "",
    }


def make_reports(chance: random.Random, *, now: datetime) -> Iterator[dict[str, Any]]:
    for back in range(1, 13):
        month = months_later(month_start(now), -back)
        sent = MESSAGES_A_MONTH - chance.randrange(6)
        failed = chance.randrange(4)
        yield {
            "report_id": 300 + back,
            "report_name": f"Månedsrapport {month:%m.%Y}",
            "date": months_later(month, 1).isoformat(),
            "content": {"Sendt": sent, "Levert": sent - failed, "Feilet": failed},
        }


def make_bills(customer: User, *, now: datetime) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """A bill a month and its payment two weeks later; the latest is still open."""
    for back in range(1, MONTHS):
        day = months_later(month_start(now), 1 - back).date()
        ended = None if back == 1 else (day + timedelta(days=14)).isoformat()
        common = {
            "invoice_number": f"{day:%Y-%m}-{customer.platform_id}",
            "amount": f"{149 + 37 * (back % 5)}.00",
            "currency": "NOK",
            "date": day.isoformat(),
        }
        billed = f"{customer.company}, Torget 4, 5014 Bergen"
        charge = {"transaction_id": f"tx-{day:%Y%m}-{customer.platform_id}", "kind": "charge"}
        yield (
            {**common, "billed_to": billed, "settled_on": ended},
            {**common, **charge, "ended_on": ended},
        )
