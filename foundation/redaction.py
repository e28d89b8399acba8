"""Taking out of a line what must not be kept: tokens, queries, e-mail and IP addresses."""

import re

# Links carry their secret in the path; a line keeps where it led, not whom it let in.
_TOKEN = re.compile(
    r"(/(?:u|p|welcome|preferences/confirm|password/reset/key|confirm-email)/)[^\s/?\"']+"
)
_QUERY = re.compile(r"\?[^\s\"']*")
_ADDRESS = re.compile(r"[^\s@<>\"'=:]+@[^\s@<>\"',;]+")
_IPV4 = re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b")
_IPV6 = re.compile(r"(?i)\b(?:[0-9a-f]{1,4}:){3,7}[0-9a-f]{0,4}\b")


def redact(text: str) -> str:
    """The text without tokens, queries, e-mail addresses and IP addresses."""
    text = _ADDRESS.sub("[address]", _QUERY.sub("", _TOKEN.sub(r"\1[token]", text)))
    return _IPV6.sub("[ip]", _IPV4.sub("[ip]", text))
