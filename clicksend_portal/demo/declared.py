"""Who could reach the made-up company's data beside its staff pages, declared as in life."""

from datetime import datetime

from django.utils import timezone

from retention.models import DeclaredAccess

What = DeclaredAccess.What


def declare_access(*, now: datetime) -> None:
    """Unless somebody has declared anything already."""
    if DeclaredAccess.objects.exists():
        return
    today = timezone.localdate(now)
    DeclaredAccess.objects.bulk_create(
        DeclaredAccess(
            what=what,
            people=2,
            who_nb="to driftere hos oss",
            who_en="two operators of ours",
            why_nb=why_nb,
            why_en=why_en,
            since=today,
            confirmed_on=today,
        )
        for what, why_nb, why_en in (
            (What.DATABASE, "vedlikehold og feilretting", "maintenance and repair"),
            (What.HOST, "oppdatering av maskinene", "updating the machines"),
        )
    )
