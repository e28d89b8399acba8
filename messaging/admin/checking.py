"""The checklist as the page shows it: what is to be mended, what to look at, what is in order."""

from dataclasses import dataclass
from typing import Any

from django.utils.text import capfirst

from messaging.checklist import Problem, checklist, link_addresses
from messaging.models import Mailing


@dataclass(frozen=True, slots=True)
class Row:
    """A problem beside the name of its field, which the link leads to."""

    label: str
    problem: Problem


def checklist_context(mailing: Mailing) -> dict[str, Any]:
    items = checklist(mailing)
    labels = {field.name: str(capfirst(field.verbose_name)) for field in mailing._meta.fields}
    rows = [Row(labels[problem.name], problem) for item in items for problem in item.problems]
    return {
        "checklist": True,
        "stops": [row for row in rows if row.problem.blocking],
        "hints": [row for row in rows if not row.problem.blocking],
        "in_order": [item.title for item in items if not item.problems],
        "has_links": bool(link_addresses(mailing)),
    }
