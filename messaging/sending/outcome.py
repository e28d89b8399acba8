"""What the other side said of one message."""

from dataclasses import dataclass

from foundation.redaction import redact


@dataclass(frozen=True, slots=True)
class Outcome:
    """`handed`: the body may have reached it. `cut`: the connection ended, which says nothing
    about the message. `ours`: the other side refuses us, whatever the message; the run ends."""

    accepted: bool = False
    permanent: bool = False
    handed: bool = False
    withheld: bool = False
    cut: bool = False
    ours: bool = False
    reply: str = ""


def told_line(code: int, reply: bytes) -> str:
    """The server's answer without the addresses and IPs it may quote (`ip-apart`)."""
    return f"{code} {redact(reply.decode(errors='replace'))}"[:200]
