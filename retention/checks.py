"""`manage.py check`: the schedule covers every model and field, or the build fails.

What it says must also be so: names lead somewhere, clocks are dates, periods of billing have an end
within 7 years in every company, no secret is exported, and what outlives an erasure says under
which law.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import FieldDoesNotExist, FieldError
from django.db.models import (
    BinaryField,
    CharField,
    DateField,
    Field,
    ForeignKey,
    Model,
    TextField,
    UUIDField,
)

from retention.entities import entity_periods
from retention.entries import DataClass, Entry, Kind, OnErasure, Removal, Rule, Then
from retention.policy import BILLING_LIMIT
from retention.schedule import ENTRIES
from retention.staying import is_told, outlives


@register
def check_schedule(**_kwargs: Any) -> list[CheckMessage]:
    return schedule_errors(apps.get_models(include_auto_created=True), ENTRIES)


def schedule_errors(
    models: Sequence[type[Model]], entries: Mapping[str, Entry]
) -> list[CheckMessage]:
    """What the schedule lacks, says of what is not there, or keeps too long."""
    # A proxy is another view of a table that has its entry.
    present = {model._meta.label: model for model in models if not model._meta.proxy}
    found: list[CheckMessage] = [
        Error(f"retention/schedule.py has no entry for {label}.", obj=label, id="retention.E001")
        for label in present.keys() - entries.keys()
    ]
    for label, entry in entries.items():
        if model := present.get(label):
            found += field_errors(model, entry)
            found += [*path_errors(model, entry), *secret_errors(model, entry)]
        else:
            found.append(
                Error(
                    f"retention/schedule.py names {label}, which is no model.", id="retention.E003"
                )
            )
        found += [*period_errors(entry), *erasure_errors(entry), *leaving_errors(entry, entries)]
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
    for rule in entry.rules:
        if rule.period.is_longer_than(BILLING_LIMIT):
            found.append(
                Error(f"{rule.name} keeps billing data for more than 7 years.", id="retention.E004")
            )
        found += [
            Error(
                f"{rule.name} keeps billing data of the company {company} for more than 7 years: "
                "see LEGAL_ENTITIES.",
                id="retention.E004",
            )
            for company, period in entity_periods(rule).items()
            if period.is_longer_than(BILLING_LIMIT)
        ]
    return found


# What opens a door, or stands for a person where the thing itself is gone, by the names such
# fields have here and in the apps of others. Raw bytes are never for reading.
SECRET = re.compile(
    r"password|secret|salt|seed|digest|hash|(^|_)token|(^|_)key$|session_data|^data$|(^|_)lease"
)
# A held record's own key: its owner had it already.
NO_SECRETS = {"retention.HeldRow.key"}


def secret_errors(model: type[Model], entry: Entry) -> Iterator[CheckMessage]:
    fields = {field.name: field for field in model._meta.concrete_fields}
    for name in entry.exported_fields:
        looks = SECRET.search(name) or isinstance(fields.get(name), BinaryField)
        if looks and f"{entry.model}.{name}" not in NO_SECRETS:
            yield Error(
                f"retention/schedule.py exports {entry.model}.{name}, which looks like a secret.",
                id="retention.E007",
            )


def path_errors(model: type[Model], entry: Entry) -> Iterator[CheckMessage]:
    """Names in an entry that lead nowhere, and clocks that tell no time."""
    named = [("subject", entry.subject), ("begins", entry.begins)]
    named += [("mentions", name) for name in entry.mentions]
    named += [("blanked", name) for name in entry.blanked]
    named += [("entity", rule.entity) for rule in entry.rules]
    for what, path in named:
        if path and field_at(model, path) is None:
            yield Error(
                f"{entry.model}: {what} names {path}, which is no field.", id="retention.E008"
            )
    for name in entry.blanked:
        field = field_at(model, name)
        if field and not field.null and not isinstance(field, CharField | TextField):
            yield Error(f"{entry.model}.{name} cannot be blanked.", id="retention.E008")
    for rule in entry.rules:
        if not is_clock(field_at(model, rule.clock), rule):
            yield Error(
                f"{rule.name}: its clock {entry.model}.{rule.clock} is no date.",
                id="retention.E008",
            )
        try:
            if rule.only is not None:
                model._base_manager.filter(rule.only)
        except FieldError as error:
            yield Error(f"{rule.name}: its condition is none: {error}", id="retention.E008")


def field_at(model: type[Model], path: str) -> "Field[Any, Any] | None":
    """The column that a path of the ORM leads to, over relations in both directions."""
    first, _, rest = path.partition("__")
    try:
        found: Any = model._meta.get_field(first)
    except FieldDoesNotExist:
        by_column = {field.attname: field for field in model._meta.concrete_fields}
        found = by_column.get(first)
    if not rest:
        return found if isinstance(found, Field) else None
    return field_at(found.related_model, rest) if getattr(found, "related_model", None) else None


def is_clock(field: "Field[Any, Any] | None", rule: Rule) -> bool:
    """A date or a moment; of a table of months its key, which carries the moment (UUIDv7)."""
    if rule.removal == Removal.PARTITIONS:
        return isinstance(field, UUIDField) and field.primary_key
    return isinstance(field, DateField)


# What a rule may say that it leaves, by how it removes.
MAY_LEAVE = {Removal.PARTITIONS: {Then.BLANK, Then.TOTALS}, Removal.BATCHES: {Then.TOTALS}}


def leaving_errors(entry: Entry, entries: Mapping[str, Entry]) -> Iterator[CheckMessage]:
    """What a rule leaves of its rows stands elsewhere, and at least as long."""
    for rule in entry.rules:
        if rule.leaves is None:
            continue
        other = entries.get(rule.leaves.model)
        stays = (
            other is not None
            and other.model != entry.model
            and not any(rule.period.is_longer_than(each.period) for each in other.rules)
        )
        if not stays or rule.leaves.then not in MAY_LEAVE.get(rule.removal, ()):
            yield Error(
                f"{rule.name} says that {rule.leaves.model} stays, which is not so.",
                id="retention.E010",
            )


def erasure_errors(entry: Entry) -> Iterator[CheckMessage]:
    """What outlives a person's erasure, whole or blanked, says why and under which law; and the
    receipt can say until when.
    """
    if outlives(entry) and not is_told(entry):
        yield Error(
            f"{entry.model} outlives an erasure, and no receipt says until when: give it a subject "
            "and a rule, or a way in retention/staying.py.",
            id="retention.E010",
        )
    if outlives(entry) and not (entry.why_kept and entry.law):
        yield Error(
            f"{entry.model} outlives an erasure without saying why and under which law.",
            id="retention.E009",
        )
    if entry.erasure == OnErasure.BLANK and not entry.blanked:
        yield Error(
            f"{entry.model} is blanked without saying which columns.",
            id="retention.E009",
        )
