"""Reads on accounts that pages, admin and tasks share."""

from datetime import datetime
from typing import Any, Self

from django.apps import apps
from django.contrib.auth.models import BaseUserManager
from django.db import transaction
from django.db.models import QuerySet, Value
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.policy import CONFIRMATION_PERIOD
from accounts.roles import Role, begin_with_roles
from accounts.tokens import read_person, welcome_token_fits
from foundation.addresses import normalise_address


class UserQuerySet(QuerySet[Any]):
    def customers(self) -> Self:
        """Everyone who is not staff."""
        return self.filter(is_staff=False)

    def confirmed(self) -> Self:
        """Whose address is confirmed: no yes counts before."""
        return self.filter(email_confirmed_at__isnull=False)

    def unconfirmed(self) -> Self:
        """Who has not used the link of the welcome mail yet."""
        return self.filter(email_confirmed_at__isnull=True)

    def active(self) -> Self:
        """Confirmed and not deactivated: whom a service announcement reaches."""
        return self.customers().confirmed().filter(deactivated_at__isnull=True, is_active=True)

    def with_address(self, address: str) -> Self:
        """Whoever has this address, in any spelling of it."""
        return self.filter(address=normalise_address(address))

    def with_username(self, username: str) -> Self:
        """Whoever has this user name, in any case as PostgreSQL folds it for the constraint."""
        return self.alias(folded=Lower("username")).filter(folded=Lower(Value(username)))

    def with_login(self, login: str) -> Self:
        """Whom a sign-in means: a user name holds no @, so it can never be another's address."""
        return self.with_address(login) if "@" in login else self.with_username(login)

    def welcomed_by(self, token: str, now: datetime) -> Any:
        """The unconfirmed account a welcome link was made for, or None: used, old or not ours."""
        user = self.unconfirmed().filter(pk=read_person(token), is_active=True).first()
        if user is None or now - user.signed_up_at >= CONFIRMATION_PERIOD:
            return None
        return user if welcome_token_fits(token, user) else None


class UserManager(BaseUserManager.from_queryset(UserQuerySet)):  # type: ignore[misc]
    use_in_migrations = False

    def get_by_natural_key(self, username: str | None) -> Any:
        return self.with_username(username or "").get()

    def create_superuser(self, username: str, email: str, password: str, **extra: Any) -> Any:
        """`createsuperuser`: there are none; a staff account with every role, address confirmed."""
        now = timezone.now()
        user = self.model(username=username, email=email, is_staff=True, **extra)
        user.email_confirmed_at = now
        user.set_password(password)
        with transaction.atomic(using=self._db):
            user.save(using=self._db)
            begin_with_roles(user, Role.values, now=now)
        return user


def address_changes() -> "QuerySet[Any]":
    """Changes of address that wait for a confirmation.

    They are the only rows of allauth's `EmailAddress`, each with one `EmailConfirmation` that
    says when it was asked for; the address in use stands in `User.email` alone.
    """
    rows: QuerySet[Any] = apps.get_model("account", "EmailAddress")._default_manager.all()
    return rows


def address_changes_pending(now: datetime) -> "QuerySet[Any]":
    """Those that may still be confirmed."""
    return address_changes().filter(emailconfirmation__created__gt=now - CONFIRMATION_PERIOD)


def address_changes_expired(now: datetime) -> "QuerySet[Any]":
    """Those that nobody confirmed within a week; deleting them takes their confirmation along."""
    return address_changes().exclude(emailconfirmation__created__gt=now - CONFIRMATION_PERIOD)
