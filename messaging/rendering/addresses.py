"""Addresses as they go on the wire: checked, and the domain in its ASCII form."""

import re
from email.headerregistry import Address
from email.utils import parseaddr
from functools import lru_cache

from messaging.rendering.errors import CannotCompose

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"(?!-)[A-Za-z0-9-]{1,63}"
_DOMAIN = re.compile(rf"(?=.{{1,253}}$){_LABEL}(?:\.{_LABEL})*")
# RFC 5322 dot-atom. An encoded word (RFC 2047) in it would be decoded by who reads the header.
_PLAIN = re.compile(rf"(?!.*=\?)(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*@{_DOMAIN.pattern}")
# Nothing that ends a line, a mailbox or an envelope; quoted local parts are not taken.
_NEVER = re.compile('[\\s\x00-\x1f\x7f-\x9f<>()\\[\\],;:\\\\"\ud800-\udfff]')
_LONGEST_LOCAL = 64


def is_plain(address: str) -> bool:
    """Whether a header carries the address as it stands."""
    return _PLAIN.fullmatch(address) is not None


def wire_address(address: str) -> str:
    """The address as SMTP speaks it (RFC 5321, RFC 5890); `CannotCompose` for what is none."""
    if is_plain(address):
        return address
    local, _at, domain = address.rpartition("@")
    if not local or "@" in local or "=?" in local or _NEVER.search(address):
        raise CannotCompose("not an address")
    try:
        domain = domain.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise CannotCompose("the domain of the address cannot be written") from error
    if len(local.encode()) > _LONGEST_LOCAL or not _DOMAIN.fullmatch(domain):
        raise CannotCompose("not an address")
    return f"{local}@{domain}"


@lru_cache(maxsize=32)
def sender_address(sender: str) -> Address:
    """Name and address of a sender's setting, the address as it goes on the wire."""
    name, address = parseaddr(sender)
    return Address(name, addr_spec=wire_address(address))
