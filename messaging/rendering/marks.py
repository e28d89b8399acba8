"""Personal parts of a prepared mail stand as single characters of Unicode's private use area.

No text of an author keeps such a character (`without_marks`), so what is put in for them is only
ever what this package placed there.
"""

import re
from dataclasses import dataclass, field
from html import escape

from messaging.rendering.values import Person, in_running_text

_FIRST = 0xE000
MARK = re.compile("([\ue000-\uf8ff])")
# The recipient's token, in links of the footer.
TOKEN = chr(_FIRST)


@dataclass(frozen=True, slots=True)
class Personal:
    """A field of the reader's profile, and what stands there when it is empty."""

    name: str
    default: str = ""
    # The space before a field that may vanish belongs to it: "Hei {first_name|}," becomes "Hei,".
    lead: str = ""

    def value(self, person: Person) -> str:
        value = getattr(person, self.name) or self.default
        return self.lead + value if value else ""


@dataclass(slots=True)
class Marks:
    """The personal fields of one prepared mail, each with its mark."""

    fields: list[Personal] = field(default_factory=list)

    def place(self, personal: Personal) -> str:
        if personal not in self.fields:
            self.fields.append(personal)
        return chr(_FIRST + 1 + self.fields.index(personal))

    def take_spaces(self, text: str) -> str:
        """Let the fields that may vanish own the space before them."""

        def own(match: re.Match[str]) -> str:
            found = self.of(match[1])
            if found is None or found.default:
                return match[0]
            return self.place(Personal(found.name, lead=" "))

        return re.sub(f" {MARK.pattern}", own, text)

    def of(self, mark: str) -> Personal | None:
        number = ord(mark) - _FIRST - 1
        return self.fields[number] if 0 <= number < len(self.fields) else None

    def fill(self, text: str, token: str, person: Person, *, html: bool) -> str:
        def put(match: re.Match[str]) -> str:
            found = self.of(match[1])
            if found is None:
                return token
            value = in_running_text(found.value(person))
            return escape(value) if html else value

        return MARK.sub(put, text)

    def fill_subject(self, subject: str, person: Person) -> str:
        """One line that no reader takes for an encoded word (RFC 2047)."""

        def put(match: re.Match[str]) -> str:
            found = self.of(match[1])
            return found.value(person) if found else ""

        return " ".join(MARK.sub(put, subject).split()).replace("=?", "= ?")


def without_marks(text: str) -> str:
    return MARK.sub("", text)
