"""What a person takes along: every exported field of the schedule, and nothing of anybody else."""

import uuid
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from django.db.models import Model

from accounts.models import User
from consent.models import Topic
from retention.holdings import rows_about
from retention.schedule import model_of, personal_entries


def export_person(user: User, *, now: datetime) -> dict[str, Any]:
    """`account` in the names of ClickSend's API; `data` per class, with its purpose and its end."""
    return {
        "made_at": now,
        "account": account(user),
        "data": {section["model"]: section for section in sections(user.pk) if section["rows"]},
    }


def account(user: User) -> dict[str, Any]:
    return {
        "user_id": user.platform_id,
        "username": user.username,
        "user_email": user.email,
        "user_phone": str(user.phone),
        "user_first_name": user.first_name,
        "user_last_name": user.last_name,
        "account_name": user.company,
        "country": str(user.country),
        "timezone": user.timezone,
        "date_sign_up": int(user.signed_up_at.timestamp()),
    }


def sections(person_id: uuid.UUID) -> Iterator[dict[str, Any]]:
    topics = {topic.pk: topic for topic in Topic.objects.with_wording()}
    for entry in personal_entries():
        if not entry.exported:
            continue
        model = model_of(entry)
        columns = [model._meta.get_field(name).attname for name in entry.exported_fields]  # type: ignore[union-attr]
        rows = rows_about(entry, person_id).order_by("pk")
        yield {
            "model": entry.model,
            "what": str(entry.title),
            "purpose": str(entry.purpose),
            "kept": entry.until,
            "rows": [exported_row(row, columns, topics) for row in rows],
        }


def exported_row(
    row: Model, columns: Iterable[str], topics: Mapping[uuid.UUID, Topic]
) -> dict[str, Any]:
    """The columns as they are; a topic's key says nothing to a reader, so its name stands by it."""
    values: dict[str, Any] = {}
    for name in columns:
        value = row.serializable_value(name)
        values[name] = readable(value)
        if name == "topic_id":
            topic = topics.get(value)
            values["topic_slug"] = topic.slug if topic else None
            values["topic_name"] = topic.name if topic else None
    return values


def readable(value: Any) -> Any:
    """Values that JSON has a form for stay; the others (a phone, a country) are text."""
    if value is None or isinstance(value, bool | int | str | datetime | list | dict):
        return value
    return str(value)
