"""An SMTP server in a process of its own that counts what it accepts, and misbehaves on command.

It offers PIPELINING, 8BITMIME and SMTPUTF8 and keeps no message. Asked to, it notes of each body
whom it went to, its Message-ID and three moments: when it said 354, when the first byte came, when
it answered. It can stand still, and at each step refuse, or drop the connection.

    with running_sink() as sink:                     # python -m bench.sink HOST PORT, until we end
        sink.answer(Step.RCPT, "451 later")          # an empty line drops the connection
        sink.count()
"""

import asyncio
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
EVERYWHERE = "0.0.0.0"  # noqa: S104 - for a test with a network for each worker
START_PATIENCE = 15.0
EHLO = b"250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n"
END, CONTROL = b"\r\n.\r\n", b"XSIN"


class Step(StrEnum):
    """Where it can answer otherwise: BODY is the answer to a message that has come whole."""

    CONNECT = "connect"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    BODY = "body"


class Note(NamedTuple):
    """One body that came whole; the moments are seconds of the machine's clock."""

    recipient: str
    message_id: str
    told_to_go: float
    first_byte: float
    answered: float
    accepted: bool
    peer: str  # the address of whoever spoke


class State:
    """What all connections share."""

    def __init__(self) -> None:
        self.accepted = self.refused = 0
        self.noting = False
        self.notes: list[Note] = []
        self.stalled = False
        self.stall_at: int | None = None
        self.answers: dict[str, str] = {}
        self.answers_left: dict[str, int] = {}
        self.talks: set[Talk] = set()

    def obey(self, order: dict[str, Any]) -> Any:
        """One order of whoever started the sink."""
        match order.pop("do"):
            case "note":
                self.noting = True
            case "answer":
                self.answers[order["step"]] = order["line"]
                self.answers_left[order["step"]] = order["times"]
            case "behave":
                self.answers.clear()
            case "stall":
                self.stall_at = self.accepted + order["after"]
                self.stalled = not order["after"]
            case "go on":
                self.stalled, self.stall_at = False, order["until"]
                for talk in self.talks:  # later, for whoever gives this order reads on itself
                    asyncio.get_running_loop().call_soon(talk.read_on)
            case "drop":
                for talk in list(self.talks):
                    if not talk.controls and talk.transport is not None:
                        talk.transport.abort()
            case "save":
                Path(order["path"]).write_text(json.dumps(self.notes))
        return {
            "accepted": self.accepted,
            "refused": self.refused,
            "stalled": int(self.stalled),
        }

    def other_answer(self, step: Step) -> str | None:
        """What was ordered instead of the usual, as often as it was."""
        other = self.answers.get(step)
        if other is not None:
            self.refused += 1
            self.answers_left[step] -= 1
            if self.answers_left[step] == 0:
                del self.answers[step]
        return other

    def count(self) -> None:
        self.accepted += 1
        if self.accepted == self.stall_at:
            self.stalled = True


class Talk(asyncio.Protocol):
    """One connection. In order of cost: nothing but the count, unless somebody asked for more."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.transport: asyncio.Transport | None = None
        self.buffer = bytearray()
        self.out: list[bytes] = []
        self.in_body = False
        self.greeted = False
        self.controls = False
        self.recipient = self.peer = ""
        self.told_to_go = self.first_byte = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.peer = str(transport.get_extra_info("peername")[0])
        self.state.talks.add(self)
        self.read_on()

    def connection_lost(self, _error: Exception | None) -> None:
        self.state.talks.discard(self)
        self.transport = None

    def data_received(self, data: bytes) -> None:
        if self.in_body and not self.first_byte and self.state.noting:
            self.first_byte = time.time()
        self.buffer += data
        self.read_on()

    def read_on(self) -> None:
        """Everything that stands in the buffer, one write for all answers."""
        self.controls = self.controls or self.buffer.startswith(CONTROL)
        if self.state.stalled and not self.controls:
            return
        if not self.greeted:
            self.greeted = True
            self.say(Step.CONNECT, b"220 sink ESMTP\r\n")
        position = 0
        while self.transport is not None and (self.controls or not self.state.stalled):
            end = self.buffer.find(END if self.in_body else b"\r\n", position)
            if end < 0:
                break
            if self.in_body:
                self.take(position, end)
                position = end + len(END)
            else:
                self.hear(bytes(self.buffer[position:end]))
                position = end + 2
        del self.buffer[:position]
        if self.out and self.transport is not None:
            self.transport.write(b"".join(self.out))
        self.out.clear()

    def hear(self, line: bytes) -> None:
        word = line[:4].upper()
        if word == b"MAIL":
            self.recipient = ""
            self.say(Step.MAIL, b"250 ok\r\n")
        elif word == b"RCPT":
            if self.say(Step.RCPT, b"250 ok\r\n"):
                self.recipient = line.partition(b"<")[2].partition(b">")[0].decode()
        elif word == b"DATA":
            if not self.recipient:
                self.out.append(b"503 nobody to take it\r\n")
            elif self.say(Step.DATA, b"354 go on\r\n"):
                self.in_body = True
                if self.state.noting:
                    self.told_to_go, self.first_byte = time.time(), 0.0
        elif word == b"EHLO":
            self.out.append(EHLO)
        elif word == CONTROL:
            answer = self.state.obey(json.loads(line[6:]))
            self.out.append(b"250 " + json.dumps(answer).encode() + b"\r\n")
        elif word == b"QUIT" and self.transport is not None:
            self.transport.write(b"".join(self.out) + b"221 bye\r\n")
            self.transport.close()
            self.transport = None
        else:
            self.out.append(b"250 ok\r\n")

    def take(self, start: int, end: int) -> None:
        """A body has come whole."""
        self.in_body = False
        took = self.say(Step.BODY, b"250 ok\r\n")
        if took:
            self.state.count()
        if self.state.noting:
            at = self.buffer.lower().find(b"message-id:", start, end)
            line = self.buffer[at : self.buffer.find(b"\r\n", at)]
            message_id = line.partition(b"<")[2].partition(b"@")[0].decode()
            self.state.notes.append(
                Note(
                    self.recipient,
                    message_id,
                    self.told_to_go,
                    self.first_byte or time.time(),
                    time.time(),
                    took,
                    self.peer,
                )
            )
        self.recipient = ""

    def say(self, step: Step, usual: bytes) -> bool:
        """The usual answer, unless another was ordered; whether it was the usual one."""
        other = self.state.other_answer(step) if self.state.answers else None
        if other is None:
            self.out.append(usual)
            return True
        if other:
            self.out.append(other.encode() + b"\r\n")
        elif self.transport is not None:
            self.transport.abort()
            self.transport = None
        return False


async def serve(host: str, port: int) -> None:
    """Until standard input ends, which it does with whoever started us."""
    state, ended = State(), asyncio.Event()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Talk(state), host, port, backlog=256)
    # Nothing is ever written to it, so what can be read is its end.
    loop.add_reader(sys.stdin.fileno(), ended.set)
    async with server:
        await ended.wait()


class Sink:
    """The sink's process from outside."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = "127.0.0.1" if host == EVERYWHERE else host, port

    @property
    def url(self) -> str:
        return f"smtp://{self.host}:{self.port}"

    def order(self, **order: Any) -> dict[str, int]:
        with socket.create_connection((self.host, self.port), timeout=30) as control:
            control.sendall(b"XSINK " + json.dumps(order).encode() + b"\r\n")
            for line in control.makefile("rb"):
                if line.startswith(b"250 "):
                    answer: dict[str, int] = json.loads(line[4:])
                    return answer
        raise ConnectionError("the sink hung up")

    def count(self) -> int:
        """How many bodies it has accepted."""
        return self.order(do="count")["accepted"]

    def refused(self) -> int:
        """How often it answered otherwise, by order."""
        return self.order(do="count")["refused"]

    def stands_still(self) -> bool:
        return bool(self.order(do="count")["stalled"])

    def note(self) -> None:
        self.order(do="note")

    def stall(self, *, after: int = 0) -> None:
        """Answers nothing, not even a greeting, until `go_on`; or only after so many bodies."""
        self.order(do="stall", after=after)

    def go_on(self, *, until: int | None = None) -> None:
        """Until it has accepted so many in all, then it stands still again."""
        self.order(do="go on", until=until)

    def answer(self, step: Step, line: str, *, times: int = -1) -> None:
        """Every time, or only so many times."""
        self.order(do="answer", step=step, line=line, times=times)

    def behave(self) -> None:
        """Takes every ordered answer back."""
        self.order(do="behave")

    def drop(self) -> None:
        """Hangs up on everybody, in the middle of whatever they say."""
        self.order(do="drop")

    def notes(self, folder: Path) -> list[Note]:
        path = folder / f"sink-{self.port}.json"
        self.order(do="save", path=str(path))
        return [Note(*each) for each in json.loads(path.read_text())]


@contextmanager
def running_sink(host: str = "127.0.0.1") -> Iterator[Sink]:
    with socket.socket() as probe:
        probe.bind((host, 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "bench.sink", host, str(port)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, cwd=ROOT)
    try:
        sink = Sink(host, port)
        deadline = time.monotonic() + START_PATIENCE
        while True:
            try:
                sink.count()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        yield sink
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(10)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2])))
