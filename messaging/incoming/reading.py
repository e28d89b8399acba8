"""What kind of mail came in. Pure reading: nothing is looked up and nothing is changed."""

import hashlib
import logging
import re
import uuid
from dataclasses import dataclass, field
from datetime import datetime

from consent.tokens import RecipientToken
from foundation.redaction import redact
from messaging.incoming.bounces import Bounce, read_bounce
from messaging.incoming.finding import (
    message_ids,
    token_in_enclosed,
    token_in_first_lines,
    token_in_recipient,
    token_in_subject,
)
from messaging.incoming.letter import Letter
from messaging.models import ProviderEvent

logger = logging.getLogger(__name__)
Kind = ProviderEvent.Kind

RECIPIENT_HEADERS = ("Delivered-To", "X-Original-To", "Envelope-To", "To", "Cc")
# Only programs that answer by themselves write these (RFC 3834, and older habits).
_REPLY_MARKS = (
    "X-Autoreply",
    "X-Autorespond",
    "X-Auto-Reply-From",
    "X-MS-Exchange-Inbox-Rules-Loop",
    "X-Failed-Recipients",
)
_AWAY = re.compile(
    r"\s*(?:automatic reply|auto(?:matic)?[- ]?(?:reply|response|svar)|out of (?:the )?office|"
    r"automatisk svar|autosvar|fravær\w*|ikke til stede|abwesen\w*|automatische antwort|"
    r"réponse automatique|respuesta automática|automatiskt svar|vacation)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One mail in our words. `sender` is what it claims, and no more than a hint."""

    kind: Kind
    identity: str
    why: str = ""
    token: RecipientToken | None = None
    message_ids: tuple[uuid.UUID, ...] = ()
    bounce: Bounce | None = None
    sender: str = ""
    about: str = ""
    sent_at: datetime | None = field(default=None)


def read_mail(raw: bytes, *, recipient: str = "") -> Reading:
    """Never fails: what cannot be read is kept as such, for somebody to look at."""
    try:
        return _read(Letter.from_bytes(raw), recipient=recipient)
    # The parser meets whatever anybody sends, nested as deep as they like.
    except Exception as error:  # noqa: BLE001
        logger.warning("an incoming mail cannot be read: %s", type(error).__name__)
        return Reading(kind=Kind.OTHER, identity=hashlib.sha256(raw).hexdigest(), why="unreadable")


def _read(letter: Letter, *, recipient: str) -> Reading:
    identity, sent_at = letter.identity, letter.sent_at
    sender = next(iter(letter.addresses("From")), "")
    about = redact(letter.header("Subject"))[:200]

    def reading(kind: Kind, why: str = "", token: RecipientToken | None = None) -> Reading:
        return Reading(
            kind=kind,
            identity=identity,
            why=why,
            token=token,
            sender=sender,
            about="" if token else about,
            sent_at=sent_at,
        )

    if (report := letter.part("message/feedback-report")) is not None:
        return _complaint(letter, report, identity=identity, sent_at=sent_at)
    if (bounce := read_bounce(letter)) is not None:
        return Reading(
            kind=Kind.HARD_BOUNCE if bounce.is_hard else Kind.SOFT_BOUNCE,
            identity=identity,
            bounce=bounce,
            message_ids=bounce.message_ids,
            sent_at=sent_at,
        )
    if answers_by_itself(letter):
        return reading(Kind.AUTO_REPLY, why="auto_reply")
    addresses = [recipient, *letter.addresses(*RECIPIENT_HEADERS)]
    token = (
        token_in_recipient(addresses) or token_in_subject(letter) or token_in_first_lines(letter)
    )
    if token is None:
        return reading(Kind.OTHER, why="no_token")
    return reading(Kind.MAILTO, token=token)


def answers_by_itself(letter: Letter) -> bool:
    """An out-of-office answer asks for nothing, even when it quotes a subject with a token.

    A mail program that acts on its user's button may call its mail `auto-generated`, and some
    send with an empty return path; an absence answer does so too, but is an answer: it names the
    mail it answers, or puts words before the subject.
    """
    automatic = letter.header("Auto-Submitted").partition(";")[0].strip().lower()
    if automatic not in ("", "no", "auto-generated"):
        return True
    if letter.content_type == "multipart/report" or any(map(letter.header, _REPLY_MARKS)):
        return True
    if _AWAY.match(letter.header("Subject")):
        return True
    precedence = letter.header("Precedence").strip().lower()
    if precedence.replace("-", "_") == "auto_reply":
        return True
    suspicious = automatic == "auto-generated" or letter.header("Return-Path").strip() == "<>"
    return suspicious and not _asks_plainly(letter)


def _asks_plainly(letter: Letter) -> bool:
    subject = letter.header("Subject").strip()
    is_reply = bool(letter.header("In-Reply-To") or letter.header("References"))
    return not is_reply and bool(re.fullmatch(r"(?i)(?:unsubscribe\W+)?[\w-]{62}", subject))


def _complaint(
    letter: Letter, report: Letter, *, identity: str, sent_at: datetime | None
) -> Reading:
    """RFC 5965. The recipient may be blacked out, so our own marks say who it was."""
    fields = report.message.get_payload()
    feedback = Letter(fields[0]) if isinstance(fields, list) and fields else None  # type: ignore[arg-type]
    kind = feedback.header("Feedback-Type").strip().lower() if feedback else ""
    enclosed = letter.enclosed()
    if kind != "abuse":
        return Reading(
            kind=Kind.OTHER, identity=identity, why="other_feedback", about=redact(kind)[:200],
            sent_at=sent_at,
        )  # fmt: skip
    named = enclosed.headers("Message-ID") if enclosed else []
    return Reading(
        kind=Kind.COMPLAINT,
        identity=identity,
        token=token_in_enclosed(enclosed) if enclosed else None,
        message_ids=tuple(message_ids(" ".join(named))),
        sent_at=sent_at,
    )
