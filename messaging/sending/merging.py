"""One mail for many readers: what is personal stands beside it, and the provider puts it in.

Each provider has its own way to write a place in the words of a mail, and none needs a template
stored there. What the provider will make of it is worked out here beforehand, reader by reader, and
compared with that reader's own mail; where the two differ, the mail goes by itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.core.mail import EmailMultiAlternatives

from messaging.models import Kind
from messaging.providers.marking import MESSAGE_KEY, mark
from messaging.rendering.composing import Ready, person_of, ready, token_of
from messaging.rendering.marks import MARK
from messaging.rendering.values import Person
from messaging.sending.claims import Claimed

# The provider writes these itself; its events name our message by the metadata.
OWN_HEADERS = ("Message-ID", "Date")


@dataclass(frozen=True, slots=True)
class Syntax:
    """How a provider writes a place. Words that hold its beginning would be taken for places."""

    place: str
    beginnings: tuple[str, ...]
    in_subject: bool = True
    extra: Mapping[str, Any] = field(default_factory=dict)

    def write(self, name: str) -> str:
        return self.place.replace("NAME", name)

    def is_in(self, text: str) -> bool:
        return any(beginning in text for beginning in self.beginnings)


# SparkPost merges too, but tells only how many of a call it refused, not whom: one refused reader
# would leave a hundred in doubt. The others merge stored templates only, or have no headers of
# one's own for each reader.
SYNTAXES = {
    "mailgun": Syntax("%recipient.NAME%", ("%recipient",)),
    "mailjet": Syntax("[[var:NAME]]", ("[[", "{{", "{%"), in_subject=False),
    "sendgrid": Syntax("-portal.NAME-", ("-portal.",), extra={"merge_field_format": "-portal.{}-"}),
}


def can_merge(message: Claimed, esp: str) -> bool:
    """Only mailings; and only addresses that have one spelling, for values go by address."""
    is_mailing = message.kind != Kind.ACCOUNT and message.mailing_id is not None
    return esp in SYNTAXES and is_mailing and message.to_address.isascii()


@dataclass(frozen=True, slots=True)
class Form:
    """A mailing in one language with places instead of what is personal."""

    syntax: Syntax
    ready: Ready
    names: Mapping[str, str]
    subject: str
    text: str
    html: str

    @classmethod
    def of(cls, message: Claimed, esp: str) -> "Form":
        assert message.mailing_id is not None
        syntax, mailing = SYNTAXES[esp], ready(message.kind, message.mailing_id, message.language)
        words = mailing.prepared
        names = {each: f"{ord(each):x}" for each in MARK.findall(words.text + words.html)}

        def places(text: str, kind: str) -> str:
            return MARK.sub(lambda found: syntax.write(kind + names[found[1]]), text)

        is_personal = MARK.search(words.subject) is not None
        return cls(
            syntax,
            mailing,
            names,
            syntax.write("subject")
            if is_personal
            else words.marks.fill_subject(words.subject, Person()),
            places(words.text, "t"),
            places(words.html, "h"),
        )

    @property
    def is_fit(self) -> bool:
        """Not where the provider would find places in the author's words, or none in a subject."""
        words = self.ready.prepared
        if MARK.search(words.subject) and not self.syntax.in_subject:
            return False
        return not self.syntax.is_in(MARK.sub("", words.subject + words.text + words.html))

    def fits(self, reader: "Reader", *, now: datetime) -> bool:
        """Whether the filled places make the reader's own mail; keeps what fills them."""
        message, own = reader.message, reader.mail
        token, person = token_of(message, self.ready.source, now), person_of(message)
        fill = self.ready.prepared.marks.fill
        values = {"subject": str(own.subject)} if self.subject != own.subject else {}
        for place, name in self.names.items():
            values[f"t{name}"] = fill(place, token, person, html=False)
            values[f"h{name}"] = fill(place, token, person, html=True)
        if any(map(self.syntax.is_in, values.values())):
            return False
        reader.values = values
        filled = [self.filled(part, values) for part in (self.subject, self.text, self.html)]
        return filled == [own.subject, own.body, own.alternatives[0][0]]

    def filled(self, text: str, values: Mapping[str, str]) -> str:
        """What the provider makes of it."""
        for name, value in values.items():
            text = text.replace(self.syntax.write(name), value)
        return text


@dataclass(slots=True)
class Reader:
    """A message, the mail composed for it, and what fills the places of the common one."""

    message: Claimed
    mail: EmailMultiAlternatives
    values: dict[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return str(self.mail.to[0])


def single(reader: Reader) -> EmailMultiAlternatives:
    """A mail by itself, without what our own way of writing keeps beside it."""
    own = reader.mail
    headers = {name: value for name, value in own.extra_headers.items() if name != "Date"}
    mail = EmailMultiAlternatives(own.subject, own.body, own.from_email, own.to, headers=headers)
    for content, kind in own.alternatives:
        mail.attach_alternative(content, kind)
    mark(mail)
    return mail


def merged(form: Form, readers: Sequence[Reader]) -> EmailMultiAlternatives:
    """One mail to all of them, each of whom gets their own and sees nobody else."""
    headers = [_headers(reader) for reader in readers]
    same = {name: value for name, value in headers[0].items() if _is_same(name, headers)}
    mail = EmailMultiAlternatives(
        form.subject,
        form.text,
        readers[0].mail.from_email,
        [reader.address for reader in readers],
        headers=same,
    )
    mail.attach_alternative(form.html, "text/html")
    mark(mail, is_optional=readers[0].message.kind == Kind.OPTIONAL)
    told: dict[str, Any] = {
        "metadata": {},
        "merge_data": {each.address: each.values for each in readers},
        "merge_metadata": {each.address: {MESSAGE_KEY: str(each.message.id)} for each in readers},
        "merge_headers": {
            reader.address: {name: value for name, value in own.items() if name not in same}
            for reader, own in zip(readers, headers, strict=True)
        },
        "esp_extra": {**getattr(mail, "esp_extra", {}), **form.syntax.extra},
    }
    for name, value in told.items():
        setattr(mail, name, value)
    return mail


def _headers(reader: Reader) -> dict[str, str]:
    return {
        name: value for name, value in reader.mail.extra_headers.items() if name not in OWN_HEADERS
    }


def _is_same(name: str, headers: Sequence[Mapping[str, str]]) -> bool:
    return len({own.get(name) for own in headers}) == 1
