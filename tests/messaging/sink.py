"""An SMTP server that misbehaves as told, over real sockets, for the sender's tests."""

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress

type Answer = bytes | None
# What is told of a step: the connection's number, the verb (BODY for a message), its line.
type Script = Callable[[int, str, str], Answer]
STALL = b"stall"
CUT = b"cut"
USUAL = {
    "MAIL": b"250 ok",
    "RCPT": b"250 ok",
    "DATA": b"354 go",
    "BODY": b"250 taken",
    "RSET": b"250 ok",
    "AUTH": b"235 ok",
}


class Sink:
    """Each connection in a thread of its own; `script` may answer instead of the usual."""

    def __init__(
        self,
        script: Script = lambda number, verb, line: None,
        *,
        extensions: tuple[str, ...] = ("PIPELINING", "8BITMIME", "SMTPUTF8"),
        tls: ssl.SSLContext | None = None,
        starttls: ssl.SSLContext | None = None,
    ) -> None:
        self.script = script
        self.extensions = extensions
        self.tls, self.starttls = tls, starttls
        self.taken: list[tuple[str, bytes]] = []
        self.said: list[tuple[int, str]] = []
        self.connections = 0
        self._ended = threading.Event()
        self._open: list[socket.socket] = []
        self._lock = threading.Lock()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> "Sink":
        self._threads[0].start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for each in self._open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
        for each in self._open:
            each.close()

    def to(self, address: str) -> list[bytes]:
        return [body for recipient, body in self.taken if recipient == address]

    def verbs(self, number: int) -> list[str]:
        return [verb for connection, verb in self.said if connection == number]

    def _accept(self) -> None:
        while not self._ended.is_set():
            try:
                peer = self._server.accept()[0]
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(peer, self.connections))
            self._threads.append(thread)
            thread.start()

    def _serve(self, peer: socket.socket, number: int) -> None:
        self._open.append(peer)
        with suppress(OSError, ValueError):
            if self.tls:
                peer = self.tls.wrap_socket(peer, server_side=True)
                self._open.append(peer)
            self._talk(peer, number)
        with suppress(OSError):
            peer.shutdown(socket.SHUT_RDWR)
        peer.close()

    def _talk(self, peer: socket.socket, number: int) -> None:
        lines = peer.makefile("rb")
        if not self._answer(peer, number, "CONNECT", "", b"220 sink"):
            return
        recipient = ""
        while line := lines.readline().decode().strip():
            verb = line[:4].upper()
            if verb == "EHLO":
                offered = [*self.extensions, *(["STARTTLS"] if self.starttls else [])]
                greeting = "".join(f"250-{each}\r\n" for each in offered)
                peer.sendall(f"250-sink\r\n{greeting}250 AUTH PLAIN\r\n".encode())
                continue
            if verb == "STAR" and self.starttls:
                peer.sendall(b"220 go\r\n")
                lines.close()
                peer = self.starttls.wrap_socket(peer, server_side=True)
                self._open.append(peer)
                lines = peer.makefile("rb")
                continue
            if verb == "QUIT":
                peer.sendall(b"221 bye\r\n")
                return
            if verb == "RCPT":
                recipient = line.partition("<")[2].rstrip(">")
            answer = self._answer(peer, number, verb, line, USUAL[verb])
            if not answer:
                return
            if verb == "DATA" and answer.startswith(b"354"):
                body = self._body(lines)
                answer = self._answer(peer, number, "BODY", recipient, USUAL["BODY"], body=body)
                if not answer:
                    return

    def _answer(
        self,
        peer: socket.socket,
        number: int,
        verb: str,
        line: str,
        usual: bytes,
        body: bytes = b"",
    ) -> bytes:
        """What was said; empty when the connection has ended."""
        with self._lock:
            self.said.append((number, verb))
        answer = self.script(number, verb, line) or usual
        if answer == STALL:
            self._ended.wait()
            return b""
        if verb == "BODY" and (answer.startswith(b"250") or answer == CUT):
            with self._lock:
                self.taken.append((line, body))
        if answer == CUT:
            return b""
        peer.sendall(answer + b"\r\n")
        return answer

    def _body(self, lines) -> bytes:
        taken = b""
        while (line := lines.readline()) != b".\r\n":
            if not line:
                raise ValueError("the connection ended within a message")
            taken += line[1:] if line.startswith(b".") else line
        return taken
