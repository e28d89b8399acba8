"""What stands in an archive beside the data: a page for people, and the same for programs.

The page says what GDPR Art. 15 (1) and Art. 20 ask for: purposes, classes, recipients, periods,
rights, the authority, the source.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone, translation

from accounts.models import User
from accounts.zones import zone_named
from consent.models import Webhook
from retention.entries import DataClass, Entry
from retention.exporting.tables import Table, columns_of
from retention.words import KIND_WORDS, kinds_of, until_words


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassInArchive:
    """One class of data as the archive holds it."""

    entry: Entry
    table: Table
    count: int

    @property
    def kinds(self) -> str:
        return ", ".join(str(KIND_WORDS[kind]) for kind in kinds_of(self.entry))


def index_page(
    user: User, classes: Sequence[ClassInArchive], *, apart: Sequence[Entry], now: datetime
) -> str:
    """In the language of the moment, by the customer's clock. `apart` is held, and in no file."""
    held = [each for each in classes if each.count]
    chapters = [
        (chapter, [each for each in held if each.entry.data_class == chapter])
        for chapter in DataClass
    ]
    context = {
        "user": user,
        "language": translation.get_language(),
        "made_at": now,
        "chapters": [(chapter, rows) for chapter, rows in chapters if rows],
        "apart": apart,
        "empty": [each for each in classes if not each.count],
        "legal_name": settings.LEGAL_NAME,
        "postal_address": settings.POSTAL_ADDRESS,
        "privacy_email": settings.PRIVACY_EMAIL,
        "portal_url": settings.PORTAL_URL,
        "mail_provider": settings.MAIL_TRANSPORT.esp,
        "systems": list(Webhook.objects.order_by("name").values_list("name", flat=True)),
        "backup_days": settings.BACKUP_DAYS,
    }
    with timezone.override(zone_named(user.timezone)):
        return render_to_string("retention/archive/index.html", context)


def manifest(user: User, classes: Sequence[ClassInArchive], *, now: datetime) -> dict[str, Any]:
    """What each file is, for a program that takes the data over (Art. 20)."""
    return {
        "made_at": now,
        "language": translation.get_language(),
        "controller": {"name": settings.LEGAL_NAME, "email": settings.PRIVACY_EMAIL},
        "customer": {"id": user.pk, "user_id": user.platform_id, "username": user.username},
        "classes": [
            {
                "class": each.entry.model,
                "what": str(each.entry.heading),
                "purpose": str(each.entry.purpose),
                "until": until_words(each.entry),
                "count": each.count,
                "columns": list(columns_of(each.entry).values()),
                "files": [each.table.json_name, each.table.csv_name] if each.count else [],
            }
            for each in classes
        ],
    }
