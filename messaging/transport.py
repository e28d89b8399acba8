"""How one message leaves: SMTP spoken by ourselves, or a provider through anymail.

Over SMTP the permission is asked after the server's 354, when nothing but the body is left to
send. A message that is not permitted then drops the connection: the server never sees its end.
"""

import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from email.policy import SMTP
from email.utils import parseaddr
from functools import partial
from typing import Protocol

from anymail.exceptions import AnymailAPIError, AnymailError
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection

from foundation.redaction import redact
from messaging.providers.marking import mark

# Headers keep one line each (RFC 5322 allows 998): folding would put encoded words into
# List-Unsubscribe, and then no mail program could use it.
WIRE = SMTP.clone(max_line_length=998)
# A provider's answers that say nothing about the message: a wrong key, too slow, too fast.
OURS_TO_MEND = (401, 403, 408, 429)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the other side said. `handed`: the body may have reached it."""

    accepted: bool = False
    permanent: bool = False
    handed: bool = False
    withheld: bool = False
    reply: str = ""


class ServerUnreachableError(Exception):
    """The server cannot be reached at all; nothing was handed over."""


class Transport(Protocol):
    def deliver(self, message: EmailMultiAlternatives, permit: Callable[[], bool]) -> Outcome: ...

    def close(self) -> None: ...


class SmtpTransport:
    """One SMTP connection, opened when needed and kept."""

    def __init__(self) -> None:
        self._smtp: smtplib.SMTP | None = None

    def _connection(self) -> smtplib.SMTP:
        if self._smtp is None:
            target = settings.MAIL_TRANSPORT
            try:
                if target.security == "tls":
                    self._smtp = smtplib.SMTP_SSL(
                        target.host,
                        target.port,
                        timeout=settings.SMTP_TIMEOUT,
                        context=ssl.create_default_context(),
                    )
                else:
                    self._smtp = smtplib.SMTP(
                        target.host, target.port, timeout=settings.SMTP_TIMEOUT
                    )
                if target.security == "starttls":
                    self._smtp.starttls(context=ssl.create_default_context())
                self._smtp.ehlo_or_helo_if_needed()
                if target.user:
                    self._smtp.login(target.user, target.password)
            except (OSError, smtplib.SMTPException) as error:
                self.close()
                raise ServerUnreachableError(type(error).__name__) from error
        return self._smtp

    def deliver(self, message: EmailMultiAlternatives, permit: Callable[[], bool]) -> Outcome:
        smtp = self._connection()
        recipient = wire_address(message.to[0])
        if not recipient.isascii() and not smtp.has_extn("smtputf8"):
            return Outcome(permanent=True, reply="the mail server does not take such addresses")
        international = not recipient.isascii()
        try:
            body = message.message(policy=SMTP).as_bytes(policy=WIRE.clone(utf8=international))
        except ValueError as error:  # a line break in a header, half a character
            return Outcome(permanent=True, reply=f"cannot be written: {type(error).__name__}")
        handed = False
        try:
            options = ("SMTPUTF8",) if international else ()
            for step in (
                partial(smtp.mail, parseaddr(message.from_email)[1], options),
                partial(smtp.rcpt, recipient),
                partial(smtp.docmd, "DATA"),
            ):
                code, reply = step()
                if code >= 400:
                    smtp.rset()
                    return Outcome(permanent=code >= 500, reply=_line(code, reply))
            if not permit():
                self.close()
                return Outcome(withheld=True)
            handed = True
            end = b".\r\n" if body.endswith(b"\r\n") else b"\r\n.\r\n"
            # One write: a second one would wait for the peer's delayed acknowledgement, 40 ms.
            smtp.send(smtplib._quote_periods(body) + end)  # type: ignore[attr-defined]
            code, reply = smtp.getreply()
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            return Outcome(handed=handed, reply=f"connection lost: {type(error).__name__}")
        # An answer ends the doubt, whichever it is.
        return Outcome(accepted=code < 400, permanent=code >= 500, reply=_line(code, reply))

    def close(self) -> None:
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None


class ProviderTransport:
    """A provider's API through anymail; the permission is asked right before the call."""

    def __init__(self) -> None:
        self._backend = get_connection(settings.MAIL_TRANSPORT.esp_backend)

    def deliver(self, message: EmailMultiAlternatives, permit: Callable[[], bool]) -> Outcome:
        if not permit():
            return Outcome(withheld=True)
        mark(message)
        try:
            self._backend.send_messages([message])
        except AnymailAPIError as error:
            status = error.status_code
            if status is None:
                return Outcome(handed=True, reply=f"connection lost: {type(error).__name__}")
            permanent = 400 <= status < 500 and status not in OURS_TO_MEND
            return Outcome(permanent=permanent, reply=f"HTTP {status}")
        except AnymailError as error:  # refused as it stands: nothing was sent
            return Outcome(permanent=True, reply=f"refused: {type(error).__name__}")
        return Outcome(accepted=True, reply="accepted")

    def close(self) -> None:
        self._backend.close()


def wire_address(address: str) -> str:
    """The address as SMTP speaks it: the domain in its ASCII form (RFC 5890)."""
    local, _at, domain = address.rpartition("@")
    return f"{local}@{domain.encode('idna').decode()}"


def open_transport() -> Transport:
    return SmtpTransport() if settings.MAIL_TRANSPORT.is_smtp else ProviderTransport()


def _line(code: int, reply: bytes) -> str:
    """The server's answer without the addresses and IPs it may quote (`ip-apart`)."""
    return f"{code} {redact(reply.decode(errors='replace'))}"[:200]
