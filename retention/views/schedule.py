"""The schedule, for everybody."""

from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from retention.entries import DataClass, Entry, Kind, OnErasure
from retention.models import RetentionRun
from retention.schedule import entries_of
from retention.words import ERASURE_MEANINGS, KIND_MEANINGS, KIND_WORDS, kinds_of, until_words


@dataclass(frozen=True, slots=True)
class Row:
    """One class of data as people read it; tables of one title, kept alike, are one."""

    entry: Entry
    kinds: list[Kind]
    until: str
    last_run: RetentionRun | None


@require_safe
def show_schedule(request: HttpRequest) -> HttpResponse:
    return render(request, "retention/schedule.html", schedule_context())


def schedule_context() -> dict[str, Any]:
    """The schedule by chapters, each class with the last run of its rules, like tables once."""
    last = RetentionRun.objects.newest_per_rule()
    chapters = []
    for data_class in DataClass:
        rows: dict[tuple[str, str], Row] = {}
        for entry in entries_of(data_class):
            runs = [last[rule.name] for rule in entry.rules if rule.name in last]
            newest = max(runs, key=attrgetter("started_at"), default=None)
            until = until_words(entry)
            kinds, former = kinds_of(entry), rows.get((str(entry.title), until))
            if former is not None:
                kinds = [kind for kind in Kind if kind in {*kinds, *former.kinds}]
                newest = newest or former.last_run
            rows[str(entry.title), until] = Row(entry, kinds, until, newest)
        chapters.append((data_class, list(rows.values())))
    return {
        "chapters": chapters,
        "kinds": [(KIND_WORDS[kind], KIND_MEANINGS[kind]) for kind in Kind],
        "erasures": [(each.label, ERASURE_MEANINGS[each]) for each in OnErasure],
    }
