"""Whoever owns a takedown hears of it when it opens, before it is due, and each day it is late."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.urls import reverse
from django.utils import translation

from accounts.models import User
from consent.history import human_date
from consent.models import Takedown
from consent.policy import TAKEDOWN_NAGGING, TAKEDOWN_SETTLES, TAKEDOWN_WARNING
from foundation.mail import write_mail


def takedowns_to_tell(*, now: datetime) -> Q:
    """What some owner has to hear at this moment.

    A takedown on a page of our own is mostly closed by the portal's own look within a minute.
    """
    warned_at = F("due_at") - TAKEDOWN_WARNING
    late = Q(due_at__lt=now)
    return Q(closed_at=None) & (
        Q(reminded_at=None, opened_at__lte=now - TAKEDOWN_SETTLES)
        | Q(due_at__lte=now + TAKEDOWN_WARNING, reminded_at__lt=warned_at)
        | late & (Q(reminded_at__lt=F("due_at")) | Q(reminded_at__lte=now - TAKEDOWN_NAGGING))
    )


def remind_owners(*, now: datetime) -> int:
    """One mail to each owner for all that is theirs; how many mails. Rows and mails together."""
    with transaction.atomic():
        found = (
            Takedown.objects.filter(takedowns_to_tell(now=now))
            .select_related("use__topic", "owner")
            .prefetch_related("use__topic__wordings")
            .select_for_update(of=("self",), skip_locked=True)
        )
        of_owner: dict[User | None, list[Takedown]] = defaultdict(list)
        for takedown in found:
            of_owner[_reader(takedown.owner)].append(takedown)
        for owner, takedowns in of_owner.items():
            _write(owner, takedowns, now=now)
        told = [each.pk for takedowns in of_owner.values() for each in takedowns]
        Takedown.objects.filter(pk__in=told).update(reminded_at=now)
    return len(of_owner)


def _reader(owner: User | None) -> User | None:
    """None where the owner is no colleague any more: then whoever answers for privacy hears."""
    works_here = owner is not None and owner.is_active and owner.is_staff
    return owner if works_here else None


def _write(owner: User | None, takedowns: Iterable[Takedown], *, now: datetime) -> None:
    """Names nobody: what it is and when it is due stand in the mail, whose it is on our page."""
    language = (owner.language if owner else "") or settings.LANGUAGE_CODE
    listed = sorted(takedowns, key=lambda each: each.due_at)
    with translation.override(language):
        lines = [
            {
                "activity": each.use.topic.wording.in_language("name", language),
                "place": each.use.get_place_display(),
                "day": human_date(each.due_at),
                "late": each.due_at < now,
                "url": _page("admin:consent_takedown_change", each.pk),
            }
            for each in listed
        ]
    write_mail(
        "consent/mail/takedown_due",
        to=owner.email if owner else settings.PRIVACY_EMAIL,
        person_id=owner.pk if owner else None,
        language=language,
        context={
            "user": owner,
            "takedowns": lines,
            "late": any(line["late"] for line in lines),
            "url": _page("admin:consent_takedown_changelist"),
        },
    )


def _page(name: str, *arguments: Any) -> str:
    return settings.PORTAL_URL + reverse(name, args=arguments)


def take_over(takedown: Takedown, *, actor: User) -> bool:
    """From now on it is the actor's; whether it was still open."""
    return bool(Takedown.objects.filter(pk=takedown.pk, closed_at=None).update(owner=actor))
