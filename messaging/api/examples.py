"""The examples of the feed's schema. The tests run them all, in this order."""

import json
from typing import Any, Final

from drf_spectacular.utils import OpenApiExample

from consent.api.schema import answer

DATE: Final = "2026-11-02T09:30:00Z"


def lines(name: str, *records: dict[str, Any]) -> OpenApiExample:
    """A body as it is sent: one record a line."""
    body = "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in records)
    return OpenApiExample(name, value=body, request_only=True, media_type="application/x-ndjson")


def taken(count: int) -> OpenApiExample:
    return answer("All of them", {"taken": count, "unchanged": 0, "bad": [], "bad_lines": 0})


SOME_BAD = answer(
    "One of them is bad",
    {
        "taken": 1,
        "unchanged": 0,
        "bad": [{"line": 2, "field": "date", "reason": "too_old"}],
        "bad_lines": 1,
    },
)

OF: Final[dict[str, list[OpenApiExample]]] = {
    "contact-lists": [
        lines("A list", {"user_id": 200731, "list_id": 61, "list_name": "Kunder i Bergen"}),
        taken(1),
    ],
    "contacts": [
        lines(
            "A contact",
            {
                "user_id": 200731,
                "list_id": 61,
                "contact_id": 9001,
                "phone_number": "+4798765432",
                "email": "kari@shop.example",
                "first_name": "Kari",
                "last_name": "Nordmann",
                "organization_name": "Nordmann AS",
                "custom_1": "Gull",
                "address_city": "Bergen",
                "address_country": "NO",
            },
        ),
        taken(1),
    ],
    "opt-outs": [
        lines(
            "A number and an address",
            {"user_id": 200731, "phone_number": "+4798765432", "date": DATE},
            {"user_id": 200731, "email": "ola@shop.example"},
        ),
        taken(2),
    ],
    "message-records": [
        lines(
            "Out, in, and one that is too old",
            {
                "user_id": 200731,
                "message_id": "BF7AD270-0DE2-418B-B606-71D527D9C1AE",
                "direction": "out",
                "date": 1793611800,
                "from": "Nordmann",
                "to": "+4798765432",
                "body": "Hei, bestillingen din er klar.",
                "status": "Delivered",
                "message_parts": 1,
                "message_price": "0.0770",
                "currency": "NOK",
                "country": "NO",
                "carrier": "Telenor",
                "list_id": 61,
                "contact_id": 9001,
                "first_name": "Kari",
                "last_name": "Nordmann",
                "custom_string": "ordre 4711",
            },
            {
                "user_id": 200731,
                "message_id": "0A2C",
                "direction": "out",
                "date": "2011-11-02T09:30:00Z",
            },
        ),
        SOME_BAD,
    ],
    "reports": [
        lines(
            "A report",
            {
                "user_id": 200731,
                "report_id": 5,
                "report_name": "Oktober",
                "date": DATE,
                "content": {"sent": 1200, "delivered": 1187},
            },
        ),
        taken(1),
    ],
    "invoices": [
        lines(
            "An invoice",
            {
                "user_id": 200731,
                "invoice_number": "2026-10-1131",
                "billed_to": "Nordmann AS, Torget 1, 5014 Bergen",
                "amount": "924.00",
                "currency": "NOK",
                "date": "2026-10-31",
                "settled_on": None,
                "legal_entity": "no",
            },
        ),
        taken(1),
    ],
    "transactions": [
        lines(
            "A charge",
            {
                "user_id": 200731,
                "transaction_id": "tx-88120",
                "invoice_number": "2026-10-1131",
                "kind": "charge",
                "amount": "924.00",
                "currency": "NOK",
                "date": "2026-11-02",
                "ended_on": "2026-11-02",
            },
        ),
        taken(1),
    ],
}
