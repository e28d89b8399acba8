"""`manage.py check`: the schedule covers every model and field, or the build fails."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error, register
from django.db.models import ForeignKey, Model

from retention.entries import DataClass, Entry, Kind
from retention.policy import BILLING_LIMIT
from retention.schedule import ENTRIES


@register
def check_schedule(**_kwargs: Any) -> list[CheckMessage]:
    return schedule_errors(apps.get_models(include_auto_created=True), ENTRIES)


def schedule_errors(
    models: Sequence[type[Model]], entries: Mapping[str, Entry]
) -> list[CheckMessage]:
    """What the schedule lacks, says of what is not there, or keeps too long."""
    present = {model._meta.label: model for model in models}
    found: list[CheckMessage] = [
        Error(f"retention/schedule.py has no entry for {label}.", obj=label, id="retention.E001")
        for label in present.keys() - entries.keys()
    ]
    for label, entry in entries.items():
        if model := present.get(label):
            found += field_errors(model, entry)
        else:
            found.append(
                Error(
                    f"retention/schedule.py names {label}, which is no model.", id="retention.E003"
                )
            )
        found += period_errors(entry)
    return sorted(found, key=lambda error: (str(error.id), error.msg))


def field_errors(model: type[Model], entry: Entry) -> list[CheckMessage]:
    fields = {field.name: field for field in model._meta.concrete_fields}
    label = entry.model
    found: list[CheckMessage] = [
        Error(f"retention/schedule.py has no entry for {label}.{name}.", id="retention.E002")
        for name in fields.keys() - entry.fields.keys()
    ]
    found += [
        Error(
            f"retention/schedule.py names {label}.{name}, which is no field.", id="retention.E003"
        )
        for name in entry.fields.keys() - fields.keys()
    ]
    for name, field in fields.items():
        points_at_person = (
            isinstance(field, ForeignKey) and field.related_model._meta.label == "accounts.User"
        )
        accounted = {f"{label}.{column}" for column in (entry.subject, *entry.mentions)}
        if points_at_person and f"{label}.{field.attname}" not in accounted | SPECIAL_LINKS:
            found.append(
                Error(
                    f"{label}.{name} names a person, but retention/schedule.py does not say what "
                    "erasing them does to it.",
                    id="retention.E005",
                )
            )
    return found


# The staff member who acted: `erasure.erase_staff_log` takes care of it.
SPECIAL_LINKS = {"admin.LogEntry.user_id"}


def period_errors(entry: Entry) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if not entry.rules and not entry.no_clock:
        found.append(
            Error(
                f"{entry.model} has neither a rule nor a reason why nothing of it ages.",
                id="retention.E006",
            )
        )
    is_financial = any(field.kind == Kind.FINANCIAL for field in entry.fields.values())
    if entry.data_class != DataClass.BILLING and not is_financial:
        return found
    if not entry.rules:
        found.append(
            Error(f"{entry.model} is kept for billing without an end.", id="retention.E004")
        )
    found += [
        Error(f"{rule.name} keeps billing data for more than 7 years.", id="retention.E004")
        for rule in entry.rules
        if rule.period.is_longer_than(BILLING_LIMIT)
    ]
    return found
