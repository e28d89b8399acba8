"""What a reader's profile says, made fit for one line of a mail.

Whoever signs up with a stranger's address chooses the name we greet them by: it must never become
a line of a header, a piece of markup or a link.
"""

import re
from dataclasses import dataclass

# Controls and separators end lines somewhere, and direction marks turn the words after them.
_BREAKS = re.compile("[\\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_UNWANTED = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069\ue000-\uf8ff\ufeff\ud800-\udfff]")
# Mail programs make links of what looks like an address; an unseen space keeps it text.
_LINK_LIKE = re.compile(r"(?<=\S)[.:@](?=\S)")
_PLAIN = re.compile(r"[\w'-]+(?: [\w'-]+)*")


@dataclass(frozen=True, slots=True)
class Person:
    """The fields a mail may name, each a clean line, perhaps empty."""

    first_name: str = ""
    last_name: str = ""
    company: str = ""


def one_line(value: str) -> str:
    if _PLAIN.fullmatch(value):
        return value
    return _BREAKS.sub(" ", _UNWANTED.sub("", value)).strip()


def in_running_text(value: str) -> str:
    """The same words, in which no mail program finds an address to link to."""
    if _PLAIN.fullmatch(value):
        return value
    return _LINK_LIKE.sub("\\g<0>\u200b", value)
