"""Links and pictures that watch who reads, or lead to a shop: one half of `marketing_check`."""

import re
from html import escape
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from messaging.contents import find, read

TRACKED = _("The address says by which message the reader came: it tracks.")
HIDDEN = _("A short or redirecting address hides where it leads, and counts who follows it.")
PERSONAL = _("The address carries something of one reader. Links here are the same for everybody.")
BEACON = _("A picture with such an address tells who opened the message.")
SHOP = _("It leads to a page that sells.")

# What tools for campaigns append, by their documentation.
_TRACKING = re.compile(
    r"(?:utm_\w+|pk_\w+|mtm_\w+|piwik_\w+|ga_\w+|_ga|_gl|gclid|gclsrc|dclid|gbraid|wbraid|fbclid|"
    r"msclkid|yclid|ttclid|twclid|li_fat_id|igshid|igsh|mc_cid|mc_eid|mkt_tok|vero_id|vero_conv|"
    r"oly_enc_id|oly_anon_id|wickedid|_hsenc|_hsmi|__hs\w+|hsctatracking|_kx|rb_clickid|s_cid|"
    r"elq\w*|trk\w*|ml_subscriber\w*|ss_\w+|sc_\w+|bsft_\w+|ck_subscriber_id|mbuster\w*|epik)",
    re.IGNORECASE,
)
_SHORT = {
    "bit.ly", "bitly.com", "t.co", "lnkd.in", "tinyurl.com", "goo.gl", "ow.ly", "buff.ly", "is.gd",
    "rebrand.ly", "cutt.ly", "t.ly", "rb.gy", "shorturl.at", "hubs.ly", "hubs.li", "mailchi.mp",
    "dub.sh", "fb.me", "amzn.to", "trib.al", "dlvr.it", "short.io", "tiny.cc", "v.gd", "bl.ink",
    "l.facebook.com", "lm.facebook.com",
}  # fmt: skip
_WATCHING_HOST = re.compile(
    r"(?:^|\.)(?:list-manage\.com|awstrack\.me|mjt\.lu|hubspotlinks\.com|rs6\.net|exacttarget\.com|"
    r"doubleclick\.net|sendibt\d*\.com|klclick\d*\.com|mandrillapp\.com|ct\.sendgrid\.net|"
    r"safelinks\.protection\.outlook\.com)$|^(?:click|clicks|trk|track|tracking|email-?links?)\d*\.",
    re.IGNORECASE,
)
_BEACON = re.compile(
    r"(?:pixel|beacon|spacer|1x1|/open(?:\.gif|\.png|/|$)|/track|/wf/open|/o\.gif|/t\.gif)",
    re.IGNORECASE,
)
_NAMES_A_READER = re.compile(
    r"(?:uid|user|user_?id|person|person_?id|customer|customer_?id|cust|contact|contact_?id|"
    r"recipient|subscriber|subscriber_?id|member|email|e-?mail|mail|token|tok|hash|sig|eid|rid|sid)",
    re.IGNORECASE,
)
# A personal field of ours, or a placeholder of other tools, inside an address.
_PLACEHOLDER = re.compile(r"\{\{?[^{}]+\}?\}|%%[^%]+%%|\*\|[^|]+\|\*|\[\[[^\]]{1,100}\]\]")
# Nobody types such a thing: digits among letters, at length.
_CODE = re.compile(r"(?=[^/]*\d)(?=[^/]*[a-z])[A-Za-z0-9_\-]{20,}")
_SELLS = re.compile(
    r"/(?:offers?|deals?|promos?|promotions?|sale|upgrade|buy|shop|store|checkout|cart|"
    r"black-friday|tilbud|kampanjer?|rabatt(?:er|kode)?|kjop|kjøp|oppgrader|butikk|nettbutikk|"
    r"handlekurv|kasse|bestill)(?:[/.\-_]|$)",
    re.IGNORECASE,
)
_PRICES = re.compile(
    r"/(?:pricing|prices?|plans?|priser|pris|abonnement|pakker)(?:[/.\-_]|$)", re.IGNORECASE
)

_IMAGE = re.compile(
    r"!\[[^\]]{0,500}\]\(\s{0,20}<?([^)\s>]+)|"
    r"<img\b[^>]{0,500}?\bsrc\s{0,20}=\s{0,20}[\"']?([^\"'\s>]+)",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"(?:https?:)?//[^\s<>\"')\]]+|\]\(\s{0,20}<?(/[^)\s>]+)", re.IGNORECASE)
_BARE_SHORT = re.compile(
    rf"(?<![\w./@-])(?:{'|'.join(re.escape(host) for host in sorted(_SHORT))})/[\w\-]+",
    re.IGNORECASE,
)

type Found = tuple[int, int, str | Promise]


def find_links(text: str, *, about_money: bool) -> list[Found]:
    """Addresses that watch, hide or sell, with their places and reasons."""
    found: list[Found] = []
    pictures = []
    for match in _IMAGE.finditer(text):
        part = 1 if match[1] else 2
        pictures.append(match.span(part))
        if why := _why_picture(match[part]):
            found.append((*match.span(part), why))
    for match in _ADDRESS.finditer(text):
        start, end = match.span(1) if match[1] else match.span()
        address = text[start:end].rstrip(".,;:!?")
        end = start + len(address)
        if any(first <= start < last for first, last in pictures):
            continue
        if why := _why_link(address, about_money=about_money):
            found.append((start, end, why))
    found += [(*match.span(), HIDDEN) for match in _BARE_SHORT.finditer(text)]
    return found + _as_readers_get_them(text, found, about_money=about_money)


def _as_readers_get_them(text: str, known: list[Found], *, about_money: bool) -> list[Found]:
    """What only shows once the Markdown is read: entities, escapes, references."""
    contents = read(text)
    judged = {address: _why_link(address, about_money=about_money) for address in contents.links}
    judged |= {address: _why_picture(address) for address, _said in contents.pictures}
    places = [(start, end) for start, end, _why in known]
    found: list[Found] = []
    for address, why in judged.items():
        if why is None:
            continue
        start, end = _place(text, address)
        if all(end <= first or last <= start for first, last in places):
            found.append((start, end, why))
    return found


def _place(text: str, address: str) -> tuple[int, int]:
    """Where it stands, however it is written; all of the text when it is disguised throughout."""
    parts = _split(address)
    place = find(text, address, escape(address), (parts and parts.hostname) or "")
    if place.start is None or place.end is None:
        return 0, len(text)
    return place.start, place.end


def _split(address: str) -> SplitResult | None:
    try:
        return urlsplit(address)
    except ValueError:
        return None


def _why_picture(address: str) -> str | Promise | None:
    parts = _split(address)
    if parts is None or parts.query or _BEACON.search(parts.path):
        return BEACON
    if _PLACEHOLDER.search(unquote(address)):
        return BEACON
    return BEACON if _WATCHING_HOST.search(parts.hostname or "") else None


def _why_link(address: str, *, about_money: bool) -> str | Promise | None:
    if _PLACEHOLDER.search(unquote(address)):
        return PERSONAL
    parts = _split(address)
    if parts is None:
        return None
    host = (parts.hostname or "").removeprefix("www.")
    if host in _SHORT or _WATCHING_HOST.search(host):
        return HIDDEN
    # Some tools hide their parameters behind the number sign.
    given = parse_qsl(parts.query, keep_blank_values=True)
    given += parse_qsl(parts.fragment, keep_blank_values=True) if "=" in parts.fragment else []
    for name, value in given:
        if _TRACKING.fullmatch(name):
            return TRACKED
        if re.match(r"https?:|//", value, re.IGNORECASE):
            return HIDDEN
        if _NAMES_A_READER.fullmatch(name) or "@" in value or _CODE.fullmatch(value):
            return PERSONAL
    path = unquote(parts.path)
    if any(_CODE.fullmatch(piece) for piece in path.split("/")):
        return PERSONAL
    if _SELLS.search(path) or (not about_money and _PRICES.search(path)):
        return SHOP
    return None
