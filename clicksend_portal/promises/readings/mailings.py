"""What leaves, and what it carries: the way out, the welcome, the offers."""

from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP

from django.conf import settings
from django.db.models import Count
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clicksend_portal.promises.promise import Finding, Value
from clicksend_portal.promises.readings import DAYS, one_row, since
from clicksend_portal.promises.readings.permission import LONGEST_WAIT
from clicksend_portal.promises.words import count_text, shown_count
from consent.models import Topic
from consent.topics import DEFAULT_TOPICS
from foundation.ids import uuid7_floor
from messaging.models import Kind, Message
from messaging.rendering import compose
from messaging.sender import Claimed

# Whoever signs up here answers as the account is made; a history that was written down long after
# its moment, as in the demo company, tells of people who came another way.
WELCOMED = """
SELECT count(*), count(*) FILTER (WHERE EXISTS (
           SELECT FROM messaging_message m
            WHERE m.person_id = signed_up.person_id AND m.purpose = 'welcome'
              AND m.id >= %(floor)s))
  FROM (SELECT DISTINCT person_id FROM consent_consentdetail
         WHERE source = 'signup' AND at BETWEEN %(since)s AND %(now)s
           AND at > uuid_extract_timestamp(id) - interval '1 hour') AS signed_up
"""


def read_way_out(now: datetime) -> Finding:
    """`way-out-in-every-mail`: one mail of each campaign and language is composed again, as the
    sender composes it, and looked at."""
    handed = Message.objects.filter(
        id__gte=uuid7_floor(since(now) - LONGEST_WAIT),
        kind=Kind.OPTIONAL,
        handed_at__gte=since(now),
        handed_at__lte=now,
    )
    alike = ("mailing_id", "language")
    numbers = handed.order_by().values(*alike).annotate(number=Count("id"))
    number_of = {(row["mailing_id"], row["language"]): row["number"] for row in numbers}
    with_way_out = 0
    for message in handed.order_by(*alike).distinct(*alike):
        if has_way_out(composed(message)):
            with_way_out += number_of[message.mailing_id, message.language]
    sent = sum(number_of.values())
    # Fewer than five without one must show: what is published as "few" is the number sent.
    return Finding(
        holds=with_way_out == sent,
        value={
            "days": DAYS,
            "sent": shown_count(sent),
            "without_way_out": sent - with_way_out,
        },
    )


def composed(message: Message) -> EmailMessage:
    """The bytes as they left, from the same function that the sender calls, read as mail programs
    do. Name and address of the reader, which may be erased by now, are not those they left with."""
    assert message.handed_at is not None
    fields = set(Claimed.__dataclass_fields__) & {field.name for field in Message._meta.fields}
    values = {name: getattr(message, name) for name in fields}
    claimed = Claimed(**(values | {"to_address": "reader@example.invalid"}))
    wire = compose(claimed, now=message.handed_at)
    return message_from_bytes(wire.body, policy=SMTP)


def has_way_out(mail: EmailMessage) -> bool:
    """RFC 8058 in the headers, and the same address to be read in the text."""
    address = str(mail["List-Unsubscribe"] or "").partition(">")[0].removeprefix("<")
    text = mail.get_body(("plain",))
    return (
        address.startswith(f"{settings.PORTAL_URL}/")
        and mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        and text is not None
        and address in text.get_content()
    )


def tell_way_out(value: Value) -> str:
    return format_html(
        _("<b>{sent}</b> sent in {days} days, <b>{without}</b> of them without a way out."),
        sent=count_text(value["sent"]),
        days=value["days"],
        without=value["without_way_out"],
    )


def read_welcome(now: datetime) -> Finding:
    """`welcome-confirms`: everyone who signed up, and the welcome mail written in the same
    transaction."""
    signed_up, welcomed = one_row(
        WELCOMED, {"since": since(now), "now": now, "floor": uuid7_floor(since(now))}
    )
    return Finding(
        holds=welcomed == signed_up,
        value={
            "days": DAYS,
            "signed_up": shown_count(signed_up),
            "without_welcome": signed_up - welcomed,
        },
    )


def tell_welcome(value: Value) -> str:
    return format_html(
        _("<b>{signed_up}</b> signed up in {days} days, <b>{without}</b> without a welcome mail."),
        signed_up=count_text(value["signed_up"]),
        days=value["days"],
        without=value["without_welcome"],
    )


def read_offers(now: datetime) -> Finding:
    """`offers-optional`: the kinds of mail that the policy names are topics, each with wording in
    both languages, so that each is asked on its own."""
    topics = list(Topic.objects.mail().with_wording())
    named = {slug for _number, slug, kind, *_words in DEFAULT_TOPICS if kind == Topic.Kind.MAIL}
    known = {topic.slug for topic in Topic.objects.filter(kind=Topic.Kind.MAIL)}
    worded = all(
        topic.wording.in_language(field, language)
        for topic in topics
        for field in ("name", "description")
        for language in ("nb", "en")
    )
    return Finding(holds=worded and named <= known, value={"topics": len(topics)})


def tell_offers(value: Value) -> str:
    return format_html(
        ngettext(
            "<b>{topics}</b> kind of optional mail, with a yes or no of its own.",
            "<b>{topics}</b> kinds of optional mail, each with a yes or no of its own.",
            value["topics"],
        ),
        topics=value["topics"],
    )
