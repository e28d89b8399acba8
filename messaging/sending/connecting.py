"""How a connection to the SMTP server comes to be: TLS as the setting says, EHLO, AUTH."""

import smtplib
import socket
import ssl
from dataclasses import dataclass

from django.conf import settings


class ServerUnreachableError(Exception):
    """The server cannot be reached at all; nothing was handed over."""


@dataclass(frozen=True, slots=True)
class Connected:
    """A socket that does not block, and what the server has said it can do."""

    socket: socket.socket
    extensions: frozenset[str]


def connect() -> Connected:
    """By the standard library, which may take as long as SMTP_TIMEOUT at each step."""
    target = settings.MAIL_TRANSPORT
    smtp: smtplib.SMTP | None = None
    try:
        if target.security == "tls":
            smtp = smtplib.SMTP_SSL(
                target.host,
                target.port,
                timeout=settings.SMTP_TIMEOUT,
                context=ssl.create_default_context(),
            )
        else:
            smtp = smtplib.SMTP(target.host, target.port, timeout=settings.SMTP_TIMEOUT)
        if target.security == "starttls":
            smtp.starttls(context=ssl.create_default_context())
        smtp.ehlo_or_helo_if_needed()
        if target.user:
            smtp.login(target.user, target.password)
    except (OSError, smtplib.SMTPException, UnicodeError) as error:
        if smtp is not None:
            smtp.close()
        raise ServerUnreachableError(type(error).__name__) from error
    assert smtp.sock is not None
    # The reader goes, the socket stays: nothing is left in it, for the server has been answered.
    reader, smtp.file = smtp.file, None
    if reader is not None:
        reader.close()
    talking, smtp.sock = smtp.sock, None
    talking.setblocking(False)
    # Each write is a whole group of commands: it need not wait to be joined by another.
    talking.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return Connected(talking, frozenset(smtp.esmtp_features))
