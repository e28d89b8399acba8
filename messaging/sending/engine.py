"""One run of a worker: claims, permission, marks and leases around the pool's connections."""

import logging
import time
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import Error, InterfaceError, OperationalError, connection

from foundation import standstill
from messaging.models import Kind
from messaging.policy import BUSY_WAIT, LEASE, Lane
from messaging.rendering import CannotCompose, compose
from messaging.sending import claims, limits, marks
from messaging.sending.claims import Claimed
from messaging.sending.connecting import ServerUnreachableError
from messaging.sending.outcome import Outcome
from messaging.sending.pool import Pool
from messaging.sending.wire import Job, check_words

logger = logging.getLogger(__name__)
Clock = Callable[[], datetime]
# An accepted message is marked with the next hand-over; without one, this soon.
UNMARKED_SECONDS = 0.5
# Often enough that a slow server never outlasts the lease.
RENEW_SECONDS = LEASE.total_seconds() / 4
SOON = timedelta(seconds=1)
# A mail server may think for minutes about one message. Meanwhile the queue is looked at again so
# often, and a round that is over lasts on.
LOOK_AGAIN_SECONDS = 1.0
OVERTIME = timedelta(seconds=5)


@dataclass(slots=True)
class Delivery:
    """What one run holds. Everything it has not handed over goes back when it ends."""

    clock: Clock
    lane: Lane | None = None
    until: datetime | None = None
    lease: uuid.UUID = field(default_factory=uuid.uuid4)
    accepted: int = 0
    # With the moment from which each may leave, the earliest first.
    waiting: deque[tuple[datetime, Claimed]] = field(default_factory=deque)
    flying: set[uuid.UUID] = field(default_factory=set)
    sent: list[uuid.UUID] = field(default_factory=list)
    exhausted: bool = False
    # Mailings found paused or cancelled since the last claim.
    _stopped: set[uuid.UUID | None] = field(default_factory=set)
    _claimed: float = 0.0
    _sent_since: float = 0.0
    _renewed: float = field(default_factory=time.monotonic)

    def run(self) -> None:
        """Hand over what is due until nothing is left or the time has come."""
        pool = Pool(
            self,
            size=settings.SMTP_CONNECTIONS,
            timeout=settings.SMTP_TIMEOUT,
            answer_timeout=settings.SMTP_ANSWER_TIMEOUT,
        )
        try:
            self._claim()
            pool.run()
            pool.farewell()
        except ServerUnreachableError as error:
            logger.warning("the mail server cannot be reached (%s); the rest waits", error)
            claims.release(self.lease, now=self.clock())
            self.waiting.clear()
            self.flying.clear()
        finally:
            pool.close()
            self._end()

    # --- what the pool asks ------------------------------------------------------------------

    def next_job(self) -> Job | None:
        """At most one claim a call: where all of it must wait, the connections are served first."""
        if not self.waiting and (not self.exhausted or self._may_look_again()):
            self._claim()
        while self.waiting and not self._is_over() and self.waiting[0][0] <= self.clock():
            message = self.waiting.popleft()[1]
            if (job := self._composed(message)) is not None:
                self.flying.add(message.id)
                return job
        return None

    def ready(self) -> int:
        """How many could be said now, were there connections enough."""
        if not self.waiting and (self._may_look_again() if self.exhausted else not self.flying):
            self._claim()
        now = self.clock()
        return 0 if self._is_over() else sum(at <= now for at, _ in self.waiting)

    def patience(self) -> float | None:
        if self._is_over():
            return None
        if not self.waiting:
            return None if self.exhausted else 0.0
        return max(0.0, (self.waiting[0][0] - self.clock()).total_seconds())

    def permit(self, jobs: Sequence[Job]) -> tuple[set[Job], set[Job]]:
        """A standstill holds optional mail; the rest is the database's to decide.

        The second are those about whom it cannot say anything just now.
        """
        held = standstill.why() if any(_is_optional(job.message) for job in jobs) else ""
        asked = [job for job in jobs if not (held and _is_optional(job.message))]
        if len(asked) < len(jobs):
            stopped = {job.message.id for job in jobs} - {job.message.id for job in asked}
            self.flying -= stopped
            claims.put_back(stopped, self.lease)
            self._stopped |= {job.message.mailing_id for job in jobs if _is_optional(job.message)}
            self._hold(_is_optional)
        if not asked:
            return set(), set()
        answers = self._hand_over([job.message.id for job in asked])
        permitted = {job for job in asked if answers[job.message.id] == ""}
        busy = {job for job in asked if answers[job.message.id] == "busy"}
        if len(permitted) + len(busy) < len(asked):
            self._heed(asked, answers)
        return permitted, busy

    def again(self, job: Job) -> None:
        self.flying.discard(job.message.id)
        timed = (self.clock(), job.message)
        if job.message.mailing_id in self._stopped:
            self._put_back([timed])
        else:
            self.waiting.appendleft(timed)

    def leave(self, job: Job) -> None:
        self.flying.discard(job.message.id)
        claims.put_off([(job.message.id, self.clock() + BUSY_WAIT)], self.lease)

    def finished(self, job: Job, outcome: Outcome) -> None:
        self.flying.discard(job.message.id)
        if not outcome.accepted:
            marks.settle(job.message, self.lease, outcome, now=self.clock())
            return
        self.accepted += 1
        if not self.sent:
            self._sent_since = time.monotonic()
        self.sent.append(job.message.id)

    def tick(self) -> None:
        now = time.monotonic()
        if self.sent and now - self._sent_since > UNMARKED_SECONDS:
            self._mark()
        if now - self._renewed > RENEW_SECONDS:
            self._renewed = now
            held = [message.id for _, message in self.waiting]
            claims.renew([*held, *self.flying, *self.sent], self.lease, now=self.clock())

    # --- what it does ------------------------------------------------------------------------

    def _is_over(self) -> bool:
        return self.until is not None and self.clock() >= self.until

    def _hand_over(self, messages: Sequence[uuid.UUID]) -> dict[uuid.UUID, str]:
        """With the marks of what was accepted; those stay ours until it has succeeded."""
        sent = list(self.sent)
        answers = marks.hand_over_many(messages, self.lease, sent, self.clock())
        if any(answer != "busy" for answer in answers.values()):
            del self.sent[: len(sent)]
        return answers

    def _end(self) -> None:
        """A connection to the database that broke is tried once more: what was sent is known."""
        try:
            self._mark()
        except (OperationalError, InterfaceError):
            connection.close()
            self._mark()
        finally:
            held = [message.id for _, message in self.waiting]
            if held or self.flying:
                claims.put_back([*held, *self.flying], self.lease)

    def _may_look_again(self) -> bool:
        if not self.flying or time.monotonic() - self._claimed < LOOK_AGAIN_SECONDS:
            return False
        now = self.clock()
        if self.until is not None and now >= self.until + OVERTIME:
            self.until = now + OVERTIME
        return True

    def _claim(self) -> None:
        self._claimed = time.monotonic()
        self._stopped.clear()
        if self._is_over():
            self.exhausted = True
            return
        now = self.clock()
        batch = claims.claim(self.lease, now=now, optional=not standstill.why(), lane=self.lane)
        self.exhausted = not batch
        places = limits.take_places(
            [message.to_address.rpartition("@")[2] for message in batch],
            now=now,
            urgent=[message.kind == Kind.ACCOUNT for message in batch],
        )
        timed = list(zip(places, batch, strict=True))
        later = [(message.id, at) for at, message in timed if at > now + SOON]
        if later:
            claims.put_off(later, self.lease)
        ready = [each for each in timed if each[0] <= now + SOON]
        self.waiting.extend(sorted(ready, key=lambda each: each[0]))

    def _composed(self, message: Claimed) -> Job | None:
        """One message that cannot be put into words must not hold up the others."""
        try:
            words = compose(message, now=self.clock())
            check_words(words)
        except Error:  # the database's trouble, not the message's
            raise
        except Exception as error:  # noqa: BLE001  # a message that ends the run ends the next
            outcome = not_composed(error)
            marks.settle(message, self.lease, outcome, now=self.clock())
            return None
        return Job(message, words)

    def _heed(self, asked: Sequence[Job], answers: dict[uuid.UUID, str]) -> None:
        """A mailing that was paused or cancelled is not asked for message by message."""
        stopped = set()
        for job in asked:
            answer = answers[job.message.id]
            if answer not in ("", "busy"):
                self.flying.discard(job.message.id)
            if answer in ("mailing_paused", "cancelled"):
                stopped.add(job.message.mailing_id)
        if stopped:
            self._stopped |= stopped
            self._hold(lambda message: message.mailing_id in stopped)

    def _hold(self, which: Callable[[Claimed], bool]) -> None:
        held = [each for each in self.waiting if which(each[1])]
        self._put_back(held)
        self.waiting = deque(each for each in self.waiting if not which(each[1]))

    def _put_back(self, timed: Sequence[tuple[datetime, Claimed]]) -> None:
        if timed:
            claims.put_back([message.id for _, message in timed], self.lease)

    def _mark(self) -> None:
        if self.sent:
            marks.mark_sent_many(self.sent, self.lease, self.clock())
            self.sent = []


def not_composed(error: Exception) -> Outcome:
    """One message ends, whatever is wrong with it. A foreign error's words may quote an address."""
    why = str(error) if isinstance(error, CannotCompose) else type(error).__name__
    logger.warning("a message cannot be composed: %s", type(error).__name__)
    return Outcome(permanent=True, reply=f"cannot be composed: {why}"[:200])


def _is_optional(message: Claimed) -> bool:
    return message.kind == Kind.OPTIONAL
