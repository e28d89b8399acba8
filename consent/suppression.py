"""Keyed hashes that keep a no alive when the person's rows are gone."""

from datetime import datetime

from django.conf import settings

from consent.models import Suppression
from foundation.addresses import active_address_hash, address_hashes
from foundation.calendar import years_later

REVIEW_AFTER_YEARS = 3


def suppress(address: str, *, reason: Suppression.Reason, now: datetime) -> None:
    """From now on nothing optional reaches the address; twice is once."""
    key_id, digest = active_address_hash(address)
    Suppression.objects.bulk_create(
        [
            Suppression(
                key_id=key_id,
                address_hash=digest,
                reason=reason,
                since=now,
                review_on=years_later(now, REVIEW_AFTER_YEARS).date(),
            )
        ],
        ignore_conflicts=True,
    )


def is_suppressed(address: str) -> bool:
    """Looked up under every live key."""
    return Suppression.objects.filter(address_hash__in=address_hashes(address)).exists()


def lift(address: str, *, reasons: tuple[Suppression.Reason, ...]) -> None:
    """The owner of the address acted anew: what stood for these reasons no longer stands."""
    Suppression.objects.filter(
        address_hash__in=address_hashes(address), reason__in=reasons
    ).delete()


def lost_keys() -> set[int]:
    """Key ids that suppressions were written with and that the ring no longer holds."""
    used = set(Suppression.objects.values_list("key_id", flat=True).distinct())
    return used - set(settings.SUPPRESSION_KEYS)
