"""The mails accounts send: each says what happened and what to do, and never asks to buy."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.urls import reverse
from django.utils import timezone, translation

from accounts.models import AccessAlarm, StaffInvitation, SupportQuestion, User
from accounts.policy import CONFIRMATION_PERIOD
from accounts.roles import Role
from accounts.tokens import make_welcome_token
from accounts.zones import city_of, zone_named
from foundation.mail import write_mail


def _address_of(name: str, **kwargs: str) -> str:
    return settings.PORTAL_URL + reverse(name, kwargs=kwargs)


def _write(name: str, user: User, *, to: str = "", **context: Any) -> None:
    """In the person's language and time, to the address in use unless another is named."""
    with timezone.override(zone_named(user.timezone)):
        write_mail(
            f"accounts/mail/{name}",
            to=to or user.email,
            person_id=user.pk,
            language=user.language or settings.LANGUAGE_CODE,
            context={"user": user, **context},
        )


def send_welcome(user: User) -> None:
    """`welcome-confirms`: account and user name, and a link to set the password; never one."""
    _write(
        "welcome",
        user,
        url=_address_of("welcome", token=make_welcome_token(user)),
        until=user.signed_up_at + CONFIRMATION_PERIOD,
        city=city_of(user.timezone),
    )


def send_already_customer(user: User) -> None:
    """Somebody signed up with the address of a confirmed account: only its owner learns of it."""
    _write(
        "already_customer",
        user,
        login_url=_address_of("account_login"),
        reset_url=_address_of("account_reset_password"),
    )


def send_password_reset(user: User) -> None:
    """The link that sets a new password (allauth's page takes it), valid for a day, once."""
    url = _address_of(
        "account_reset_password_from_key",
        uidb36=user_pk_to_url_str(user),
        key=default_token_generator.make_token(user),
    )
    _write("password_reset", user, url=url)


def send_no_account(address: str, *, language: str) -> None:
    """Somebody asked to reset the password of an address that has no account."""
    write_mail(
        "accounts/mail/no_account",
        to=address,
        person_id=None,
        language=language,
        context={"address": address, "signup_url": _address_of("account_signup")},
    )


def send_confirm_address(user: User, *, email: str, key: str) -> None:
    """To the address the account shall move to: nothing moves before its owner agrees."""
    _write(
        "confirm_address",
        user,
        to=email,
        email=email,
        url=_address_of("account_confirm_email", key=key),
    )


def send_address_taken(owner: User) -> None:
    """Somebody wants to move an account to an address that has one: only its owner learns of it."""
    _write("address_taken", owner, login_url=_address_of("account_login"))


def send_address_changed(user: User, *, old_email: str) -> None:
    """The last mail to the old address, so that nobody loses an account without a word."""
    _write(
        "address_changed",
        user,
        to=old_email,
        old_email=old_email,
        new_email=user.email,
    )


def send_deactivated(user: User) -> None:
    """Confirms the deactivation and says how to come back."""
    _write("deactivated", user, login_url=_address_of("account_login"))


def send_reactivated(user: User) -> None:
    """Confirms that the account is active, for whoever did not do it."""
    _write("reactivated", user, url=_address_of("account_profile"))


def send_still_wanted(user: User, *, until: date) -> None:
    """After years deactivated: it is deleted on that day unless its owner returns."""
    _write("still_wanted", user, until=until, login_url=_address_of("account_login"))


def send_token_made(user: User, *, name: str) -> None:
    """Somebody signed in made a key to this account's choices: its owner learns of it."""
    _write("token_made", user, token=name, url=_address_of("account_tokens"))


def send_question_received(question: SupportQuestion) -> None:
    """That it came, and how it will be answered. Says nothing of what was asked: whoever fills in
    a form may have given somebody else's address."""
    _write_to_asker("question_received", question)


def send_question_answered(question: SupportQuestion, text: str) -> None:
    _write_to_asker("question_answered", question, text=text)


def _write_to_asker(name: str, question: SupportQuestion, **context: Any) -> None:
    customer = question.customer
    page = "account_support_thread" if customer else "contact_thread"
    write_mail(
        f"accounts/mail/{name}",
        to=customer.email if customer else question.email,
        person_id=customer.pk if customer else None,
        language=question.language or settings.LANGUAGE_CODE,
        context={
            "question": question,
            "url": _address_of(page, reference=str(question.reference)),
            **context,
        },
    )


def send_look_up_alarm(alarm: AccessAlarm) -> None:
    """To the people who answer for privacy: one of the staff looked up many. It names nobody."""
    page = reverse("admin:accounts_accessalarm_change", args=[alarm.pk])
    write_mail(
        "accounts/mail/look_up_alarm",
        to=settings.PRIVACY_EMAIL,
        person_id=None,
        language=settings.LANGUAGE_CODE,
        context={"alarm": alarm, "url": settings.PORTAL_URL + page},
    )


def send_staff_invitation(invitation: StaffInvitation, *, token: str, language: str) -> None:
    """To whoever shall become staff: nobody has an account yet."""
    with translation.override(language):
        roles = [str(Role(role).label) for role in invitation.roles]
    write_mail(
        "accounts/mail/staff_invitation",
        to=invitation.email,
        person_id=None,
        language=language,
        context={
            "url": _address_of("staff_invitation", token=token),
            "roles": roles,
            "until": invitation.expires_at,
        },
    )


def send_staff_roles(person: User, *, roles: Sequence[Role]) -> None:
    """Whoever has the account learns of every change of what it may do."""
    with translation.override(person.language or settings.LANGUAGE_CODE):
        named = [str(role.label) for role in roles]
    _write("staff_roles", person, roles=named)


def send_staff_confirmation_due(person: User, *, until: datetime) -> None:
    """The year is nearly over: a colleague must say that the account is still needed."""
    _write("staff_confirmation_due", person, until=until)


def send_staff_to_confirm(colleague: User, *, person: User, until: datetime) -> None:
    """To an administrator of roles: look at this account, confirm it or end it."""
    _write(
        "staff_to_confirm",
        colleague,
        person=person,
        until=until,
        url=_address_of("admin:accounts_staffaccount_change", object_id=str(person.pk)),
    )
