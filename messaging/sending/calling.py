"""One run of a worker with a mail provider: calls instead of connections, the same leases."""

import logging
import time
import uuid
from collections.abc import Sequence

from foundation import standstill
from messaging.models import Kind
from messaging.policy import BUSY_WAIT
from messaging.sending import claims, marks
from messaging.sending.claims import Claimed
from messaging.sending.engine import Delivery
from messaging.sending.outcome import Outcome
from messaging.sending.provider import ProviderTransport

logger = logging.getLogger(__name__)


class ProviderDelivery(Delivery):
    """Claims, asks and settles around the provider's calls."""

    def run(self) -> None:
        transport = ProviderTransport(self.clock)
        try:
            while not (self.exhausted or self._is_over()):
                self._claim()
                self._call(transport)
        finally:
            transport.close()
            self._end()

    def _call(self, transport: ProviderTransport) -> None:
        """What was claimed, once its places have come; what time did not suffice for goes back."""
        held = {message.id: message for _, message in self.waiting}
        if not held:
            return
        until = max(at for at, _ in self.waiting)
        self.waiting.clear()

        def permit(messages: Sequence[Claimed]) -> set[uuid.UUID]:
            for message in messages:
                del held[message.id]
            return self._permitted(messages)

        try:
            time.sleep(max(0.0, (until - self.clock()).total_seconds()))
            for told in transport.deliver(list(held.values()), permit):
                for message, outcome in told:
                    held.pop(message.id, None)
                    self._settle(message, outcome)
                if any(outcome.ours for _, outcome in told):
                    self._give_up(told[0][1].reply)
                    break
                self.flying = set(held)
                self.tick()
                if self._is_over():
                    break
        finally:
            self.flying = set()
            claims.put_back(held, self.lease)

    def _settle(self, message: Claimed, outcome: Outcome) -> None:
        """What was accepted is marked with the next permission, so one call is in doubt at most."""
        if outcome.accepted:
            self.accepted += 1
            self.sent.append(message.id)
        else:
            marks.settle(message, self.lease, outcome, now=self.clock())

    def _give_up(self, why: str) -> None:
        """The provider refuses us: to go on would only make it worse. The rest waits a little."""
        logger.warning("the mail provider refuses us (%s); the rest waits", why)
        claims.release(self.lease, now=self.clock())
        self.exhausted = True

    def _permitted(self, messages: Sequence[Claimed]) -> set[uuid.UUID]:
        """A standstill holds optional mail; the rest is the database's to decide."""
        optional = [message for message in messages if message.kind == Kind.OPTIONAL]
        stopped = {message.id for message in optional if standstill.why()}
        claims.put_back(stopped, self.lease)
        asked = [message.id for message in messages if message.id not in stopped]
        if not asked:
            return set()
        answers = self._hand_over(asked)
        later = self.clock() + BUSY_WAIT
        busy = [(key, later) for key, answer in answers.items() if answer == "busy"]
        if busy:
            claims.put_off(busy, self.lease)
        return {key for key, answer in answers.items() if answer == ""}
