"""The mails of the program: optional ones need the grant; what answers a no is account mail."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.zones import zone_named
from consent.models import ReferenceUse, SalesCall, Takedown, Topic
from consent.reference.words import SALES_CALL
from foundation.mail import write_mail, write_optional_mail


def send_words_waiting(person: User, use: ReferenceUse) -> None:
    """Words about them wait for their approval; nothing appears before."""
    _write_optional("reference_words", person, use.topic, use=use, url=_page(f"use-{use.pk}"))


def send_published(person: User, use: ReferenceUse) -> None:
    """What they allowed is shown from now on."""
    _write_optional("reference_published", person, use.topic, use=use, url=_page(f"use-{use.pk}"))


def send_call_request(person: User, call: SalesCall) -> None:
    """One sales call, theirs to accept."""
    topic = Topic.objects.get(slug=SALES_CALL)
    _write_optional("reference_call", person, topic, call=call, url=_page("calls"))


def send_all_is_gone(person: User, gone: Sequence[Takedown]) -> None:
    """Answers their no, so it needs no grant: each place, and what we checked and when."""
    with timezone.override(zone_named(person.timezone)):
        write_mail(
            "consent/mail/reference_gone",
            to=person.email,
            person_id=person.pk,
            language=_language(person),
            context={"user": person, "gone": gone, "url": _page("")},
        )


def _write_optional(name: str, person: User, topic: Topic, **context: Any) -> None:
    with timezone.override(zone_named(person.timezone)):
        write_optional_mail(
            f"consent/mail/{name}",
            to=person.email,
            person_id=person.pk,
            topic_id=topic.pk,
            language=_language(person),
            context={"user": person, "topic": topic, **context},
        )


def _language(person: User) -> str:
    return person.language or settings.LANGUAGE_CODE


def _page(where: str) -> str:
    return settings.PORTAL_URL + reverse("reference_program") + (where and f"#{where}")
