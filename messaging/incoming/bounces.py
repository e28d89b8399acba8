"""What a bounce says about an address (RFC 3464, and what Exim and qmail wrote before it)."""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message

from messaging.incoming.finding import message_ids
from messaging.incoming.letter import Letter, plain_address

_STATUS = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
# Of class 5, yet not about the address (RFC 3463): the mailbox is full or the mail too long, the
# system or the way to it is out of order, the content is refused, or we ourselves are.
_NOT_THE_ADDRESS = re.compile(r"5\.(?:1\.[78]|2\.[23]|3\.\d+|4\.[3567]|6\.\d+|7\.\d+)$")


def find_status(text: str) -> str:
    """The first enhanced status code (RFC 3463) in a text."""
    found = _STATUS.search(text)
    return found[0] if found else ""


def is_hard(status: str) -> bool:
    """Whether the address itself does not work, for good."""
    return status.startswith("5.") and not _NOT_THE_ADDRESS.match(status)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounce:
    """Nothing of it is believed before a message of ours to one of the addresses is found."""

    addresses: tuple[str, ...]
    status: str
    failed: bool
    message_ids: tuple[uuid.UUID, ...]

    @property
    def is_hard(self) -> bool:
        return self.failed and is_hard(self.status)


def read_bounce(letter: Letter) -> Bounce | None:
    """None when it is no bounce."""
    report = letter.part("message/delivery-status")
    if report is not None:
        return _standard(letter, report)
    failed = letter.addresses("X-Failed-Recipients")
    if failed:
        return Bounce(
            addresses=tuple(failed),
            status=find_status(letter.words()),
            failed=True,
            message_ids=_named(letter, extra=letter.words()),
        )
    return None


def _standard(letter: Letter, report: Letter) -> Bounce:
    addresses: list[str] = []
    status, failed = "", False
    for block in _blocks(report):
        final, original = block.header("Final-Recipient"), block.header("Original-Recipient")
        if not final and not original:
            continue
        addresses += filter(None, map(_address, (final, original)))
        if block.header("Action").strip().lower() == "failed":
            failed = True
            status = find_status(block.header("Status")) or status
            # Some write 5.0.0 and say what it is behind it.
            told = find_status(block.header("Diagnostic-Code"))
            status = told if told and status in ("", "5.0.0") else status
        elif not failed:
            status = find_status(block.header("Status")) or status
    return Bounce(
        addresses=tuple(addresses),
        status=status,
        failed=failed,
        message_ids=_named(letter),
    )


def _blocks(report: Letter) -> Iterator[Letter]:
    payload = report.message.get_payload()
    if isinstance(payload, list):
        yield from (Letter(block) for block in payload if isinstance(block, Message))


def _address(value: str) -> str:
    """`rfc822; Kari <kari@example.no>` and `rfc822;kari@example.no`."""
    return plain_address(value.rpartition(";")[2].strip().rpartition("<")[2].rstrip("> "))


def _named(letter: Letter, *, extra: str = "") -> tuple[uuid.UUID, ...]:
    """Our messages the bounce gives back or answers to."""
    texts = [extra]
    for name in ("In-Reply-To", "References", "X-Original-Message-ID"):
        texts += letter.headers(name)
    if (enclosed := letter.enclosed()) is not None:
        texts += enclosed.headers("Message-ID")
    return tuple(dict.fromkeys(message_ids(" ".join(texts))))
