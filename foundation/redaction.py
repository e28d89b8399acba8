"""Taking out of a line what must not be kept: secrets, queries, e-mail and IP addresses."""

import ipaddress
import re

# Links carry their secret in the path; a line keeps where it led, not whom it let in.
_TOKEN = re.compile(
    r"(/(?:u|p|welcome|staff/invitation|preferences/confirm|password/reset/key"
    r"|confirm-(?:email|address))/)[^\s/?\"']+"
)
# Personal tokens and service keys (`accounts.tokens.make_api_secret`: 32 bytes, URL-safe), and what
# signs webhooks (24 bytes or more in base64).
_SECRET = re.compile(r"(?<![A-Za-z0-9])(?:c[ps]_[A-Za-z0-9_-]{43}|whsec_[A-Za-z0-9+/]{32,}={0,2})")
_QUERY = re.compile(r"\?[^\s\"']*")
# Also a quoted local part (RFC 5321, 4.1.2), and a return address that names another's address
# (`kari=example.no@bounces.example`).
_ADDRESS = re.compile(
    r"(?:\"(?:[^\"\\\r\n]|\\.){1,64}\"|(?:[^\s@<>\"'=:]+=(?=[^\s@<>\"'=:.]+\.))*[^\s@<>\"'=:]+)"
    r"@[^\s@<>\"',;]+"
)
_IPV4 = re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b")
# What may be an IPv6 address, whole or shortened (`2001:db8::1`); a time of day looks alike.
_COLONS = re.compile(r"(?<!\w)[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]{1,45}(?!\w)")
# What PostgreSQL adds to an error: the row, or the key, that it refused. A value may have lines.
_ROW = re.compile(
    r"^(\s*DETAIL: ).*?(?=\n\s*(?:HINT|CONTEXT|QUERY): |\n\n(?:The above exc|During handl)|\Z)",
    re.DOTALL | re.MULTILINE,
)


def without_rows(text: str) -> str:
    """An error of the database without the values it quotes; its own log is as terse."""
    return _ROW.sub(r"\1[row]", text)


def redact(text: str) -> str:
    """The text without secrets, queries, e-mail addresses and IP addresses."""
    text = _SECRET.sub("[secret]", _TOKEN.sub(r"\1[token]", text))
    return without_ips(_ADDRESS.sub("[address]", _QUERY.sub("", text)))


def without_ips(text: str) -> str:
    """Somebody's own words, in which nothing but an IP address is out of place."""
    return _IPV4.sub("[ip]", _COLONS.sub(_without_ipv6, text))


def _without_ipv6(found: re.Match[str]) -> str:
    """`[ip]` for an address, with the full stop or colon that ends its sentence."""
    for address in (found[0], found[0][:-1]):
        try:
            ipaddress.IPv6Address(address)
        except ValueError:
            continue
        return f"[ip]{found[0][len(address) :]}"
    return found[0]
