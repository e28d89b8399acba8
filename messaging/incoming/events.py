"""Acting on what came in, once. The event's row and what follows from it are one transaction.

The row's key derives from the source, so a second delivery meets it and does nothing, also one
that comes after the person has said yes again. What a provider tells of a moment before the
person's own yes to a topic does not change that topic either; a request to stop by mail has no
moment that could be believed, so it counts whenever it comes in.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import IntegrityError, connection, transaction

from accounts.models import User
from consent import rejoining, suppression
from consent.models import Source, Suppression
from consent.services import Shown, everything_optional, record_opt_out
from consent.tokens import RecipientToken
from consent.topics import topic_id
from foundation.calendar import month_start, months_later
from foundation.ids import uuid7_from
from messaging.models import Campaign, Message, ProviderEvent

Kind = ProviderEvent.Kind
Outcome = ProviderEvent.Outcome

COMPLAINT = Suppression.Reason.COMPLAINT
# Clocks of others run ahead a little.
AHEAD = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """What came in, and what of it is proven: a valid token, a message of ours, an address that
    a provider's authenticated call or a message of ours names.
    """

    kind: Kind
    source: tuple[str, ...]
    told_at: datetime | None
    happened_at: datetime
    received_at: datetime
    why: str = ""
    provider: str = ""
    status: str = ""
    about: str = ""
    token: RecipientToken | None = None
    message: Message | None = None
    address: str = ""
    hint: uuid.UUID | None = None

    @property
    def key(self) -> uuid.UUID:
        return uuid7_from(_clock(self.told_at, self.received_at), *self.source)


def _clock(told: datetime | None, received: datetime) -> datetime:
    """The source's own time when a partition can hold it, else the start of the month."""
    earliest = months_later(month_start(received), -1)
    if told is not None and earliest <= told <= received + AHEAD:
        return told
    return month_start(received)


@dataclass(frozen=True, slots=True)
class Result:
    outcome: Outcome
    why: str = ""
    person_id: uuid.UUID | None = None
    topic_id: uuid.UUID | None = None


def receive(incoming: Incoming, *, now: datetime) -> Outcome:
    """What became of it; an erasure in this very moment is asked about once more."""
    try:
        return _receive(incoming, now=now)
    except IntegrityError:
        return _receive(incoming, now=now)


@transaction.atomic
def _receive(incoming: Incoming, *, now: datetime) -> Outcome:
    event = ProviderEvent(
        id=incoming.key,
        kind=incoming.kind,
        outcome=Outcome.UNKNOWN,
        provider=incoming.provider,
        status=incoming.status[:12],
        about=incoming.about[:200],
        message_id=incoming.message.pk if incoming.message else None,
        mailing_id=_mailing(incoming),
        happened_at=incoming.happened_at,
        received_at=incoming.received_at,
    )
    try:
        with transaction.atomic():
            event.save(force_insert=True)
    except IntegrityError:
        earlier = ProviderEvent.objects.filter(pk=event.pk).first()
        if earlier is None:
            raise
        return Outcome(earlier.outcome)
    result = _of_the_living(ACTS[incoming.kind](incoming, now))
    ProviderEvent.objects.filter(pk=event.pk).update(
        outcome=result.outcome,
        why=result.why,
        person_id=result.person_id,
        topic_id=result.topic_id,
    )
    return result.outcome


def _mailing(incoming: Incoming) -> uuid.UUID | None:
    """The mailing it is about: that of our message, else the campaign a valid token names."""
    if incoming.message is not None:
        named: uuid.UUID | None = incoming.message.mailing_id
        return named
    if incoming.token is None or not incoming.token.mailing:
        return None
    return (
        Campaign.objects.filter(number=incoming.token.mailing).values_list("pk", flat=True).first()
    )


_HOLD = "SELECT 1 FROM accounts_user WHERE id = %s FOR KEY SHARE"


def _of_the_living(result: Result) -> Result:
    """Names nobody who was erased meanwhile: not even their key comes back.

    An erasure takes the account's row first, so it waits until this event is there to go with it.
    """
    if result.person_id is None:
        return result
    with connection.cursor() as cursor:
        cursor.execute(_HOLD, [result.person_id])
        if cursor.fetchone():
            return result
    why = "nobody_named" if result.why == "already" else result.why
    return replace(result, person_id=None, why=why)


# --- what each kind does ----------------------------------------------------------------------


def _stop_by_mail(incoming: Incoming, now: datetime) -> Result:
    """`mailto:` of List-Unsubscribe: the topic of the mail, in the wording that mail was about."""
    token = incoming.token
    assert token is not None
    named = topic_id(token.topic)
    changed = record_opt_out(
        token.person_id,
        everything_optional(token.person_id) if named is None else [named],
        source=Source.MAILTO,
        now=now,
        shown=_shown(token),
        received_at=incoming.received_at,
    )
    return _result(changed, token.person_id, named)


def _shown(token: RecipientToken | None) -> Shown:
    if token is None:
        return Shown()
    return Shown(wording_version=token.wording_version or None, mailing=token.mailing)


def _result(changed: object, person_id: uuid.UUID | None, topic: uuid.UUID | None = None) -> Result:
    outcome, why = (Outcome.APPLIED, "") if changed else (Outcome.NOTHING, "already")
    return Result(outcome, why, person_id, topic)


def _complaint(incoming: Incoming, now: datetime) -> Result:
    """ "This is spam": nothing optional any more, on no topic, and the address is suppressed.

    A topic the person has asked for since stays, and with it the address is open.
    """
    person, address = _whom(incoming)
    if person is None and not address:
        return Result(Outcome.UNKNOWN, incoming.why or "nobody_named")
    at = incoming.happened_at
    if person is None:
        return _result(suppression.suppress(address, reason=COMPLAINT, now=at), None)
    topics = rejoining.without_later_yes(person.pk, everything_optional(person.pk), at)
    if not topics:
        return Result(Outcome.NOTHING, "yes_since", person.pk)
    new = not rejoining.wants_mail_since(person.pk, at) and suppression.suppress(
        address, reason=COMPLAINT, now=at
    )
    changed = record_opt_out(
        person.pk,
        topics,
        source=Source.COMPLAINT,
        now=now,
        shown=_shown(incoming.token),
        received_at=incoming.received_at,
    )
    return _result(new or changed, person.pk)


def _unsubscribed(incoming: Incoming, now: datetime) -> Result:
    """At the provider: the topic of that mail, or everything optional when it names none.

    Without what the person has asked for since.
    """
    person, address = _whom(incoming)
    if person is None:
        if not address:
            return Result(Outcome.UNKNOWN, "nobody_named")
        return _result(
            suppression.suppress(
                address, reason=Suppression.Reason.PROVIDER, now=incoming.happened_at
            ),
            None,
        )
    named = incoming.message.topic_id if incoming.message else None
    topics = rejoining.without_later_yes(
        person.pk,
        everything_optional(person.pk) if named is None else [named],
        incoming.happened_at,
    )
    if not topics:
        return Result(Outcome.NOTHING, "yes_since", person.pk)
    changed = record_opt_out(
        person.pk,
        topics,
        source=Source.PROVIDER,
        now=now,
        received_at=incoming.received_at,
    )
    return _result(changed, person.pk, named)


def _hard_bounce(incoming: Incoming, now: datetime) -> Result:
    """The address does not exist, until its owner confirms it again."""
    if not incoming.address:
        return Result(Outcome.UNKNOWN, incoming.why or "unproven", incoming.hint)
    person: User | None = User.objects.with_address(incoming.address).first()
    if person and person.email_confirmed_at and person.email_confirmed_at > incoming.happened_at:
        return Result(Outcome.NOTHING, "confirmed_since", person.pk)
    new = suppression.suppress(
        incoming.address, reason=Suppression.Reason.HARD_BOUNCE, now=incoming.happened_at
    )
    return _result(new, person.pk if person else None)


def _only_noted(incoming: Incoming, now: datetime) -> Result:
    return Result(Outcome.NOTHING, incoming.why, incoming.hint)


def _left_to_people(incoming: Incoming, now: datetime) -> Result:
    return Result(Outcome.UNKNOWN, incoming.why, incoming.hint)


ACTS: dict[str, Callable[[Incoming, datetime], Result]] = {
    Kind.MAILTO: _stop_by_mail,
    Kind.COMPLAINT: _complaint,
    Kind.UNSUBSCRIBE: _unsubscribed,
    Kind.HARD_BOUNCE: _hard_bounce,
    Kind.SOFT_BOUNCE: _only_noted,
    Kind.AUTO_REPLY: _only_noted,
    Kind.OTHER: _left_to_people,
}


def _whom(incoming: Incoming) -> tuple[User | None, str]:
    """The person our own mark names, else the owner of the address; and the address meant."""
    people = User.objects.all()
    person: User | None = None
    if incoming.token is not None:
        person = people.filter(pk=incoming.token.person_id).first()
    if person is None and incoming.message is not None:
        person = people.filter(pk=incoming.message.person_id).first()
    if person is None and incoming.address:
        person = people.with_address(incoming.address).first()
    address = incoming.address or (incoming.message.to_address if incoming.message else "")
    return person, address or (person.email if person else "")
