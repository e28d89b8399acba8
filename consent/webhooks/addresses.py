"""Where a webhook may lead: never into our own network (server-side request forgery).

The name is resolved when a delivery is sent, and the connection goes to the very address that was
checked: a name that answers differently the second time gains nothing.
"""

import ipaddress
import socket
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


class ForbiddenAddressError(Exception):
    """The name leads to no address on the public internet."""


def check_url(url: str) -> None:
    """What can be said without asking the name server; raises `ValidationError`."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port
    except ValueError as error:
        raise ValidationError(_("This is no web address.")) from error
    if not host:
        raise ValidationError(_("This is no web address."))
    if parts.username is not None or parts.fragment:
        raise ValidationError(_("Leave out user names, passwords and anything after a #."))
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_this_machine(host)):
        raise ValidationError(_("Use an address that begins with https://."))
    if _is_this_machine(host):
        return
    try:
        literal = ipaddress.ip_address(host)
    except ValueError:
        return
    if not _is_public(literal):
        raise ValidationError(_("This address is not on the public internet."))


def checked_address(host: str, port: int) -> str:
    """The address to connect to; the name server is asked here and not again."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ForbiddenAddressError("the name cannot be resolved") from error
    for *_rest, address in found:
        text = str(address[0]).partition("%")[0]
        if _may_connect(host, ipaddress.ip_address(text)):
            return text
    raise ForbiddenAddressError("the name leads to no public address")


def _may_connect(host: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return _is_public(address) or (_is_this_machine(host) and address.is_loopback)


def _is_this_machine(host: str) -> bool:
    """For trying things out; never where the portal itself is reached by https."""
    return not settings.SECURE and host in THIS_MACHINE


def _is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Also sees through IPv6 forms that carry an IPv4 address."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if inner is not None:
            return _is_public(inner)
        if address in _NAT64:
            return _is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return address.is_global and not address.is_multicast


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
