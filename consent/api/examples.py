"""The examples of the schema. `tests/api/test_examples.py` makes their world and runs them all."""

from drf_spectacular.utils import OpenApiExample, OpenApiParameter

from consent.api.schema import answer, example

SLUG = OpenApiParameter(
    "slug",
    str,
    OpenApiParameter.PATH,
    description="The short name of a topic.",
    examples=[OpenApiExample("Newsletter", value="newsletter")],
)

NEWSLETTER = {
    "slug": "newsletter",
    "kind": "mail",
    "name": "Newsletter",
    "description": "About once a month: what happens at ClickSend and in the trade.",
    "state": "granted",
    "since": "2026-03-12T09:30:00Z",
    "source": "signup",
    "paused_until": None,
    "may_receive": True,
}
STOPPED = {
    **NEWSLETTER,
    "state": "withdrawn",
    "since": "2026-11-22T14:05:09.123456Z",
    "source": "app",
    "may_receive": False,
}

LIST = [answer("Preferences", {"preferences": [NEWSLETTER]})]
READ = [answer("Preference", NEWSLETTER)]
CHANGE = [
    example("No", {"choice": "no"}),
    example("Yes", {"choice": "yes"}),
    example("Pause", {"pause_months": 3}),
    answer("Stopped", STOPPED),
    answer("Yes, to be confirmed", {**STOPPED, "confirmation": "sent"}, status="202"),
]
PERMISSION = [
    example(
        "Four addresses",
        {
            "topic": "newsletter",
            "addresses": ["kari@shop.example", "ola@shop.example", "nobody@shop.example", "?"],
        },
    ),
    answer(
        "Four answers",
        {
            "answers": [
                {"address": "kari@shop.example", "may": True, "why": "may"},
                {"address": "ola@shop.example", "may": False, "why": "said_no"},
                {"address": "nobody@shop.example", "may": False, "why": "not_asked"},
                {"address": "?", "may": False, "why": "malformed"},
            ]
        },
    ),
]
CHANGES = [
    answer(
        "One change",
        {
            "changes": [
                {
                    "index": 41,
                    "customer": "019a8c6e-7a55-7c3e-9d6b-2f0c1d9a4e11",
                    "customer_number": 200731,
                    "topic": "newsletter",
                    "state": "withdrawn",
                    "paused_until": None,
                    "at": "2026-11-22T14:05:09.123456Z",
                    "source": "one_click",
                }
            ],
            "next": 41,
            "more": False,
        },
    )
]
OPT_OUT = [
    example(
        "One topic",
        {
            "address": "kari@shop.example",
            "topic": "newsletter",
            "reason": "Said so to our support, ticket 4711",
        },
    ),
    example("All optional mail", {"address": "kari@shop.example", "all": True}),
    answer("Received", {"received": True}, status="202"),
]
REFERENCES = [
    answer(
        "One customer",
        {
            "references": [
                {
                    "id": "019a8c6e-7a55-7c3e-9d6b-2f0c1d9a4e11",
                    "activity": "quote",
                    "activity_name": "Quote",
                    "title": "Nordmann Trykk",
                    "text": "Customers collect their prints the same day, since we text them.",
                    "language": "en",
                    "since": "2026-11-02T09:30:00Z",
                }
            ]
        },
    )
]
