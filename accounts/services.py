"""What changes an account. Pages, commands and tasks all call these."""

import secrets
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from allauth.account.models import EmailAddress, EmailConfirmation
from django.db import IntegrityError, connection, transaction

from accounts import emails, signals
from accounts.models import Session, User
from accounts.querysets import address_changes, address_changes_pending
from accounts.tokens import digest_of, make_address_key, session_handle
from foundation.ids import uuid7_from


class UsernameTakenError(Exception):
    """Somebody else took the user name between the form's look and the write."""


def display_name(user: User) -> str:
    """How allauth's pages and mails name a person."""
    return user.get_full_name() or user.username


def register_customer(
    *, email: str, answers: Mapping[Any, bool], language: str, now: datetime, **profile: Any
) -> None:
    """Create the account, announce it, and write to the address, all in one transaction.

    A taken address takes the very same steps and gets a mail for its owner instead, so that
    nobody learns from the page, its queries or its mails who is a customer. An account that
    nobody has confirmed yet is taken over by the newer sign-up, and older welcome links die: the
    reader of the mailbox gets what they wrote last, not what somebody else wrote before them.
    """
    candidate = User(
        id=uuid7_from(now, secrets.token_hex(16)), language=language, signed_up_at=now, **profile
    )
    candidate.set_address(email)
    candidate.set_unusable_password()
    try:
        with transaction.atomic():
            waiting = User.objects.customers().unconfirmed().with_address(email)
            waiting.update(email=email, language=language, signed_up_at=now, **profile)
            # In a conflict on the address nothing changes; on the user name it must fail.
            User.objects.bulk_create(
                [candidate],
                update_conflicts=True,
                unique_fields=["address"],
                update_fields=["address"],
            )
            owner = User.objects.with_address(email).get()
            signals.customer_registered.send(
                sender=User,
                person_id=candidate.pk if owner.is_confirmed else owner.pk,
                answers=answers,
                language=language,
                now=now,
            )
            if owner.is_confirmed:
                emails.send_already_customer(owner)
            else:
                emails.send_welcome(owner)
    except IntegrityError as error:
        if "accounts_user_username" in str(error):
            raise UsernameTakenError from error
        raise


@transaction.atomic
def confirm_address(user: User, *, password: str | None, now: datetime) -> bool:
    """The welcome link was used by the owner of the address: from now on a yes counts.

    Without a password the person goes on to make a passkey. False when another request was
    first: the link works once.
    """
    if password is not None:
        user.set_password(password)
    confirmed: int = (
        User.objects.unconfirmed()
        .filter(pk=user.pk)
        .update(email_confirmed_at=now, password=user.password)
    )
    if not confirmed:
        return False
    user.email_confirmed_at = now
    signals.address_confirmed.send(sender=User, user=user, now=now)
    return True


@transaction.atomic
def welcome_again(user: User, *, now: datetime) -> bool:
    """The week to confirm begins anew, with a link of its own; the former one no longer works.

    False when somebody confirmed it in this very moment.
    """
    if not User.objects.unconfirmed().filter(pk=user.pk).update(signed_up_at=now):
        return False
    user.signed_up_at = now
    emails.send_welcome(user)
    return True


@transaction.atomic
def request_address_change(user: User, *, email: str, now: datetime) -> None:
    """Remember the wish, replacing an earlier one, and ask the owner of the new address.

    A taken address takes the same steps, queries and mails; only its owner learns of it.
    """
    address_changes().filter(user=user).delete()
    key, digest = make_address_key()
    wish = EmailAddress.objects.create(user=user, email=email)
    EmailConfirmation.objects.create(email_address=wish, key=digest, created=now, sent=now)
    owner = User.objects.with_address(email).first()
    if owner is None:
        emails.send_confirm_address(user, email=email, key=key)
    else:
        emails.send_address_taken(owner)


def find_address_change(key: str, *, now: datetime) -> EmailAddress | None:
    """The change a link confirms, or None when it is used, replaced, old or not ours."""
    found: EmailAddress | None = (
        address_changes_pending(now)
        .filter(emailconfirmation__key=digest_of(key), user__is_active=True)
        .select_related("user")
        .first()
    )
    return found


def change_address(key: str, *, now: datetime) -> User | None:
    """The owner of the new address agreed: the account moves there, and the old one is told.

    None when the link no longer fits, or the address has got an account in the meantime.
    """
    try:
        with transaction.atomic():
            change = find_address_change(key, now=now)
            if change is None or not address_changes().filter(pk=change.pk).delete()[0]:
                return None
            user: User = User.objects.select_for_update().get(pk=change.user_id)
            old_email, user.email, user.email_confirmed_at = user.email, change.email, now
            user.save(update_fields=["email", "email_confirmed_at"])
            signals.address_confirmed.send(sender=User, user=user, now=now)
            emails.send_address_changed(user, old_email=old_email)
            return user
    except IntegrityError:
        return None


def cancel_address_change(user: User) -> None:
    """The old address stays; the link that was sent no longer works."""
    address_changes().filter(user=user).delete()


def request_password_reset(address: str, *, language: str) -> None:
    """One look-up, one mail, whoever is asked about."""
    with transaction.atomic():
        user = User.objects.with_address(address).filter(is_active=True).first()
        if user is None:
            emails.send_no_account(address, language=language)
        elif user.is_confirmed:
            emails.send_password_reset(user)
        else:
            emails.send_welcome(user)


def update_profile(user: User, **values: Any) -> None:
    """What a person says about themselves, all of it theirs to change."""
    for name, value in values.items():
        setattr(user, name, value)
    user.save(update_fields=list(values))


def choose_language(user: User, language: str) -> None:
    """The language of the account, which its mails and pages follow."""
    update_profile(user, language=language)


@transaction.atomic
def deactivate_account(user: User, *, now: datetime) -> None:
    """No optional and no service mail from now on; signing in and coming back stay possible."""
    changed = User.objects.filter(pk=user.pk, deactivated_at__isnull=True).update(
        deactivated_at=now
    )
    if changed:
        user.deactivated_at = now
        signals.account_deactivated.send(sender=User, user=user, now=now)
        emails.send_deactivated(user)


@transaction.atomic
def reactivate_account(user: User, *, now: datetime) -> None:
    """Back as it was: the choices made before stand as they stood."""
    if User.objects.filter(pk=user.pk, deactivated_at__isnull=False).update(
        deactivated_at=None, asked_to_return_at=None
    ):
        user.deactivated_at = None
        signals.account_reactivated.send(sender=User, user=user, now=now)
        emails.send_reactivated(user)


def is_staying(person_id: uuid.UUID) -> bool:
    """Whether work in the background may go on for them; until the transaction ends they stay.

    Locks the account's row first, as what deletes does, and lets other writers be.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT is_active FROM accounts_user WHERE id = %s FOR KEY SHARE", [person_id]
        )
        return bool(cursor.fetchone() == (True,))


def end_session(user: User, handle: str) -> int:
    """Sign one browser out, named by its handle; only one's own. How many it were."""
    keys = Session.objects.filter(user=user).values_list("pk", flat=True)
    meant = [key for key in keys if session_handle(key) == handle]
    return Session.objects.filter(user=user, pk__in=meant).delete()[0]


def end_other_sessions(user: User, *, keep: str | None) -> int:
    """Sign every other browser out; how many there were."""
    return Session.objects.filter(user=user).exclude(pk=keep).delete()[0]
