"""An SMTP server that notes who gets which subject and keeps nothing else."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

ANSWERS = {b"EHLO": b"250 sink", b"DATA": b"354 go on", b"QUIT": b"221 bye"}


class Talk(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        # Who has said QUIT does not wait for the answer.
        with suppress(ConnectionResetError):
            self.talk()

    def talk(self) -> None:
        self.say(b"220 sink")
        recipient = ""
        for line in self.rfile:
            word = line[:4].upper()
            if word == b"RCPT":
                recipient = line.partition(b"<")[2].partition(b">")[0].decode()
            self.say(ANSWERS.get(word, b"250 OK"))
            if word == b"DATA":
                self.server.received.append((recipient, self.subject()))  # type: ignore[attr-defined]
                self.say(b"250 OK")

    def subject(self) -> str:
        """Reads the message to its end."""
        found = ""
        for line in self.rfile:
            if line == b".\r\n":
                break
            if line.startswith(b"Subject: ") and not found:
                found = line.partition(b": ")[2].strip().decode()
        return found

    def say(self, line: bytes) -> None:
        self.wfile.write(line + b"\r\n")


class Sink(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Talk)
        self.received: list[tuple[str, str]] = []

    @property
    def port(self) -> int:
        address: Any = self.server_address
        return int(address[1])


@contextmanager
def running_sink() -> Iterator[Sink]:
    with Sink() as sink:
        threading.Thread(target=sink.serve_forever, args=(0.01,), daemon=True).start()
        yield sink
        sink.shutdown()
