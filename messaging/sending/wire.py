"""What is said on one SMTP connection, without its socket (RFC 5321, RFC 2920).

Where the server offers PIPELINING, the body of one message and the envelope of the next are one
write, as RFC 2920 §3.1 allows, so that a message costs one round trip. The body is only ever said
after the permission: `ask` names the message whose 354 has come, and nothing of it follows by
itself.
"""

from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import Enum, auto

from messaging.rendering import CannotCompose, Wire
from messaging.sending.claims import Claimed
from messaging.sending.outcome import Outcome, told_line

# A reply has one line of at most 512 bytes, or a few (RFC 5321 §4.5.3.1.5); nobody says this much.
LONGEST_REPLY = 64 * 1024
# The server closes the connection with this answer, whatever it was asked (RFC 5321 §3.8).
CLOSING = 421
# Refusals of us, not of a message: no or a wrong login, TLS demanded (RFC 4954 §6, RFC 3207 §4).
OURS_TO_MEND = (454, 530, 535, 538)


# What may follow a reply's code.
ENDS = (b"", b" ", b"-", b"\r", b"\t")


class BrokenTalk(Exception):
    """The server says what no server may say here; only a new connection helps."""


class Step(Enum):
    RESET = auto()
    MAIL = auto()
    RCPT = auto()
    DATA = auto()
    BODY = auto()


@dataclass(slots=True, eq=False)
class Job:
    """One message on its way over one connection. `handed`: its body may have been seen."""

    message: Claimed
    words: Wire
    handed: bool = False
    refused: Outcome | None = None


class Talk:
    """One connection's state: what must be written, which replies are awaited, in order."""

    def __init__(self, extensions: Collection[str]) -> None:
        self.pipelining = "pipelining" in extensions
        self.international = "smtputf8" in extensions
        self.eight_bit = "8bitmime" in extensions
        self.out = bytearray()
        # The message whose envelope is being said, or whose permission is awaited.
        self.current: Job | None = None
        # The message whose body has been said and whose answer is awaited.
        self.handed: Job | None = None
        self.ask: Job | None = None
        self.done: list[tuple[Job, Outcome]] = []
        # The server has said that it ends the connection.
        self.closing = False
        self._received = bytearray()
        self._unsaid: deque[tuple[Step, Job, bytes]] = deque()
        self._awaited: deque[tuple[Step, Job]] = deque()
        self._open_transaction = False
        self._answer: dict[Step, Callable[[Job, int, bytes], None]] = {
            Step.RESET: self._hear_reset,
            Step.MAIL: self._hear_envelope,
            Step.RCPT: self._hear_envelope,
            Step.DATA: self._hear_data,
            Step.BODY: self._hear_body,
        }

    @property
    def is_idle(self) -> bool:
        """Free for the next envelope."""
        return self.current is None and not self.closing and (self.pipelining or not self.handed)

    @property
    def waits(self) -> bool:
        return bool(self._awaited)

    def begin(self, job: Job) -> None:
        """Say the envelope; `ask` becomes the job once the server is ready for its body."""
        self.current = job
        if job.words.international and not self.international:
            reply = "the mail server does not take such addresses"
            self._end(job, Outcome(permanent=True, reply=reply))
            return
        if self._open_transaction:
            self._unsaid.append((Step.RESET, job, b"RSET\r\n"))
            self._open_transaction = False
        options = ""
        if job.words.international:
            options = " SMTPUTF8 BODY=8BITMIME" if self.eight_bit else " SMTPUTF8"
        self._unsaid.extend(
            (
                (Step.MAIL, job, f"MAIL FROM:<{job.words.sender}>{options}\r\n".encode()),
                (Step.RCPT, job, f"RCPT TO:<{job.words.recipient}>\r\n".encode()),
                (Step.DATA, job, b"DATA\r\n"),
            )
        )
        self._say()

    def send_body(self, following: Job | None) -> None:
        """The permitted message's body, and with it the next one's envelope."""
        job = self.ask
        assert job is not None
        job.handed = True
        self.ask, self.current, self.handed = None, None, job
        self.out += stuffed(job.words.body)
        self._awaited.append((Step.BODY, job))
        if following is not None:
            self.begin(following)

    def hear(self, data: bytes) -> None:
        """Replies as they come, in any pieces; what they mean stands in `ask` and `done`."""
        self._received += data
        end = self._received.find(b"\n")
        while end >= 0:
            line = bytes(self._received[:end])
            if not _is_reply(line):
                raise BrokenTalk("a line that is no reply")
            if line[3:4] == b"-":  # one of several lines; only the last one counts
                del self._received[: end + 1]
            else:
                del self._received[: end + 1]
                self._hear_line(line.rstrip(b"\r"))
            end = self._received.find(b"\n")
        if len(self._received) > LONGEST_REPLY:
            raise BrokenTalk("an endless reply")

    def lost(self, why: str) -> None:
        """The connection ended. Whoever's body was said is in doubt, the other is not."""
        for job in (self.handed, self.current):
            if job is not None:
                outcome = job.refused or Outcome(handed=job.handed, cut=True, reply=why)
                self.done.append((job, outcome))
        self.handed = self.current = self.ask = None

    def forget_current(self) -> None:
        """The message was not permitted, and its row says so already."""
        self.current = self.ask = None

    def _say(self) -> None:
        """All that may be said now: everything, or one thing at a time without PIPELINING."""
        while self._unsaid and (self.pipelining or not self._awaited):
            step, job, line = self._unsaid.popleft()
            self._awaited.append((step, job))
            self.out += line

    def _hear_line(self, line: bytes) -> None:
        code = int(line[:3])
        if not self._awaited:
            self.closing = True  # a farewell nobody asked for, as after a time without talk
            if code != CLOSING:
                raise BrokenTalk("a reply to nothing")
            return
        step, job = self._awaited.popleft()
        if code == CLOSING:
            self.closing = True
        if step in (Step.MAIL, Step.RCPT, Step.DATA):
            self._hear_trouble(step, job, code, line[4:])
        self._answer[step](job, code, line[4:])
        self._say()

    def _hear_trouble(self, step: Step, job: Job, code: int, reply: bytes) -> None:
        """Only RCPT and the last answer speak of the message; so MAIL does of such an address."""
        refused = code >= 500 and step != Step.RCPT and not job.words.international
        if (refused or code in OURS_TO_MEND) and job.refused is None:
            job.refused = Outcome(ours=True, reply=told_line(code, reply))
            if not self.pipelining and step != Step.DATA:
                self._unsaid.clear()
                self._end_refused(job)

    def _hear_reset(self, job: Job, code: int, reply: bytes) -> None:
        if code >= 400:
            raise BrokenTalk("RSET was refused")

    def _hear_envelope(self, job: Job, code: int, reply: bytes) -> None:
        if code < 300 or job.refused is not None:
            return
        job.refused = Outcome(
            permanent=code >= 500, cut=code == CLOSING, reply=told_line(code, reply)
        )
        if not self.pipelining:
            self._unsaid.clear()
            self._end_refused(job)

    def _hear_data(self, job: Job, code: int, reply: bytes) -> None:
        if code == 354 and job.refused is None:
            self.ask = job
            return
        if code == 354:
            # Ready for a message that nobody takes: its end would be a mail without words.
            self._end_refused(job)
            raise BrokenTalk("DATA was taken after a refused recipient")
        if job.refused is None:
            if code < 400:
                raise BrokenTalk("DATA was answered like another command")
            job.refused = Outcome(
                permanent=code >= 500, cut=code == CLOSING, reply=told_line(code, reply)
            )
        self._end_refused(job)

    def _hear_body(self, job: Job, code: int, reply: bytes) -> None:
        """An answer ends the doubt, whichever it is; "go on" is none."""
        if code < 200 or 300 <= code < 400:
            raise BrokenTalk("a body was answered like a command")
        self.handed = None
        accepted = code < 400
        self.done.append(
            (
                job,
                Outcome(
                    accepted=accepted,
                    permanent=code >= 500,
                    reply="" if accepted else told_line(code, reply),
                ),
            )
        )

    def _end_refused(self, job: Job) -> None:
        assert job.refused is not None
        # The server may hold on to what it took of the envelope.
        self._open_transaction = True
        self._end(job, job.refused)

    def _end(self, job: Job, outcome: Outcome) -> None:
        self.current = None
        self.done.append((job, outcome))


def _is_reply(line: bytes) -> bool:
    """Three digits, of which the first means something, and not a fourth (RFC 5321 §4.2)."""
    code = line[:3]
    return len(code) == 3 and code.isdigit() and b"1" <= code[:1] <= b"5" and line[3:4] in ENDS


def check_words(words: Wire) -> None:
    """Lines end in CRLF and nothing else does: a lone CR or LF is how one mail becomes two."""
    ends = words.body.count(b"\r\n")
    if words.body.count(b"\n") != ends or words.body.count(b"\r") != ends:
        raise CannotCompose("a lone line break")
    (words.sender + words.recipient).encode()
    if any(each in words.sender + words.recipient for each in "\r\n<>"):
        raise CannotCompose("an address that is none")


def stuffed(body: bytes) -> bytes:
    """With doubled dots at the beginnings of lines, and the end (RFC 5321 §4.5.2)."""
    body = body.replace(b"\r\n.", b"\r\n..")
    if body.startswith(b"."):
        body = b"." + body
    return body + (b".\r\n" if body.endswith(b"\r\n") else b"\r\n.\r\n")
