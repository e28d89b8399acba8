"""Service keys: what our other systems show to the API. Made, used and revoked here."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Q

from accounts.tokens import api_digest, make_api_secret
from consent.models import ServiceKey

PREFIX = "cs_"


def make_service_key(*, name: str, scopes: Sequence[str], now: datetime) -> tuple[ServiceKey, str]:
    """A new key and its secret, which is shown now and never again."""
    secret = make_api_secret(PREFIX)
    key = ServiceKey.objects.create(
        name=name, scopes=list(scopes), digest=api_digest(secret), created_at=now
    )
    return key, secret


def revoke_service_key(key: ServiceKey, *, now: datetime) -> bool:
    """Opens nothing from its commit on; the row stays, for events name the key that wrote them."""
    return bool(ServiceKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=now))


def use_service_key(secret: str, *, now: datetime) -> ServiceKey | None:
    """The key in force; None for an unknown and a revoked one alike."""
    key = ServiceKey.objects.filter(digest=api_digest(secret), revoked_at=None).first()
    if key is not None and key.last_used_on != now.date():
        ServiceKey.objects.filter(
            Q(last_used_on=None) | Q(last_used_on__lt=now.date()), pk=key.pk
        ).update(last_used_on=now.date())
    return key
