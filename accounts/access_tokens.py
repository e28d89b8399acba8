"""Personal access tokens: made, used and revoked here."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q

from accounts import emails
from accounts.models import PersonalToken, User
from accounts.policy import TOKENS_AT_MOST
from accounts.tokens import api_digest, make_api_secret

PREFIX = "cp_"


class NameTakenError(Exception):
    """The person has a token of that name already."""


class TooManyTokensError(Exception):
    """Whoever needs more should revoke what is no longer used."""


def make_token(
    user: User, *, name: str, scopes: Sequence[str], days: int, now: datetime
) -> tuple[PersonalToken, str]:
    """A new token and its secret, which is shown now and never again; its owner gets a mail."""
    secret = make_api_secret(PREFIX)
    try:
        with transaction.atomic():
            # Two at once queue here, so that the limit holds.
            User.objects.select_for_update().get(pk=user.pk)
            if user.tokens.count() >= TOKENS_AT_MOST:
                raise TooManyTokensError
            token: PersonalToken = user.tokens.create(
                name=name,
                scopes=list(scopes),
                digest=api_digest(secret),
                created_at=now,
                expires_at=now + timedelta(days=days),
            )
            emails.send_token_made(user, name=name)
    except IntegrityError as error:
        if "accounts_token_name" in str(error):
            raise NameTakenError from error
        raise
    return token, secret


def revoke_token(user: User, token_id: uuid.UUID) -> bool:
    """Only one's own; from its commit on the token is as unknown as one that never was."""
    return bool(user.tokens.filter(pk=token_id).delete()[0])


def use_token(secret: str, *, now: datetime) -> PersonalToken | None:
    """The token in force, with its owner; None for unknown, revoked, expired or locked alike."""
    token = (
        PersonalToken.objects.select_related("user")
        .filter(digest=api_digest(secret), expires_at__gt=now, user__is_active=True)
        .first()
    )
    if token is not None and token.last_used_on != now.date():
        PersonalToken.objects.filter(
            Q(last_used_on=None) | Q(last_used_on__lt=now.date()), pk=token.pk
        ).update(last_used_on=now.date())
    return token
