"""What everybody may read of the reference program: granted and approved, and nothing else.

Asked anew for each reader, in one query; pages and the API may be kept by caches for
`policy.REFERENCES_CACHED`, so that a no is obeyed within a minute, caches included.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.utils.translation import get_language

from consent.models import Preference, ReferenceText, ReferenceUse, State
from consent.policy import REFERENCES_SHOWN
from consent.reference.words import WORDLESS, activity_of


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicReference:
    """One entry of `/references/`; `text` and `language` are empty where only a name is shown."""

    id: uuid.UUID
    activity: str
    activity_name: str
    title: str
    text: str
    language: str
    since: datetime


def published_uses(*, now: datetime) -> QuerySet[ReferenceUse]:
    """The uses on our own page that a yes stands behind at this moment.

    The database publishes nothing else; asking again costs nothing and forgives nothing.
    """
    yes = Preference.objects.filter(
        Q(paused_until=None) | Q(paused_until__lte=now),
        person=OuterRef("person"),
        topic=OuterRef("topic"),
        state=State.GRANTED,
    )
    found: QuerySet[ReferenceUse] = ReferenceUse.objects.filter(
        Exists(yes),
        person__deactivated_at=None,
        person__is_active=True,
        place=ReferenceUse.Place.REFERENCES,
        state=ReferenceUse.State.PUBLISHED,
        topic__retired_at=None,
    )
    return found


def public_references(*, now: datetime, language: str = "") -> list[PublicReference]:
    """Newest first, in the reader's language where it was written in it."""
    code = (language or get_language() or "nb")[:2]
    approved = ReferenceText.objects.filter(
        staff_approved_at__isnull=False,
        customer_approved_at__isnull=False,
        customer_declined_at=None,
    ).order_by("-version")
    uses = (
        published_uses(now=now)
        .select_related("topic")
        .prefetch_related("topic__wordings", Prefetch("texts", approved, to_attr="approved"))
        .order_by("-published_at", "-pk")[:REFERENCES_SHOWN]
    )
    return [entry for use in uses if (entry := _entry(use, code)) is not None]


def _entry(use: ReferenceUse, code: str) -> PublicReference | None:
    texts: list[ReferenceText] = getattr(use, "approved")  # noqa: B009 - set by the prefetch
    text, written_in = _words(texts[0], code) if texts else ("", "")
    if use.topic.slug not in WORDLESS and not text:
        return None
    return PublicReference(
        id=use.pk,
        activity=activity_of(use.topic),
        activity_name=use.topic.wording.in_language("name", code),
        title=use.title,
        text=text,
        language=written_in,
        since=use.published_at or use.planned_at,
    )


def _words(text: ReferenceText, code: str) -> tuple[str, str]:
    """In the reader's language, else in the other, which is then named."""
    said = {"nb": text.text_nb, "en": text.text_en}
    chosen = code if said.get(code) else next(each for each, words in said.items() if words)
    return said[chosen], chosen
