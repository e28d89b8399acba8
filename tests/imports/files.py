"""Customer files as the account system exports them, small and told field by field."""

import csv
from pathlib import Path
from typing import Any

from django.utils import timezone

from consent.imports.checking import Rejection
from consent.imports.columns import COLUMNS
from consent.imports.importing import Summary, import_customers
from consent.imports.reading import CustomerFile

GOOD = {
    "user_id": "100002",
    "username": "kari",
    "user_email": "kari@shop.test",
    "user_phone": "+4793766182",
    "user_first_name": "Kari",
    "user_last_name": "Nordmann",
    "account_name": "Nordmann AS",
    "country": "NO",
    "timezone": "Europe/Oslo",
    "language": "nb",
    "date_sign_up": "1626560699",
    "active": "1",
    "topic_newsletter": "granted",
    "topic_product_news": "refused",
    "topic_special_offers": "",
    "choice_source": "signup",
    "choice_at": "2022-01-04T22:24:59+00:00",
    "reference_program": "",
    "support_channel": "email",
}


def record(number: int = 0, **changes: str) -> dict[str, str]:
    """A good record, its own for each number, with these fields changed."""
    own = {
        "user_id": str(100002 + 7 * number),
        "username": f"kari{number}",
        "user_email": f"kari{number}@shop.test",
    }
    return {**GOOD, **own, **changes}


def write_file(path: Path, *records: dict[str, str], columns: tuple[str, ...] = COLUMNS) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(records)
    return path


def run_import(path: Path, *, dry_run: bool = False) -> tuple[Summary, list[Rejection]]:
    rejections: list[Rejection] = []
    summary = import_customers(
        CustomerFile(path),
        now=timezone.now(),
        reject=rejections.append,
        advance=lambda _number: None,
        dry_run=dry_run,
    )
    return summary, rejections


def read_rows(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))
