"""Mails about deletions: what will happen, what was done, what stays until when, and why."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone, translation

from accounts.models import User
from accounts.zones import zone_named
from foundation.mail import write_mail
from retention.entries import OnErasure, Words
from retention.holdings import PIECES
from retention.models import DeletionRequest, Scope
from retention.staying import Kept, entry_named, kept_as_recorded
from retention.tokens import Purpose, make_token

if TYPE_CHECKING:
    from retention.desk.authorities import Authority


@dataclass(frozen=True, slots=True)
class Line:
    title: Words
    count: int


def send_deletion_confirmed(
    user: User,
    *,
    removed: Mapping[str, int],
    blanked: Mapping[str, Any],
    kept: Sequence[Kept],
    reference: uuid.UUID,
) -> None:
    """Names no account any more: the outbox blanks body and address once it is sent."""
    language = language_of(user)
    stayed = {name: row["count"] for name, row in blanked.items()}
    with translation.override(language):
        write_mail(
            "retention/mail/deletion_confirmed",
            to=user.email,
            person_id=None,
            language=language,
            context={
                "deleted": lines({name: n - stayed.get(name, 0) for name, n in removed.items()}),
                # What is kept until a date stands below.
                "blanked": lines(
                    {n: c for n, c in stayed.items() if entry_named(n).erasure == OnErasure.BLANK}
                ),
                "kept": kept,
                "reference": reference,
                "url": page_of(reference),
            },
        )


def send_deletion_scheduled(user: User, request: DeletionRequest) -> None:
    """When it begins, what has stopped already, and the way back."""
    send_about(user, request, "deletion_scheduled", url=link(Purpose.WITHDRAW, user, request))


def send_deletion_withdrawn(user: User, request: DeletionRequest) -> None:
    """Taken back. Who did not do that learns of it here."""
    sign_in = settings.PORTAL_URL + reverse("account_login")
    send_about(user, request, "deletion_withdrawn", url=sign_in)


def send_deletion_lapsed(user: User, request: DeletionRequest, authority: "Authority") -> None:
    """Nobody confirmed it in time: what was not done and why, how to ask again, and where to
    complain (GDPR art. 12 (4))."""
    page = "deletion_start" if request.scope == Scope.EVERYTHING else "data_overview"
    send_about(
        user,
        request,
        "deletion_lapsed",
        url=settings.PORTAL_URL + reverse(page),
        privacy_email=settings.PRIVACY_EMAIL,
        authority=authority,
    )


def send_deletion_to_confirm(user: User, request: DeletionRequest, *, now: datetime) -> None:
    """Staff began it; only the reader of the confirmed address can let it run."""
    send_about(user, request, "deletion_to_confirm", url=link(Purpose.CONFIRM, user, request))


def send_part_deleted(user: User, request: DeletionRequest) -> None:
    """What was asked for is gone; the account and everything else is as it was."""
    blanked = {name: row["count"] for name, row in request.blanked.items()}
    removed = {name: n - blanked.get(name, 0) for name, n in request.removed.items()}
    with translation.override(language_of(user)):
        send_about(
            user,
            request,
            "part_deleted",
            url=page_of(request.reference),
            deleted=lines(removed),
            blanked=lines(blanked),
            kept=kept_as_recorded(request.kept),
        )


def send_about(user: User, request: DeletionRequest, name: str, *, url: str, **more: Any) -> None:
    """A mail to the owner about one request, in their language and their time."""
    zone = zone_named(user.timezone)
    with translation.override(language_of(user)), timezone.override(zone):
        write_mail(
            f"retention/mail/{name}",
            to=user.email,
            person_id=user.pk,
            language=language_of(user),
            context={
                "user": user,
                "wish": request,
                "whole": request.scope == Scope.EVERYTHING,
                "what": Scope(request.scope).label,
                "url": url,
                **more,
            },
        )


def send_deletions_due(requests: Sequence[DeletionRequest], *, today: date) -> None:
    """To the people who answer for privacy: what is due soon. It names nobody."""
    language = settings.LANGUAGE_CODE
    page = reverse("admin:retention_deletionrequest_changelist")
    with translation.override(language):
        write_mail(
            "retention/mail/deletions_due",
            to=settings.PRIVACY_EMAIL,
            person_id=None,
            language=language,
            context={
                "requests": requests,
                "today": today,
                "url": settings.PORTAL_URL + page,
            },
        )


def link(purpose: Purpose, user: User, request: DeletionRequest) -> str:
    token = make_token(purpose, request.reference, user.address)
    name = "deletion_withdraw" if purpose == Purpose.WITHDRAW else "deletion_confirm"
    return settings.PORTAL_URL + reverse(name, args=[token])


def page_of(reference: uuid.UUID) -> str:
    return settings.PORTAL_URL + reverse("deletion_status", kwargs={"reference": reference})


def language_of(user: User) -> str:
    return user.language or settings.LANGUAGE_CODE


def lines(counts: Mapping[str, int]) -> list[Line]:
    return [
        Line(entry_named(model).title, count)
        for model, count in counts.items()
        if count and model not in PIECES
    ]
