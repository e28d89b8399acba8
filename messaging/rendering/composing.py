"""From a claimed row to the bytes on the wire.

Campaigns and announcements are put together from parts that were encoded once per mailing and
language; account mail, and addresses that a header cannot carry as they stand, are written by the
standard library. Both ways give the same bytes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from unicodedata import category
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist
from django.template import TemplateSyntaxError

from consent.models import Topic
from consent.tokens import RecipientToken, sign_token
from messaging.dkim import sign
from messaging.models import Campaign, Kind, Mailing, ServiceAnnouncement
from messaging.rendering.addresses import is_plain, sender_address, wire_address
from messaging.rendering.errors import CannotCompose
from messaging.rendering.framing import frame
from messaging.rendering.kinds import Source, headers_of, sender_of
from messaging.rendering.mail import PortalMail
from messaging.rendering.prepared import Prepared, Rendered, prepare
from messaging.rendering.skeleton import Skeleton
from messaging.rendering.values import Person, one_line
from messaging.sending.claims import Claimed


@dataclass(frozen=True, slots=True)
class Wire:
    """One message ready for SMTP: complete, CRLF, not yet dot-stuffed."""

    sender: str
    recipient: str
    body: bytes
    international: bool  # needs SMTPUTF8 (RFC 6531)


@dataclass(frozen=True, slots=True)
class Ready:
    """A mailing in one language, rendered and encoded but for the personal parts."""

    prepared: Prepared
    source: Source | None
    skeleton: Skeleton


# A mailing that is being sent no longer changes (an edit cancels its approval), nor do a topic's
# number and slug: what is prepared stays right for the life of a worker.
@lru_cache(maxsize=64)
def ready(kind: str, mailing_id: UUID, language: str) -> Ready:
    mailing: Mailing
    source = None
    if kind == Kind.OPTIONAL:
        mailing = campaign = Campaign.objects.select_related("topic").get(pk=mailing_id)
        source = Source.of(campaign)
    else:
        mailing = ServiceAnnouncement.objects.get(pk=mailing_id)
    prepared = prepare(mailing, language)
    return Ready(prepared, source, Skeleton.of(prepared, source, sender=sender_of(kind)))


@contextmanager
def _or_cannot() -> Iterator[None]:
    """A message that cannot be put into words or an envelope must not hold up the others."""
    try:
        yield
    except CannotCompose:
        raise
    except (ValueError, ObjectDoesNotExist, TemplateSyntaxError) as error:
        raise CannotCompose(type(error).__name__) from error


@_or_cannot()
def compose(message: Claimed, *, now: datetime) -> Wire:
    """The message as it leaves, signed when there is a key; `CannotCompose` if it cannot."""
    recipient = wire_address(message.to_address)
    # A single mail, of whatever kind, is not worth a frame of its own.
    single = message.kind == Kind.ACCOUNT or message.mailing_id is None
    if single or not is_plain(recipient):
        mail = compose_slowly(message, now=now)
        international = not recipient.isascii()
        body = mail.wire_bytes(international=international)
        return Wire(mail.envelope_sender, recipient, sign(body), international)
    assert message.mailing_id is not None
    known = ready(message.kind, message.mailing_id, message.language)
    body = known.skeleton.fill(
        message_id=str(message.id),
        recipient=recipient,
        token=token_of(message, known.source, now),
        date=_date(now.replace(microsecond=0)),
        person=person_of(message) if known.prepared.marks.fields else NOBODY,
    )
    return Wire(known.skeleton.sender, recipient, sign(body), international=False)


@_or_cannot()
def compose_slowly(message: Claimed, *, now: datetime) -> PortalMail:
    """The same mail by the standard library; providers' programming interfaces take this one."""
    source, token = None, ""
    if message.kind == Kind.ACCOUNT:
        # Somebody's own name may stand in it, and the title of what they sent themselves as a test.
        rendered = Rendered(typed_line(message.subject), message.text, message.html)
        sender = message.sender or sender_of(message.kind)
    elif message.mailing_id is None:
        topic = Topic.objects.with_wording().get(pk=message.topic_id)
        source, sender = Source.of_topic(topic), sender_of(message.kind)
        token = token_of(message, source, now)
        rendered = frame(
            Rendered(typed_line(message.subject), message.text, message.html),
            topic,
            message.language,
            token,
        )
    else:
        known = ready(message.kind, message.mailing_id, message.language)
        source, sender = known.source, sender_of(message.kind)
        token = token_of(message, source, now)
        rendered = known.prepared.fill(token, person_of(message))
    if len(rendered.subject.splitlines()) > 1:
        raise CannotCompose("a line break in the subject")
    author = sender_address(sender)
    mail = PortalMail(
        rendered.subject,
        rendered.text,
        str(author),
        [wire_address(message.to_address)],
        headers={
            "Date": format_datetime(now.astimezone(UTC)),
            "Message-ID": f"<{message.id}@{settings.MAIL_DOMAIN}>",
            **headers_of(source, token),
        },
    )
    mail.boundary, mail.envelope_sender = f"=_{message.id}", author.addr_spec
    if rendered.html:
        mail.attach_alternative(rendered.html, "text/html")
    return mail


# Whatever ends a line for some reader is refused, not taken away: it was an attempt.
LINE_ENDS = "\n\r\v\f\x1c\x1d\x1e\x85"


def typed_line(subject: str) -> str:
    """What somebody typed, as a header takes it; a line break in it is refused further on."""
    return "".join(each for each in subject if each in LINE_ENDS or category(each) != "Cc").replace(
        "=?", "= ?"
    )


NOBODY = Person()


def person_of(message: Claimed) -> Person:
    return Person(
        one_line(message.first_name), one_line(message.last_name), one_line(message.company)
    )


def token_of(message: Claimed, source: Source | None, now: datetime) -> str:
    if source is None:
        return ""
    assert message.person_id is not None
    return sign_token(
        RecipientToken(
            person_id=message.person_id,
            topic=source.topic,
            mailing=source.campaign,
            wording_version=source.wording_version,
            issued_at=now,
        )
    )


@lru_cache(maxsize=8)
def _date(now: datetime) -> str:
    return format_datetime(now.astimezone(UTC))
