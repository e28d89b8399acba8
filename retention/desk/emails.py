"""Mails of the desk: to who asked, to the owner of a list, to who answers for privacy."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.zones import zone_named
from foundation.mail import write_mail
from retention.desk.authorities import authority_for
from retention.models import Breach, PrivacyRequest


def send_request_received(request: PrivacyRequest) -> None:
    """What was asked for, and by when it is answered."""
    send(request, "request_received")


def send_request_extended(request: PrivacyRequest) -> None:
    send(request, "request_extended")


def send_request_answered(request: PrivacyRequest) -> None:
    send(request, "request_answered")


def send_request_refused(request: PrivacyRequest) -> None:
    """With the reason, and where to complain (GDPR art. 12 (4))."""
    send(request, "request_refused", authority=authority_for(request.legal_entity))


def send_request_passed_on(request: PrivacyRequest) -> None:
    send(request, "request_passed_on")


def send(request: PrivacyRequest, name: str, **more: Any) -> None:
    """To the customer's own address, or to the one a stranger gave; else there is a letter."""
    person = User.objects.filter(pk=request.person_id).first() if request.person_id else None
    to = person.email if person else request.email
    if not to:
        return
    zone = zone_named(person.timezone) if person else None
    with timezone.override(zone), translation.override(request.language):
        write_mail(
            f"retention/mail/{name}",
            to=to,
            person_id=person.pk if person else None,
            language=request.language,
            context={
                "wish": request,
                "name": person.get_full_name() if person else request.name,
                "url": settings.PORTAL_URL + reverse("privacy_requests") if person else "",
                "privacy_email": settings.PRIVACY_EMAIL,
                "why": _("You get this because of your request about your data."),
                **more,
            },
        )


def send_request_to_owner(request: PrivacyRequest, owner: User) -> None:
    """To the controller of a list, from us as their processor (GDPR art. 28 (3) (e))."""
    language = owner.language or settings.LANGUAGE_CODE
    with timezone.override(zone_named(owner.timezone)), translation.override(language):
        write_mail(
            "retention/mail/request_to_owner",
            to=owner.email,
            person_id=owner.pk,
            language=language,
            context={
                "user": owner,
                "wish": request,
                "url": settings.PORTAL_URL + reverse("lists"),
                "privacy_email": settings.PRIVACY_EMAIL,
            },
        )


def send_desk_digest(
    new: Sequence[PrivacyRequest], due: Sequence[PrivacyRequest], *, today: date
) -> None:
    """To the privacy address each morning with news: what came, and what is due soon."""
    to_officer(
        "desk_digest",
        new=new,
        due=due,
        today=today,
        url=settings.PORTAL_URL + reverse("admin:retention_privacyrequest_changelist"),
    )


def send_breach_alarm(breach: Breach, *, hours: int) -> None:
    """How much is left of the 72 hours; below nothing, they are over."""
    page = reverse("admin:retention_breach_change", args=[breach.pk])
    to_officer(
        "breach_alarm",
        breach=breach,
        hours=hours,
        is_over=hours <= 0,
        authority=authority_for(breach.legal_entity),
        url=settings.PORTAL_URL + page,
    )


def to_officer(name: str, **context: Any) -> None:
    """It names nobody."""
    language = settings.LANGUAGE_CODE
    with translation.override(language):
        write_mail(
            f"retention/mail/{name}",
            to=settings.PRIVACY_EMAIL,
            person_id=None,
            language=language,
            context={
                "why": _("You get this because this address answers for privacy."),
                **context,
            },
        )
