"""What the pages of consent share."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language

from consent import history, services
from consent.models import ConsentDetail, Preference, Source, State, Topic
from consent.services import Shown
from consent.tokens import RecipientToken

type View = Callable[..., HttpResponse]


def private_link(view: View) -> View:
    """Pages behind a token: never cached, never named to another site, never indexed."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        response = view(request, *args, **kwargs)
        response["Cache-Control"] = "private, no-store"
        response["Referrer-Policy"] = "no-referrer"
        response["X-Robots-Tag"] = "noindex"
        return response

    return wrapped


def shown_on_page(token: RecipientToken | None = None, *, wording: int | None = None) -> Shown:
    """What the person sees on our page: `wording`, or the one in force, in the page's language."""
    return Shown(
        language=get_language() or "",
        wording_version=wording,
        mailing=0 if token is None else token.mailing,
    )


def broken_link(request: HttpRequest, *, status: int = 200) -> HttpResponse:
    """The friendly page for a link that is truncated, old or not ours; it names nobody."""
    return render(request, "consent/broken_link.html", status=status)


@dataclass(frozen=True, slots=True)
class TopicRow:
    """One choice as the preference centre shows it."""

    topic: Topic
    preference: Preference | None
    last: ConsentDetail | None
    can_undo: bool
    now: datetime

    @property
    def is_mail(self) -> bool:
        return self.topic.kind == Topic.Kind.MAIL

    @property
    def is_yes(self) -> bool:
        return self.preference is not None and self.preference.state == State.GRANTED

    @property
    def is_no(self) -> bool:
        return self.preference is not None and not self.is_yes

    @property
    def paused_until(self) -> str:
        until = self.preference.paused_until if self.preference else None
        return history.human_date(until) if until and until > self.now else ""

    @property
    def since(self) -> str:
        return history.since(self.preference) if self.preference else ""


def topic_rows(
    person_id: uuid.UUID, *, source: Source, now: datetime, kind: Topic.Kind = Topic.Kind.MAIL
) -> list[TopicRow]:
    """Every live topic of a kind, with the person's choice and whether it can be undone."""
    preferences = services.current_preferences(person_id)
    changes = services.last_changes(person_id)
    return [
        TopicRow(
            topic=topic,
            preference=preferences.get(topic.pk),
            last=changes.get(topic.pk),
            can_undo=services.can_undo(changes.get(topic.pk), source=source, now=now),
            now=now,
        )
        for topic in Topic.objects.live().filter(kind=kind).with_wording()
    ]
