"""A real SMTP server that keeps what it is given, as the mail provider of the tests."""

from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message as it came over the wire."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes

    @property
    def message(self) -> EmailMessage:
        return message_from_bytes(self.content, policy=policy.default)

    def text(self, kind: str = "plain") -> str:
        part = self.message.get_body((kind,))
        return "" if part is None else str(part.get_content())


class Mailbox:
    """What arrived, in order; `refuse` answers that line to recipients whose address it names."""

    def __init__(self, host: str, port: int, **smtp: Any) -> None:
        self.deliveries: list[Delivery] = []
        self.refuse: dict[str, str] = {}
        self.controller = Controller(self, hostname=host, port=port, **smtp)

    async def handle_RCPT(  # noqa: N802 - the name aiosmtpd calls
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        rcpt_options: list[str],
    ) -> str:
        if line := self.refuse.get(address):
            return line
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - the name aiosmtpd calls
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        content = envelope.original_content or b""
        recipients = tuple(str(address) for address in envelope.rcpt_tos)
        self.deliveries.append(Delivery(str(envelope.mail_from), recipients, content))
        return "250 OK"

    def to(self, address: str) -> list[Delivery]:
        return [each for each in self.deliveries if address in each.recipients]

    def clear(self) -> None:
        self.deliveries.clear()
        self.refuse.clear()
