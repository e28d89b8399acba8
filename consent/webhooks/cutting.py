"""A deadline for all of a request.

The timeouts of a socket are for one read each: whoever sends a byte now and then would hold a
thread for hours. So a timer shuts the line down, by a descriptor of its own, for TLS and the reader
of an answer each take the socket away from the connection.
"""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class Deadline:
    """Holds the line of the request that runs; once it is over, every line is shut at once."""

    def __init__(self) -> None:
        self.is_over = False
        self._line: socket.socket | None = None
        self._turn = threading.Lock()

    @property
    def is_watching(self) -> bool:
        return self._line is not None

    def watch(self, line: socket.socket) -> None:
        with self._turn:
            self._drop()
            self._line = socket.socket(fileno=os.dup(line.fileno()))
            if self.is_over:
                self._shut()

    def cut(self) -> None:
        with self._turn:
            self.is_over = True
            self._shut()

    def end(self) -> None:
        with self._turn:
            self._drop()

    def _shut(self) -> None:
        if self._line is not None:
            with suppress(OSError):  # the other side was quicker
                self._line.shutdown(socket.SHUT_RDWR)

    def _drop(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None


_here = threading.local()


@contextmanager
def cut_after(seconds: float) -> Iterator[Deadline]:
    """What this thread sends meanwhile is cut off after that."""
    deadline = Deadline()
    timer = threading.Timer(seconds, deadline.cut)
    timer.daemon = True
    _here.deadline = deadline
    timer.start()
    try:
        yield deadline
    finally:
        timer.cancel()
        _here.deadline = None
        deadline.end()


def _deadline() -> Deadline | None:
    return getattr(_here, "deadline", None)


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        line = super()._new_conn()
        if (deadline := _deadline()) is not None:
            deadline.watch(line)
        return line

    def request(self, *arguments: Any, **named: Any) -> None:
        """On a connection that was kept open too."""
        deadline = _deadline()
        if deadline is not None and not deadline.is_watching and self.sock is not None:
            deadline.watch(self.sock)
        super().request(*arguments, **named)


class _TlsConnection(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


POOLS = {"http": _Pool, "https": _TlsPool}
