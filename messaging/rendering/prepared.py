"""A mailing in one language, rendered once: only the reader's token and fields are still open."""

import re
from dataclasses import dataclass

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from consent.models import Topic
from consent.tokens import preferences_url, unsubscribe_url
from messaging.models import Campaign, Mailing, ServiceAnnouncement
from messaging.outbox import inline_css
from messaging.rendering.blocks import markdown_html, markdown_text
from messaging.rendering.fields import place_in_line
from messaging.rendering.marks import TOKEN, Marks, without_marks
from messaging.rendering.values import Person

# Markup is indented for those who read the templates; a mail weighs a fifth less without.
_INDENTS = re.compile(r"\n\s+")

# Whom a preview greets.
SAMPLE = Person("Kari", "Nordmann", "Nordmann AS")
# Stands where the token of a reader will, and opens nothing.
PREVIEW = "preview"


@dataclass(frozen=True, slots=True)
class Rendered:
    """One mail as its reader gets it."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Prepared:
    """Subject, text and HTML with marks where the personal parts belong."""

    subject: str
    text: str
    html: str
    marks: Marks

    def fill(self, token: str, person: Person) -> Rendered:
        return Rendered(
            self.marks.fill_subject(self.subject, person),
            self.marks.fill(self.text, token, person, html=False),
            self.marks.fill(self.html, token, person, html=True),
        )


def prepare(mailing: Mailing, language: str) -> Prepared:
    """Render a mailing in one language, with its footer; the footer is never the author's."""
    marks = Marks()

    def line(field: str) -> str:
        return place_in_line(without_marks(mailing.text(field, language)), marks)

    with translation.override(language):
        body = mailing.text("body", language)
        values = {
            "language": language,
            "subject": line("subject"),
            "preheader": line("preheader"),
            "body_html": markdown_html(body, marks),
            "body_text": markdown_text(body, marks),
            "legal_name": settings.LEGAL_NAME,
            "postal_address": settings.POSTAL_ADDRESS,
            "portal_url": settings.PORTAL_URL,
            **footer(mailing, language),
        }
        text = render_to_string("messaging/mail/mailing.txt", values)
        html = inline_css(render_to_string("messaging/mail/mailing.html", values))
    return Prepared(
        marks.take_spaces(values["subject"]),
        marks.take_spaces(_tidy(text)),
        marks.take_spaces(_tidy(html if "<pre" in html else _INDENTS.sub("\n", html))),
        marks,
    )


def _tidy(part: str) -> str:
    """No space at the end of a line, no empty line around the whole: neither says anything."""
    return "\n".join(line.rstrip() for line in part.strip().splitlines()) + "\n"


def footer(mailing: Mailing, language: str) -> dict[str, str]:
    """Why this mail came, and the way out. Only optional mail has an unsubscribe link."""
    if isinstance(mailing, Campaign):
        topic = Topic.objects.with_wording().get(pk=mailing.topic_id)
        return {
            "why": why_optional(topic, language),
            "unsubscribe_url": unsubscribe_url(TOKEN),
            "preferences_url": preferences_url(TOKEN),
        }
    assert isinstance(mailing, ServiceAnnouncement)
    why = _(
        "This is a service message about your account. Every customer with an active account "
        "gets it, and it never advertises. Deactivating the account stops service messages."
    )
    return {"why": why, "unsubscribe_url": "", "preferences_url": ""}


def why_optional(topic: Topic, language: str) -> str:
    return _("You get this email because you said yes to “%(topic)s”.") % {
        "topic": topic.wording.in_language("name", language)
    }


def render_preview(mailing: Mailing, language: str, *, person: Person = SAMPLE) -> Rendered:
    """What staff see before anything is sent; the links lead nowhere."""
    return prepare(mailing, language).fill(PREVIEW, person)
