"""Several SMTP connections in one thread: whoever stalls holds up nobody else.

The pool knows no database. It takes messages from a `Source`, asks it for permission for all
connections that have their 354 at the same moment, and tells it what became of each.
"""

import logging
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Sequence
from queue import SimpleQueue
from typing import Protocol

from messaging.sending.connecting import Connected, ServerUnreachableError, connect
from messaging.sending.outcome import Outcome
from messaging.sending.wire import BrokenTalk, Job, Talk

logger = logging.getLogger(__name__)
CHUNK = 64 * 1024
# The source has work of its own (leases, marks) at least this often.
TICK = 0.5
# A question is a commit, shared by all who wait for it: so long others are waited for, which is
# little beside a mail server's own time.
GATHER = 0.002
# Whose row somebody else holds is asked for again so often, and left alone after so long.
BUSY_PAUSE, BUSY_SECONDS = 0.05, 2.0
# After a refused connection, while others work on: how long until the next is tried.
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0


class Source(Protocol):
    def next_job(self) -> Job | None:
        """The next message to be said, if one may be said now."""

    def ready(self) -> int:
        """How many could be said now, were there connections enough."""

    def patience(self) -> float | None:
        """Seconds until the next may be there; None once there will be none."""

    def permit(self, jobs: Sequence[Job]) -> tuple[set[Job], set[Job]]:
        """Of those the server is ready for: whose body may be said, and who is to be asked again.

        Nothing is waited for: a permission is as good as it is young.
        """

    def again(self, job: Job) -> None:
        """It met a connection that ended, and goes over another."""

    def leave(self, job: Job) -> None:
        """It was busy for too long, and goes later."""

    def finished(self, job: Job, outcome: Outcome) -> None: ...

    def tick(self) -> None: ...


class Line:
    """One connection: its socket, its talk, and until when its server may be silent."""

    def __init__(self, connected: Connected) -> None:
        self.socket = connected.socket
        self.talk = Talk(connected.extensions)
        self.deadline = 0.0
        # Since when its message is busy, and when it may be asked for again.
        self.busy_since: float | None = None
        self.ask_at = 0.0
        self.bodies = 0
        self.events = selectors.EVENT_READ

    def read(self) -> None:
        """All there is; a TLS socket may hold more than its descriptor shows."""
        encrypted = isinstance(self.socket, ssl.SSLSocket)
        while True:
            try:
                data = self.socket.recv(CHUNK)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
            if not data:
                raise ConnectionResetError("the server closed the connection")
            self.talk.hear(data)
            if not encrypted and len(data) < CHUNK:
                return

    def write(self) -> None:
        out = self.talk.out
        while out:
            try:
                sent = self.socket.send(out)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
            del out[:sent]


class Pool:
    """Runs until the source has nothing left and every answer is in.

    `answer_timeout` is for the answer to a body, which may take minutes (RFC 5321 §4.5.3.2.6):
    whoever gives up earlier has a message in doubt that the server then delivers.
    """

    def __init__(
        self, source: Source, *, size: int, timeout: float, answer_timeout: float = 0.0
    ) -> None:
        self.source = source
        self.size = size
        self.timeout = timeout
        self.answer_timeout = max(timeout, answer_timeout)
        # The server refuses us, not a message: what is in the air is waited for, no more is said.
        self._trouble: ServerUnreachableError | None = None
        self.lines: set[Line] = set()
        self._asking: list[Line] = []
        self._selector = selectors.DefaultSelector()
        self._connecting = 0
        self._arrivals: SimpleQueue[Connected | ServerUnreachableError] = SimpleQueue()
        self._bell, self._rope = socket.socketpair()
        self._bell.setblocking(False)
        self._selector.register(self._bell, selectors.EVENT_READ, None)
        self._pause, self._not_before = FIRST_PAUSE, 0.0
        self._closed = threading.Event()

    def run(self) -> None:
        while True:
            if self._trouble is None:
                self._give_out()
            else:
                self._stop(self._trouble)
            if not self._is_busy():
                patience = self.source.patience()
                if patience is None:
                    return
            self._wait(TICK)
            self._gather()
            self._end_silent()
            self._ask()
            self.source.tick()

    def close(self) -> None:
        """At once, with whatever is being said; nobody is told."""
        self._closed.set()
        for line in list(self.lines):
            self._drop(line)
        self._selector.close()
        self._bell.close()
        self._rope.close()
        while not self._arrivals.empty():
            arrival = self._arrivals.get()
            if isinstance(arrival, Connected):
                arrival.socket.close()

    def farewell(self) -> None:
        """Politely, for connections on which nothing is open; the answer is not waited for."""
        for line in self.lines:
            if not line.talk.out and not line.talk.waits:
                line.talk.out += b"QUIT\r\n"
                try:
                    line.write()
                except OSError:
                    continue

    def _is_busy(self) -> bool:
        return bool(self._connecting) or any(
            line.talk.current or line.talk.handed or line.talk.out for line in self.lines
        )

    def _give_out(self) -> None:
        """A message to each connection that is free, and connections for those that are left."""
        for line in list(self.lines):
            if line.talk.is_idle and (job := self.source.next_job()) is not None:
                self._begin(line, job)
        if self._trouble is not None:
            return
        free = self.size - len(self.lines) - self._connecting
        if free <= 0 or time.monotonic() < self._not_before:
            return
        for _ in range(min(free, self.source.ready() - self._connecting)):
            self._connecting += 1
            threading.Thread(target=self._connect, daemon=True).start()

    def _begin(self, line: Line, job: Job) -> None:
        line.talk.begin(job)
        self._extend(line)
        self._tell(line)
        self._flush(line)

    def _stop(self, trouble: ServerUnreachableError) -> None:
        for line in [each for each in self.lines if each.talk.handed is None]:
            self._drop(line)
            if line.talk.current is not None:
                self.source.again(line.talk.current)
                line.talk.forget_current()
        if not self.lines and not self._connecting:
            raise trouble

    def _extend(self, line: Line) -> None:
        """A whole body has been said: only then may the server think about it for long."""
        said = line.talk.handed is not None and not line.talk.out
        line.deadline = time.monotonic() + (self.answer_timeout if said else self.timeout)

    def _connect(self) -> None:
        """In a thread of its own: the set-up waits for the server, and only it does."""
        arrival: Connected | ServerUnreachableError
        try:
            arrival = connect()
        except ServerUnreachableError as error:
            arrival = error
        if self._closed.is_set():
            if isinstance(arrival, Connected):
                arrival.socket.close()
            return
        self._arrivals.put(arrival)
        try:
            self._rope.send(b".")
        except OSError:  # closed in this very moment
            if isinstance(arrival, Connected):
                arrival.socket.close()

    def _gather(self) -> None:
        """Others that are about to have their 354 may come along."""
        end = time.monotonic() + GATHER
        while self._asking and len(self._asking) < self._awaited():
            if (left := end - time.monotonic()) <= 0:
                return
            self._wait(left)

    def _awaited(self) -> int:
        return sum(line.talk.current is not None for line in self.lines)

    def _wait(self, timeout: float) -> None:
        if not self._is_busy() and (patience := self.source.patience()) is not None:
            timeout = min(timeout, max(patience, self._not_before - time.monotonic()))
        if any(line.busy_since for line in self._asking):
            timeout = min(timeout, BUSY_PAUSE)
        for key, events in self._selector.select(timeout):
            if key.data is None:
                self._welcome()
                continue
            line: Line = key.data
            try:
                if events & selectors.EVENT_WRITE:
                    line.write()
                if events & selectors.EVENT_READ:
                    line.read()
                self._extend(line)
            except (OSError, BrokenTalk) as error:
                self._lose(line, error)
                continue
            self._tell(line)
            self._flush(line)

    def _welcome(self) -> None:
        self._bell.recv(CHUNK)
        while not self._arrivals.empty():
            arrival = self._arrivals.get()
            self._connecting -= 1
            if isinstance(arrival, ServerUnreachableError):
                self._refused(arrival)
                continue
            self._pause = FIRST_PAUSE
            line = Line(arrival)
            self.lines.add(line)
            self._extend(line)
            self._selector.register(line.socket, line.events, line)
            if self._trouble is None and (job := self.source.next_job()) is not None:
                self._begin(line, job)

    def _refused(self, error: ServerUnreachableError) -> None:
        """While others work on, the next one is tried after a pause; without any we give up."""
        if not self.lines and not self._connecting:
            raise error
        logger.info("one more connection to the mail server was refused (%s)", error)
        self._not_before = time.monotonic() + self._pause
        self._pause = min(self._pause * 2, LONGEST_PAUSE)

    def _tell(self, line: Line) -> None:
        """What the talk has learned, to those who must know."""
        talk = line.talk
        done, talk.done = talk.done, []
        for job, outcome in done:
            if outcome.ours:
                self._trouble = self._trouble or ServerUnreachableError(outcome.reply)
                self.source.again(job)
            elif outcome.cut and not outcome.handed and line.bodies:
                # The server had enough of this connection, or of the message before.
                self.source.again(job)
            else:
                self.source.finished(job, outcome)
        if talk.ask is not None and line not in self._asking:
            self._asking.append(line)
        if talk.closing and line in self.lines and not talk.handed:
            self._lose(line, ConnectionResetError("the server closes the connection"))

    def _flush(self, line: Line) -> None:
        """Write what can be written now, and wake up for the rest."""
        if line not in self.lines:
            return
        try:
            line.write()
        except OSError as error:
            self._lose(line, error)
            return
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if line.talk.out else 0)
        if events != line.events:
            line.events = events
            self._selector.modify(line.socket, events, line)

    def _ask(self) -> None:
        """One question for all who have their 354 by now.

        What follows each body is fetched before: between a permission and its body stands nothing
        that could wait, neither for the database nor for another line.
        """
        now = time.monotonic()
        ready = [line for line in self._asking if line.talk.ask is not None]
        asking = [line for line in ready if line.ask_at <= now and self._trouble is None]
        self._asking = [line for line in ready if line not in asking]
        if not asking:
            return
        following = {line: self._following(line) for line in asking}
        permitted, busy = self.source.permit([line.talk.ask for line in asking if line.talk.ask])
        going = [line for line in asking if line.talk.ask in permitted]
        failed: dict[Line, OSError] = {}
        for line in going:
            line.busy_since, line.ask_at = None, 0.0
            line.talk.send_body(following.pop(line))
            line.bodies += 1
            try:
                line.write()
            except OSError as error:
                failed[line] = error
        for line in going:
            self._extend(line)
            if line in failed:
                self._lose(line, failed[line])
                continue
            self._tell(line)
            self._flush(line)
        for line, job in following.items():
            if job is not None:
                self.source.again(job)
            self._wait_or_leave(line, is_busy=line.talk.ask in busy)

    def _following(self, line: Line) -> Job | None:
        return self.source.next_job() if line.talk.pipelining and not line.talk.closing else None

    def _wait_or_leave(self, line: Line, *, is_busy: bool) -> None:
        """Not permitted: the server never sees the end of this transaction."""
        now = time.monotonic()
        if is_busy and line.talk.ask is not None:
            line.busy_since = line.busy_since or now
            if now - line.busy_since < BUSY_SECONDS:
                line.ask_at = now + BUSY_PAUSE
                self._asking.append(line)
                return
            self.source.leave(line.talk.ask)
        # Otherwise its row says why.
        line.talk.forget_current()
        self._drop(line)

    def _end_silent(self) -> None:
        now = time.monotonic()
        for line in [each for each in self.lines if each.deadline < now]:
            if line.talk.waits or line.talk.out:
                self._lose(line, TimeoutError("silence"))

    def _lose(self, line: Line, error: Exception) -> None:
        self._drop(line)
        line.talk.lost(f"connection lost: {type(error).__name__}")
        self._tell(line)

    def _drop(self, line: Line) -> None:
        if line in self.lines:
            self.lines.discard(line)
            self._selector.unregister(line.socket)
            line.socket.close()
