"""From a mailing to what a person reads: Markdown to HTML and text, prepared once per language.

Only the links differ from person to person. They stand in the prepared parts as marks that no
Markdown can produce, and are put in before the mail is encoded, never into encoded bytes.
"""

import re
from dataclasses import dataclass

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _
from markdown_it import MarkdownIt

from consent.models import Topic
from messaging.models import Campaign, Mailing, ServiceAnnouncement
from messaging.outbox import inline_css

_UNSUBSCRIBE = "portalmarkunsubscribe"
_PREFERENCES = "portalmarkpreferences"
_markdown = MarkdownIt("commonmark", {"html": False})


@dataclass(frozen=True, slots=True)
class Rendered:
    """One mail as its reader gets it."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Prepared:
    """A mailing in one language, rendered but for the links."""

    subject: str
    text: str
    html: str

    def fill(self, *, unsubscribe_url: str, preferences_url: str) -> Rendered:
        def put(part: str) -> str:
            return part.replace(_UNSUBSCRIBE, unsubscribe_url).replace(
                _PREFERENCES, preferences_url
            )

        return Rendered(self.subject, put(self.text), put(self.html))


def prepare(mailing: Mailing, language: str) -> Prepared:
    """Render a mailing in one language, with its footer; the footer is never the author's."""
    with translation.override(language):
        body = mailing.text("body", language)
        values = {
            "language": language,
            "subject": mailing.text("subject", language),
            "preheader": mailing.text("preheader", language),
            "body_html": markdown_html(body),
            "body_text": markdown_text(body),
            "legal_name": settings.LEGAL_NAME,
            "postal_address": settings.POSTAL_ADDRESS,
            "portal_url": settings.PORTAL_URL,
            **footer(mailing, language),
        }
        return Prepared(
            values["subject"],
            render_to_string("messaging/mail/mailing.txt", values),
            inline_css(render_to_string("messaging/mail/mailing.html", values)),
        )


def footer(mailing: Mailing, language: str) -> dict[str, str]:
    """Why this mail came, and the way out. Only optional mail has an unsubscribe link."""
    if isinstance(mailing, Campaign):
        topic = Topic.objects.with_wording().get(pk=mailing.topic_id)
        why = _("You get this email because you said yes to “%(topic)s”.") % {
            "topic": topic.wording.in_language("name", language)
        }
        return {"why": why, "unsubscribe_url": _UNSUBSCRIBE, "preferences_url": _PREFERENCES}
    assert isinstance(mailing, ServiceAnnouncement)
    why = _(
        "This is a service message about your account. Every customer with an active account "
        "gets it, and it never advertises. Deactivating the account stops service messages."
    )
    return {"why": why, "unsubscribe_url": "", "preferences_url": ""}


def render_preview(mailing: Mailing, language: str) -> Rendered:
    """What staff see before anything is sent; the links lead nowhere."""
    return prepare(mailing, language).fill(
        unsubscribe_url=f"{settings.PORTAL_URL}/u/preview/",
        preferences_url=f"{settings.PORTAL_URL}/p/preview/",
    )


def markdown_html(source: str) -> str:
    """Safe HTML: raw HTML is shown as text, and a `javascript:` link is no link."""
    return str(_markdown.render(source))


_LINK = re.compile(r"(!?)\[([^\]]*)\]\(\s*<?([^)\s>]+)>?[^)]*\)")
_EMPHASIS = re.compile(r"(\*\*|__|\*|(?<!\w)_)(?=\S)(.+?)(?<=\S)\1")
_HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$", re.MULTILINE)


def markdown_text(source: str) -> str:
    """The same words for readers of plain text: links as "words (address)", headings as lines."""
    text = source.replace("\r\n", "\n")
    text = _LINK.sub(lambda m: m[2] if m[1] else f"{m[2]} ({m[3]})", text)
    text = _HEADING.sub(lambda m: m[1], text)
    return _EMPHASIS.sub(lambda m: m[2], text).strip()
