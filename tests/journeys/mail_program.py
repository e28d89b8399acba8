"""A mail program at its unsubscribe button (RFC 8058): no cookie, no referrer, no language."""

import re
from typing import Any
from urllib.parse import urlsplit

from django.test import Client

from tests.mailbox import Delivery

BODY = "List-Unsubscribe=One-Click"
BOUNDARY = "=_mail-program"
MULTIPART = (
    f"--{BOUNDARY}\r\n"
    'Content-Disposition: form-data; name="List-Unsubscribe"\r\n\r\n'
    f"One-Click\r\n--{BOUNDARY}--\r\n"
)
URLENCODED = (BODY, "application/x-www-form-urlencoded")
# What real programs send: facts.md names them.
WAYS = {
    "urlencoded": URLENCODED,
    "with charset": (BODY, "application/x-www-form-urlencoded; charset=utf-8"),
    "multipart": (MULTIPART, f'multipart/form-data; boundary="{BOUNDARY}"'),
}


def address_of(mail: Delivery) -> str:
    """The first address of the header, which is all that some programs read."""
    web, mailto = re.findall(r"<([^>]+)>", mail.message["List-Unsubscribe"])
    assert web.startswith("http")
    assert mailto.startswith("mailto:")
    assert not set(web) & set(",() ")
    return str(web)


def unsubscribe(mail: Delivery, way: tuple[str, str] = URLENCODED) -> Any:
    body, content_type = way
    path = urlsplit(address_of(mail)).path
    return Client(enforce_csrf_checks=True).post(path, body, content_type=content_type)
