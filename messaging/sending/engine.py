"""One run of a worker: claims, permission, marks and leases around the pool's connections."""

import logging
import time
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings

from foundation import standstill
from messaging.models import Kind
from messaging.policy import LEASE, Lane
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
    _sent_since: float = 0.0
    _renewed: float = field(default_factory=time.monotonic)

    def run(self) -> None:
        """Hand over what is due until nothing is left or the time has come."""
        pool = Pool(self, size=settings.SMTP_CONNECTIONS, timeout=settings.SMTP_TIMEOUT)
        try:
            self._claim()
            pool.run()
            pool.farewell()
        except ServerUnreachableError as error:
            logger.warning("the mail server cannot be reached (%s); the rest waits", error)
            claims.release(self.lease, now=self.clock())
            self.waiting.clear()
        finally:
            pool.close()
            self._mark()
            self._put_back(self.waiting)

    # --- what the pool asks ------------------------------------------------------------------

    def next_job(self) -> Job | None:
        """At most one claim a call: where all of it must wait, the connections are served first."""
        if not self.waiting and not self.exhausted:
            self._claim()
        while self.waiting and not self._is_over() and self.waiting[0][0] <= self.clock():
            message = self.waiting.popleft()[1]
            if (job := self._composed(message)) is not None:
                self.flying.add(message.id)
                return job
        return None

    def ready(self) -> int:
        """How many could be said now, were there connections enough."""
        if not (self.waiting or self.flying or self.exhausted):
            self._claim()
        now = self.clock()
        return 0 if self._is_over() else sum(at <= now for at, _ in self.waiting)

    def patience(self) -> float | None:
        if self._is_over():
            return None
        if not self.waiting:
            return None if self.exhausted else 0.0
        return max(0.0, (self.waiting[0][0] - self.clock()).total_seconds())

    def permit(self, jobs: Sequence[Job]) -> set[Job]:
        """A standstill holds optional mail; the rest is the database's to decide."""
        held = standstill.why() if any(_is_optional(job.message) for job in jobs) else ""
        asked = [job for job in jobs if not (held and _is_optional(job.message))]
        if len(asked) < len(jobs):
            stopped = {job.message.id for job in jobs} - {job.message.id for job in asked}
            self.flying -= stopped
            claims.put_back(stopped, self.lease)
            self._hold(_is_optional)
        if not asked:
            return set()
        sent, self.sent = self.sent, []
        answers = marks.hand_over_many(
            [job.message.id for job in asked], self.lease, sent, self.clock()
        )
        permitted = {job for job in asked if answers[job.message.id] == ""}
        if len(permitted) < len(jobs):
            self._heed(asked, answers)
        return permitted

    def again(self, job: Job) -> None:
        self.flying.discard(job.message.id)
        self.waiting.appendleft((self.clock(), job.message))

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

    def _claim(self) -> None:
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
        except CannotCompose as error:
            logger.warning("a message cannot be composed: %s", error)
            outcome = Outcome(permanent=True, reply=f"cannot be composed: {error}"[:200])
            marks.settle(message, self.lease, outcome, now=self.clock())
            return None
        return Job(message, words)

    def _heed(self, asked: Sequence[Job], answers: dict[uuid.UUID, str]) -> None:
        """A mailing that was paused or cancelled is not asked for message by message."""
        stopped = set()
        for job in asked:
            answer = answers[job.message.id]
            if answer:
                self.flying.discard(job.message.id)
            if answer in ("mailing_paused", "cancelled"):
                stopped.add(job.message.mailing_id)
        if stopped:
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
            sent, self.sent = self.sent, []
            marks.mark_sent_many(sent, self.lease, self.clock())


def _is_optional(message: Claimed) -> bool:
    return message.kind == Kind.OPTIONAL
