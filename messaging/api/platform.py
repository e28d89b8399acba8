"""What the platform brings in: one address for each kind of record, each body read line by line."""

from collections.abc import Callable
from typing import Any, ClassVar

import structlog
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from consent.api.authentication import ServiceKeyAuthentication
from consent.api.base import ApiView
from consent.api.errors import Busy
from consent.api.schema import RETRY_AFTER
from consent.models import ServiceKey
from messaging.api import examples
from messaging.api import serializers as lines
from messaging.api.bodies import MEDIA_TYPE, read_lines
from messaging.content.feed import FeedBusy, take_in
from messaging.policy import FEED_BAD_SHOWN, FEED_BODY_BYTES, FEED_LINE_BYTES

log = structlog.get_logger(__name__)

ALL_OF_THEM = f"""Scope `platform`. One JSON object a line (NDJSON), UTF-8, a line up to
{FEED_LINE_BYTES // 1024} kB, a body up to {FEED_BODY_BYTES // 1024**2} MB unpacked;
`Content-Encoding: gzip` and chunked bodies are taken. Fields that are not named here are not read.
A bad line is reported by its number and the rest goes in, the first {FEED_BAD_SHOWN:,} of them by
name. Lines are committed some thousands at a time: after any error send the whole body again,
what is here already counts as `unchanged`."""


class NdjsonParser(BaseParser):
    """For the schema: the view reads the body itself, as it comes."""

    media_type = MEDIA_TYPE


class Feed(ApiView):
    """Its subclasses, one for each kind, are made below."""

    authentication_classes = [ServiceKeyAuthentication]
    parser_classes = [NdjsonParser]
    scopes: ClassVar[dict[str, str]] = {"POST": ServiceKey.Scope.PLATFORM.value}
    # Whom a restored database shows may be erased; once it is replayed, they are.
    closed_in_standstill = ("POST",)
    as_pages = True
    most_bytes = FEED_BODY_BYTES
    is_by_lines = True
    kind: ClassVar[str]

    def post(self, request: Request) -> Response:
        try:
            taken = take_in(self.kind, read_lines(request._request), now=timezone.now())
        except FeedBusy as error:
            log.warning("feed_busy", kind=self.kind, why=str(error.__cause__))
            raise Busy from error
        log.info(
            "feed_taken",
            kind=self.kind,
            taken=taken.taken,
            unchanged=taken.unchanged,
            bad=taken.bad_lines,
        )
        return Response(taken.as_json())


def feed_of(
    kind: str, line: type[serializers.Serializer[Any]], summary: str, more: str = ""
) -> type[Feed]:
    class FeedOfKind(Feed):
        pass

    FeedOfKind.kind = kind
    described: Callable[[type[Feed]], type[Feed]] = extend_schema_view(
        post=extend_schema(
            operation_id=f"bring_{kind.replace('-', '_')}",
            summary=summary,
            description="\n\n".join(filter(None, (ALL_OF_THEM, more))),
            tags=["The platform"],
            parameters=[RETRY_AFTER],
            request=line,
            responses={200: lines.TakenSerializer},
            examples=examples.OF[kind],
        )
    )
    return described(FeedOfKind)


FEEDS = {
    "contact-lists": feed_of(
        "contact-lists",
        lines.ContactListLineSerializer,
        "Contact lists of customers",
        "Known by `user_id` and `list_id`; a new name replaces the former.",
    ),
    "contacts": feed_of(
        "contacts",
        lines.ContactLineSerializer,
        "Contacts in customers' lists",
        "Known by `user_id` and `contact_id`; all of a contact is replaced. A number or an "
        "address stands in a list once.",
    ),
    "opt-outs": feed_of(
        "opt-outs",
        lines.OptOutLineSerializer,
        "Contacts who said no to a customer",
        "About that customer's lists alone, never ours. The earliest date stays.",
    ),
    "message-records": feed_of(
        "message-records",
        lines.MessageRecordLineSerializer,
        "Messages of customers, with their content",
        "Known by `user_id`, `message_id` and `date`, which must never change: under another date "
        "it is another message. Status, parts, price, currency, country and carrier may change "
        "later and stay where a line leaves them out; of a message that a legal hold keeps the "
        "status alone may; a message that has arrived does not wait again. What it said, "
        "to whom and from whom comes in with the first line about it or never, and only while it "
        "is kept: this month and the three before. Of a period that its customer had de-identified "
        "the record comes in without it. Records are kept for seven years.",
    ),
    "reports": feed_of(
        "reports",
        lines.ReportLineSerializer,
        "Reports about customers' sending",
        "Known by `user_id` and `report_id`; kept for two years from `date`.",
    ),
    "invoices": feed_of(
        "invoices",
        lines.InvoiceLineSerializer,
        "Invoices",
        "Known by `invoice_number`, which belongs to one customer for ever. Replaced, but "
        "`billed_to`, `legal_entity` and `settled_on` stay where a line leaves them out; what a "
        "legal hold keeps takes its end alone.",
    ),
    "transactions": feed_of(
        "transactions",
        lines.TransactionLineSerializer,
        "Payments and charges",
        "Known by `transaction_id`, which belongs to one customer for ever. Replaced, but "
        "`legal_entity` and `ended_on` stay where a line leaves them out; what a legal hold keeps "
        "takes its end alone.",
    ),
}
