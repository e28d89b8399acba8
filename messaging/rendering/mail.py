"""A mail put on paper by the standard library: slow, and the measure of the fast path.

Text and HTML are quoted-printable in lines of at most 76 characters (RFC 2045 6.7), headers one
line each (RFC 5322 allows 998): folding would put encoded words into List-Unsubscribe, and then
no mail program could use it. Only the subject folds, for encoded words are short (RFC 2047 2).
"""

import re
from email.message import EmailMessage
from email.policy import EmailPolicy
from typing import Any

from django.core.mail import EmailMultiAlternatives


class _Wire(EmailPolicy):
    """Headers of one line each, but for the subject."""

    def fold_binary(self, name: str, value: Any) -> bytes:
        longest = 76 if name.lower() == "subject" else 998
        return EmailPolicy.fold_binary(self.clone(max_line_length=longest), name, value)


_BODY = EmailPolicy(linesep="\r\n", max_line_length=76)
_WIRE = _Wire(linesep="\r\n")
_SHORT_AND_PLAIN = re.compile(r"(?!.{68})[!-~]+(?: [!-~]+)*")


class PortalMail(EmailMultiAlternatives):
    """Django's, with a boundary that is known beforehand and the same order of headers always."""

    boundary: str = ""
    envelope_sender: str = ""

    def message(self, *, policy: Any = _BODY) -> EmailMessage:
        mail = EmailMessage(policy=_BODY)
        mail["From"] = self.from_email
        mail["To"] = self.to[0]
        mail["Subject"] = self.subject
        for name, value in self.extra_headers.items():
            mail[name] = value
        mail["MIME-Version"] = "1.0"
        mail.set_content(self.body, cte="quoted-printable")
        for html, _mimetype in self.alternatives:
            mail.add_alternative(html, subtype="html", cte="quoted-printable")
        if mail.is_multipart():
            mail.set_boundary(self.boundary)
        return mail

    def wire_bytes(self, *, international: bool) -> bytes:
        """RFC 5322, or RFC 6532 where the address has letters beyond ASCII."""
        return self.message().as_bytes(policy=_WIRE.clone(utf8=international))


def subject_line(subject: str) -> bytes:
    """The header as `PortalMail` writes it; the quick way for what needs no folding."""
    if _SHORT_AND_PLAIN.fullmatch(subject):
        return b"Subject: %b\r\n" % subject.encode()
    return _WIRE.fold_binary("Subject", _WIRE.header_factory("Subject", subject))
