"""Keyed hashes that keep a no alive when the person's rows are gone."""

from collections.abc import Collection
from datetime import datetime

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet

from accounts.models import User
from consent.models import Suppression
from foundation.addresses import address_hashes
from foundation.calendar import years_later

REVIEW_AFTER_YEARS = 3

_Reason = Suppression.Reason
# What the owner's new yes takes back: only their own word stood behind it.
BARRED_BY_OWN_WILL = (_Reason.COMPLAINT, _Reason.REPLAYED)
# What ends once the owner has shown that the address works and is theirs. A provider's own list
# is not among them: it would refuse the mail, whatever we think.
BARRED_UNTIL_CONFIRMED = (*BARRED_BY_OWN_WILL, _Reason.ERASED, _Reason.HARD_BOUNCE)


@transaction.atomic
def suppress(address: str, *, reason: Suppression.Reason, now: datetime) -> bool:
    """From now on nothing optional reaches the address; twice is once. Whether it is new.

    Written under every live key: a customer's own hashes may be older than the newest of them.
    Their account is held first, as a hand-over holds it: one that has begun ends before the bar
    stands, and none begins until it does. Who also changes choices or messages does so afterwards.
    """
    list(
        User.objects.with_address(address)
        .order_by("pk")
        .select_for_update(no_key=True)
        .values_list("pk")
    )
    is_new = not is_suppressed(address, reasons=(reason,))
    Suppression.objects.bulk_create(
        [
            Suppression(
                key_id=key_id,
                address_hash=digest,
                reason=reason,
                since=now,
                review_on=years_later(now, REVIEW_AFTER_YEARS).date(),
            )
            for key_id, digest in zip(
                settings.SUPPRESSION_KEYS, address_hashes(address), strict=True
            )
        ],
        ignore_conflicts=True,
    )
    return is_new


def standing(address: str) -> QuerySet[Suppression]:
    """What bars the address, looked up under every live key."""
    return Suppression.objects.filter(address_hash__in=address_hashes(address))


def is_suppressed(address: str, *, reasons: Collection[Suppression.Reason] = ()) -> bool:
    """For any reason, or for one of those named."""
    found = standing(address)
    return (found.filter(reason__in=reasons) if reasons else found).exists()


def lift(address: str, *, reasons: tuple[Suppression.Reason, ...]) -> None:
    """The owner of the address acted anew: what stood for these reasons no longer stands."""
    standing(address).filter(reason__in=reasons).delete()


# From each key id to the next by the index: as many steps as there are keys, however many rows.
_USED_KEYS = """
WITH RECURSIVE used (key_id) AS (
    SELECT min(key_id) FROM consent_suppression
    UNION ALL
    SELECT (SELECT min(s.key_id) FROM consent_suppression s WHERE s.key_id > used.key_id)
      FROM used WHERE used.key_id IS NOT NULL
)
SELECT key_id FROM used WHERE key_id IS NOT NULL
"""


def lost_keys() -> set[int]:
    """Key ids that suppressions were written with and that the ring no longer holds."""
    with connection.cursor() as cursor:
        cursor.execute(_USED_KEYS)
        return {row[0] for row in cursor.fetchall()} - set(settings.SUPPRESSION_KEYS)
