"""Another system: a real HTTP server that notes what it gets and answers as it is told."""

import base64
import hashlib
import hmac
import json
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Got:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def message(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    def is_signed_with(self, secret: str) -> bool:
        """As the specification words it, without any code of ours."""
        key = base64.b64decode(secret.split("_", 1)[1])
        signed = (
            f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode()
            + self.body
        )
        wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        return f"v1,{wanted}" in self.headers["webhook-signature"].split(" ")


class Dripping:
    """Answers a byte now and then, for ever: no read of a socket ever times out."""

    BEGINNINGS: ClassVar[dict[str, bytes]] = {
        "headers": b"HTTP/1.1 200 OK\r\nX-Long: ",
        "body": b"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n1;",
    }

    def __init__(self, what: str) -> None:
        self.beginning = self.BEGINNINGS[what]
        self.over = threading.Event()
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://localhost:{self.listening.getsockname()[1]}/"

    def __enter__(self) -> "Dripping":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                line, _ = self.listening.accept()
                threading.Thread(target=self._drip, args=(line,), daemon=True).start()

    def _drip(self, line: socket.socket) -> None:
        with line, suppress(OSError):
            line.sendall(self.beginning)
            while not self.over.wait(0.1):
                line.sendall(b"x")


@dataclass
class Receiver:
    """`status` is the answer to each; `body` what it says; `delay` how long it thinks first."""

    status: int = 200
    body: bytes = b"thank you"
    delay: float = 0
    extra: dict[str, str] = field(default_factory=dict)
    got: list[Got] = field(default_factory=list)
    server: ThreadingHTTPServer | None = None

    def start(self) -> None:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"  # connections are kept open, as by servers in life

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append(
                    Got(self.path, {k.lower(): v for k, v in self.headers.items()}, body)
                )
                time.sleep(receiver.delay)
                self.send_response(receiver.status)
                for name, value in receiver.extra.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(receiver.body)))
                self.end_headers()
                self.wfile.write(receiver.body)

            def log_message(self, *_arguments: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            request_queue_size = 64

        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        assert self.server is not None
        self.server.shutdown()
        self.server.server_close()

    @property
    def url(self) -> str:
        assert self.server is not None
        return f"http://localhost:{self.server.server_address[1]}/hook?from=portal"

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [each.message for each in self.got]
