"""Pictures in mails: those uploaded here, named by their digest as `picture:0f3a…`.

A picture from elsewhere is not shown: its server would learn who opened the mail and from which
address (`pages-not-people`, `ip-apart`).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Q
from django.urls import reverse

from messaging.models import MailImage
from messaging.rendering.fields import flat, parser

SCHEME = "picture:"
# As much of the digest as `markdown_of` writes: a shorter name could come to mean another picture.
_NAMED = re.compile(r"picture:([0-9a-f]{12,64})")
# Pictures are stored for sharp screens; the text of a mail is 520 pixels wide.
SHOWN_WIDTH = 520


@dataclass(frozen=True, slots=True)
class Picture:
    """Where a picture lies and how large it is shown."""

    url: str
    width: int
    height: int


def pictures_in(text: str) -> list[str]:
    """The addresses of all pictures a text shows, as written, ours and others."""
    tokens = (token for block in parser().parse(text) for token in flat(block))
    found = (str(token.attrs.get("src", "")) for token in tokens if token.type == "image")
    return list(dict.fromkeys(found))


def find_pictures(addresses: Iterable[str]) -> dict[str, Picture]:
    """Those of the addresses that name one picture of ours, and only one."""
    named = {address: match[1] for address in addresses if (match := _NAMED.fullmatch(address))}
    if not named:
        return {}
    wanted = Q()
    for prefix in named.values():
        wanted |= Q(digest__startswith=prefix)
    # Not in the model's order: the sending role may not read who uploaded what and when.
    rows = MailImage.objects.filter(wanted).order_by("digest")
    rows = rows.only("digest", "content_type", "width", "height")
    found: dict[str, Picture] = {}
    for address, prefix in named.items():
        match [row for row in rows if row.digest.startswith(prefix)]:
            case [row]:
                found[address] = _shown(row)
    return found


def unknown_pictures(text: str) -> list[str]:
    """Pictures that will not be shown: from elsewhere, deleted, or mistyped."""
    addresses = pictures_in(text)
    found: Mapping[str, Picture] = find_pictures(addresses)
    return [address for address in addresses if address not in found]


def _shown(row: MailImage) -> Picture:
    extension = row.content_type.removeprefix("image/").replace("jpeg", "jpg")
    path = reverse("mail_image", kwargs={"digest": row.digest, "extension": extension})
    width = min(row.width, SHOWN_WIDTH)
    height = max(1, round(row.height * width / row.width))
    return Picture(f"{settings.PORTAL_URL}{path}", width, height)
