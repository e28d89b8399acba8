"""The two ways in: a mail (from the MTA or an inbound hook), and a provider's tracking event."""

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from accounts.models import User
from foundation.addresses import address_hashes, normalise_address
from foundation.redaction import redact
from messaging.incoming.bounces import Bounce, find_status, is_hard
from messaging.incoming.events import Incoming, receive
from messaging.incoming.finding import message_ids
from messaging.incoming.letter import plain_address, storable
from messaging.incoming.reading import Reading, read_mail
from messaging.models import Message, ProviderEvent
from messaging.policy import BOUNCES_WITHIN
from messaging.providers.marking import MESSAGE_KEY

if TYPE_CHECKING:
    from anymail.signals import AnymailTrackingEvent

Kind = ProviderEvent.Kind


def receive_mail(
    raw: bytes, *, recipient: str = "", provider: str = "", received_at: datetime, now: datetime
) -> ProviderEvent.Outcome:
    """A raw mail. Whom it says it is from decides nothing."""
    read = read_mail(raw, recipient=recipient)
    message = find_message(read.message_ids)
    # One mail to two addresses of ours is delivered twice, and each may name another topic.
    meant = [f"{read.token.person_id}.{read.token.topic}"] if read.token else []
    address, why = "", read.why
    if read.bounce is not None:
        address, why = proven_address(read.bounce, message, now=received_at)
    elif read.kind == Kind.COMPLAINT and message is not None and read.token is None:
        address = message.to_address
    return receive(
        Incoming(
            kind=read.kind,
            source=("mail", read.identity, *meant),
            told_at=read.sent_at,
            happened_at=_happened_at(read, message, received_at),
            received_at=received_at,
            why=why,
            provider=provider,
            status=read.bounce.status if read.bounce else "",
            about=read.about,
            token=read.token,
            message=message,
            address=address,
            hint=person_with(read.sender),
        ),
        now=now,
    )


def _happened_at(read: Reading, message: Message | None, received_at: datetime) -> datetime:
    """A bounce is about the moment its mail was handed over; no other mail's clock is believed."""
    if read.bounce is not None and message is not None and message.handed_at is not None:
        return message.handed_at
    return received_at


def find_message(keys: Iterable[uuid.UUID]) -> Message | None:
    """The message of ours that was named; its key says in which month to look."""
    found: Message | None = Message.objects.filter(pk__in=list(keys)[:10]).first()
    return found


def proven_address(bounce: Bounce, message: Message | None, *, now: datetime) -> tuple[str, str]:
    """The address a bounce is really about, or '' and why nothing is believed.

    Anybody can write a bounce. Only who got our mail knows its key, and it must have gone to the
    very address that is said to fail, not long ago.
    """
    if message is None:
        return "", "no_such_message"
    if message.handed_at is None or now - message.handed_at > BOUNCES_WITHIN:
        return "", "not_lately"
    if not message.to_address:
        return "", "nobody_named"
    named = {normalise_address(address) for address in bounce.addresses}
    if normalise_address(message.to_address) not in named:
        return "", "another_address"
    return message.to_address, ""


def person_with(address: str) -> uuid.UUID | None:
    if not address:
        return None
    found: uuid.UUID | None = (
        User.objects.with_address(address).values_list("pk", flat=True).first()
    )
    return found


# --- tracking ------------------------------------------------------------------------------------

# What else a provider tells (opened, clicked …) is about reading habits: never kept.
KINDS = {
    "complained": Kind.COMPLAINT,
    "unsubscribed": Kind.UNSUBSCRIBE,
    "bounced": Kind.HARD_BOUNCE,
    "rejected": Kind.OTHER,
    "subscribed": Kind.OTHER,
}
WHY = {"rejected": "provider_refused", "subscribed": "never_a_yes"}


def receive_tracking(
    event: "AnymailTrackingEvent", *, provider: str, received_at: datetime, now: datetime
) -> ProviderEvent.Outcome | None:
    """An event of the provider's authenticated hook; None when it is of a kind we do not keep."""
    happened_at = min(event.timestamp or received_at, received_at)
    if event.event_type == "delivered":
        note_delivered(keys_named(event), at=happened_at)
    kind = KINDS.get(event.event_type)
    if kind is None:
        return None
    address = plain_address(event.recipient)
    told = " ".join(str(text) for text in (event.mta_response, event.description) if text)
    status = find_status(told)
    if kind == Kind.HARD_BOUNCE and not bounce_is_hard(event, status):
        kind = Kind.SOFT_BOUNCE
    return receive(
        Incoming(
            kind=kind,
            source=(provider, kind, *identity_of(event, address)),
            told_at=event.timestamp,
            happened_at=happened_at,
            received_at=received_at,
            why=WHY.get(event.event_type, ""),
            provider=provider,
            status=status,
            about=redact(storable(event.reject_reason or ""))[:200],
            message=find_message(keys_named(event)),
            address=address,
            hint=person_with(address),
        ),
        now=now,
    )


# Told before our own mark is written, and of one whose call was cut: both were handed over.
_HANDED_OVER = (Message.State.HANDING, Message.State.SENT, Message.State.IN_DOUBT)


def note_delivered(keys: Iterable[uuid.UUID], *, at: datetime) -> None:
    """A recipient's server took it. The first word of it stands; of what is not ours, none."""
    Message.objects.filter(
        pk__in=list(keys), state__in=_HANDED_OVER, delivered_at__isnull=True
    ).update(delivered_at=at)


def identity_of(event: "AnymailTrackingEvent", address: str) -> tuple[str, ...]:
    """What makes a second delivery the same event. The address only as a keyed hash."""
    if event.event_id:
        return (storable(event.event_id),)
    whom = address_hashes(address)[-1].hex() if address else ""
    return (storable(event.message_id), whom, str(event.timestamp))


def keys_named(event: "AnymailTrackingEvent") -> list[uuid.UUID]:
    """Our message: in the metadata we sent along, or its Message-ID where the provider keeps it."""
    metadata: Any = event.metadata
    named = str(metadata.get(MESSAGE_KEY, "")) if isinstance(metadata, dict) else ""
    try:
        return [uuid.UUID(named)]
    except ValueError:
        return list(message_ids(f"<{str(event.message_id or '').strip('<>')}>"))


def bounce_is_hard(event: "AnymailTrackingEvent", status: str) -> bool:
    """anymail calls every failed delivery `bounced`; only a dead address is one for us."""
    facts = event.esp_event
    if isinstance(facts, dict):
        inner = facts.get("event-data")
        severity = inner.get("severity") if isinstance(inner, dict) else None
        marks = {str(facts.get("Type", "")), str(facts.get("type", "")), str(severity or "")}
        if marks & {"SoftBounce", "blocked", "temporary"}:
            return False
    if status:
        return is_hard(status)
    return event.reject_reason in ("bounced", "invalid")
