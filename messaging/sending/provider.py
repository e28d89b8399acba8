"""A mail provider's API, through anymail: one call for many readers where the provider can.

Permission is asked for all readers of a call at once, right before it; whoever is not permitted is
taken out. A call whose answer is lost leaves all of its readers in doubt, so it has at most
`PROVIDER_CALL_SIZE` of them.

A provider may refuse a whole call for one bad address among its readers. So nobody is failed in
company: what was refused there is tried again in a smaller call, then alone.
"""

import logging
import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import batched
from typing import Any

import requests
from anymail.exceptions import AnymailAPIError, AnymailError, AnymailRecipientsRefused
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db import Error
from urllib3.exceptions import NewConnectionError

from messaging.policy import PROVIDER_CALL_SIZE
from messaging.rendering import compose_slowly
from messaging.sending import limits
from messaging.sending.claims import Claimed
from messaging.sending.engine import Clock, not_composed
from messaging.sending.merging import Form, Reader, can_merge, merged, single
from messaging.sending.outcome import Outcome

logger = logging.getLogger(__name__)

type Permit = Callable[[Sequence[Claimed]], Collection[uuid.UUID]]

# By how often a message was tried: in full company, in small, alone.
CALL_SIZES = (PROVIDER_CALL_SIZE, 10, 1)
# Answers that say nothing about the message: a wrong key, an unpaid bill, a domain that is not set
# up, too slow, too fast.
OURS_TO_MEND = (401, 402, 403, 404, 408, 429, 503)
# A gateway that got no answer knows as little as we do of what became of the call.
LOST_BEHIND_A_GATEWAY = (502, 504)
TOO_FAST = 429
SLOW_DOWN = timedelta(seconds=30)

# What anymail says of one reader after a call (its normal form of every provider's answer).
STATUSES = {
    "sent": Outcome(accepted=True, reply="accepted"),
    "queued": Outcome(accepted=True, reply="accepted"),
    "invalid": Outcome(permanent=True, reply="refused: invalid address"),
    "rejected": Outcome(permanent=True, reply="refused: on the provider's list"),
    "failed": Outcome(reply="the provider could not send it"),
}


class ProviderTransport:
    """One worker's session with the provider; its connection is kept between calls."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # Whether the request of the call under way has begun to leave.
        self._has_left = False
        self._esp = settings.MAIL_TRANSPORT.esp
        self._backend: Any = get_connection(settings.MAIL_TRANSPORT.esp_backend)

    def deliver(
        self, messages: Sequence[Claimed], permit: Permit
    ) -> Iterator[list[tuple[Claimed, Outcome]]]:
        """After each call what became of its messages; nothing of those that were not permitted."""
        now = self._clock()
        for group in _groups(messages, self._esp):
            readers: list[Reader] = []
            for message in group:
                try:
                    mail = compose_slowly(message, now=now)
                except Error:  # the database's trouble, not the message's
                    raise
                except Exception as error:  # noqa: BLE001  # it would end the next round too
                    yield [(message, not_composed(error))]
                else:
                    readers.append(Reader(message, mail))
            for call in self._calls(readers, now=now):
                yield self._call(call, permit)

    def _calls(self, readers: Sequence[Reader], *, now: datetime) -> Iterator[list[Reader]]:
        """Who goes together: each with what fills the places of the common mail."""
        together: dict[str, Reader] = {}
        if len(readers) > 1:
            form = Form.of(readers[0].message, self._esp)
            for reader in readers if form.is_fit else ():
                if reader.address not in together and _fits(form, reader, now=now):
                    together[reader.address] = reader
        if together:
            yield list(together.values())
        yield from ([reader] for reader in readers if together.get(reader.address) is not reader)

    def _call(self, readers: Sequence[Reader], permit: Permit) -> list[tuple[Claimed, Outcome]]:
        permitted = permit([reader.message for reader in readers])
        readers = [reader for reader in readers if reader.message.id in permitted]
        if not readers:
            return []
        is_alone = len(readers) == 1
        self._has_left = False
        try:
            if is_alone:
                mail = single(readers[0])
            else:
                mail = merged(Form.of(readers[0].message, self._esp), readers)
            failed = self._send(mail, is_alone=is_alone)
            outcomes = [failed or _told_of(each, mail, is_alone=is_alone) for each in readers]
        except Exception as error:  # noqa: BLE001  # ours, or anymail's for this provider
            outcomes = [self._unforeseen(error, is_alone=is_alone)] * len(readers)
        return [(each.message, outcome) for each, outcome in zip(readers, outcomes, strict=True)]

    def _send(self, mail: EmailMultiAlternatives, *, is_alone: bool) -> Outcome | None:
        """None when the provider answered for each reader."""
        try:
            if self._backend.open():
                self._watch(self._backend.session)
            self._backend.send_messages([mail])
        except AnymailRecipientsRefused:
            return None
        except AnymailAPIError as error:
            if error.status_code == TOO_FAST:
                limits.hold_back("", until=self._clock() + SLOW_DOWN)
            return _refusal(error, is_alone=is_alone)
        except AnymailError as error:  # refused as it stands: nothing was sent
            return Outcome(permanent=is_alone, reply=f"refused: {type(error).__name__}")
        return None

    def _watch(self, session: requests.Session) -> None:
        send = session.send

        def watched(request: requests.PreparedRequest, **more: Any) -> requests.Response:
            self._has_left = True
            return send(request, **more)

        session.send = watched  # type: ignore[method-assign]

    def _unforeseen(self, error: Exception, *, is_alone: bool) -> Outcome:
        """Before the request nothing was handed over, after it nobody knows."""
        name = type(error).__name__
        logger.warning("a call to the mail provider failed: %s", name)
        if self._has_left:
            return Outcome(handed=True, reply=f"the answer was not understood: {name}")
        return Outcome(permanent=is_alone, reply=f"cannot be sent: {name}")

    def close(self) -> None:
        self._backend.close()


def _groups(messages: Sequence[Claimed], esp: str) -> Iterator[list[Claimed]]:
    """In their order: alone, or those of one mailing and language that were tried as often."""
    groups: dict[tuple[Any, ...], list[Claimed]] = {}
    for message in messages:
        size = CALL_SIZES[min(message.attempts, len(CALL_SIZES) - 1)]
        if size == 1 or not can_merge(message, esp):
            groups[(message.id, 1)] = [message]
        else:
            key = (message.kind, message.mailing_id, message.language, size)
            groups.setdefault(key, []).append(message)
    for key, group in groups.items():
        yield from map(list, batched(group, key[-1]))


def _fits(form: Form, reader: Reader, *, now: datetime) -> bool:
    """Whoever breaks the common form goes alone."""
    try:
        return form.fits(reader, now=now)
    except Error:
        raise
    except Exception:  # noqa: BLE001
        return False


def _refusal(error: AnymailAPIError, *, is_alone: bool) -> Outcome:
    status = error.status_code
    if status is None:
        name = type(error.__cause__ or error).__name__
        if _never_connected(error.__cause__):
            return Outcome(ours=True, reply=f"the provider cannot be reached: {name}")
        return Outcome(handed=True, reply=f"connection lost: {name}")
    if status < 400 or status in LOST_BEHIND_A_GATEWAY:
        return Outcome(handed=True, reply=f"HTTP {status}, not understood")
    if status in OURS_TO_MEND:
        return Outcome(ours=True, reply=f"HTTP {status}")
    return Outcome(permanent=status < 500 and is_alone, reply=f"HTTP {status}")


def _never_connected(cause: BaseException | None) -> bool:
    """Whether not a byte can have reached the provider."""
    if isinstance(cause, requests.ConnectTimeout):
        return True
    inner = cause.args[0] if isinstance(cause, requests.ConnectionError) and cause.args else None
    return isinstance(getattr(inner, "reason", None), NewConnectionError)


def _told_of(reader: Reader, mail: EmailMultiAlternatives, *, is_alone: bool) -> Outcome:
    """Each reader apart; of whom an answer that takes the call says nothing, that one is in doubt.

    An answer that refuses it (4xx) refuses also those of whom it says nothing.
    """
    told: Any = mail.anymail_status  # type: ignore[attr-defined]
    # A provider may spell an address its own way; anymail then has two entries of it, and the one
    # under our spelling says "failed".
    mine = {
        entry.status
        for address, entry in told.recipients.items()
        if address.lower() == reader.address.lower()
    }
    status = next((name for name in STATUSES if name in mine), "")
    known = STATUSES.get(status)
    http: int = getattr(told.esp_response, "status_code", 200)
    if known is None and http >= 400:
        return Outcome(permanent=is_alone, reply=f"HTTP {http}")
    return known or Outcome(handed=True, reply="the provider does not say what became of it")
