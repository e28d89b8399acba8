"""A single optional mail gets its frame and its way out here, as a campaign's mails do."""

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _

from consent.models import Topic
from consent.tokens import preferences_url, reference_program_url, unsubscribe_url
from messaging.outbox import inline_css
from messaging.rendering.prepared import Rendered, why_optional


def frame(middle: Rendered, topic: Topic, language: str, token: str) -> Rendered:
    """The words of the outbox between our name and the footer; the footer is never the author's.

    A mail of the reference program leads to the page where all of the program is off with one
    press (`reference-by-will`).
    """
    program = topic.kind == Topic.Kind.REFERENCE
    with translation.override(language):
        values = {
            "language": language,
            "subject": middle.subject,
            # Rendered by one of our templates, which escape what they are given.
            "body_html": mark_safe(middle.html),  # noqa: S308
            "body_text": middle.text.strip(),
            "legal_name": settings.LEGAL_NAME,
            "postal_address": settings.POSTAL_ADDRESS,
            "portal_url": settings.PORTAL_URL,
            "why": why_optional(topic, language),
            "unsubscribe_url": unsubscribe_url(token),
            "preferences_url": reference_program_url(token) if program else preferences_url(token),
            "preferences_label": _("Leave the reference program, or choose") if program else "",
        }
        text = render_to_string("messaging/mail/mailing.txt", values)
        html = render_to_string("messaging/mail/mailing.html", values)
    return Rendered(middle.subject, text.strip() + "\n", inline_css(html))
