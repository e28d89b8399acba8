"""Finding our own marks in somebody else's mail: recipient tokens, and keys of our messages."""

import re
import uuid
from collections.abc import Iterator

from django.conf import settings

from consent.tokens import RecipientToken, read_token
from messaging.incoming.letter import Letter

TOKEN_LENGTH = 62
_RUN = re.compile(rf"[A-Za-z0-9_-]{{{TOKEN_LENGTH},2000}}")
_UUID = r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
# A line that is the token alone, or a word of asking before it; never a link with one in it.
_ASKING = re.compile(
    r"^[\W_]*(?:(?:re|sv|vs|fwd?|unsubscribe|avmeld\w*|stop|subject|emne)\W+)*"
    rf"([A-Za-z0-9_-]{{{TOKEN_LENGTH}}})\W*$",
    re.IGNORECASE,
)
# Where somebody else's words begin; from there on a token is quoted, not meant.
_QUOTED = re.compile(
    r"^\s*(?:>|-{2,}|_{5,}|on\b.*\bwrote:|(?:den|from|fra|sent|sendt)\b.*[:@])", re.IGNORECASE
)
FIRST_LINES = 5


def find_token(text: str) -> RecipientToken | None:
    """The first valid token in a text. What is put before or behind it does not hide it."""
    for run in _RUN.finditer(text):
        letters = run[0]
        for start in range(len(letters) - TOKEN_LENGTH + 1):
            if token := read_token(letters[start : start + TOKEN_LENGTH]):
                return token
    return None


def token_in_subject(letter: Letter) -> RecipientToken | None:
    """Also when a mail program has folded it: a token holds no space of its own."""
    subject = letter.header("Subject")
    return find_token(subject) or find_token("".join(subject.split()))


def token_in_recipient(addresses: list[str]) -> RecipientToken | None:
    """`unsubscribe+TOKEN@…`, the mailbox being ours."""
    mailbox, _, domain = settings.UNSUBSCRIBE_MAILBOX.lower().partition("@")
    for address in addresses:
        local, _, host = address.rpartition("@")
        name, plus, detail = local.partition("+")
        if plus and (name.lower(), host.lower()) == (mailbox, domain):
            token = read_token(detail)
            if token is not None:
                return token
    return None


def token_in_first_lines(letter: Letter) -> RecipientToken | None:
    """A line of the person's own that is nothing but the token.

    A reply to a newsletter quotes its links, which hold one too: whoever says thank you has not
    asked to stop.
    """
    lines = (line for line in letter.words().splitlines() if line.strip())
    for _number, line in zip(range(FIRST_LINES), lines, strict=False):
        if _QUOTED.match(line):
            return None
        if (found := _ASKING.match(line.strip())) and (token := read_token(found[1])):
            return token
    return None


def token_in_enclosed(enclosed: Letter) -> RecipientToken | None:
    """In the mail a complaint gives back: its List-Unsubscribe, else the links of its text."""
    for value in enclosed.headers("List-Unsubscribe"):
        if token := find_token(value) or find_token("".join(value.split())):
            return token
    texts = (part.text() for part in enclosed.parts() if part.content_type.startswith("text/"))
    return next((token for text in texts if (token := find_token(text))), None)


def message_ids(text: str) -> Iterator[uuid.UUID]:
    """Keys of messages of ours that a text names as Message-IDs."""
    pattern = rf"<({_UUID})@{re.escape(settings.MAIL_DOMAIN)}>"
    return (uuid.UUID(found[1]) for found in re.finditer(pattern, text, re.IGNORECASE))
