"""The record of processing activities as a table for programs and as a paper for people."""

import csv
from collections.abc import Iterator
from datetime import datetime
from io import StringIO
from itertools import groupby
from typing import Final

from django.utils.text import capfirst
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from retention.papers.pdf import Column, Paper
from retention.papers.record import Activity, ProcessingRecord
from retention.words import human_day

# Spreadsheets take a file for UTF-8 only with this before it.
BYTE_ORDER_MARK: Final = "\ufeff"


def as_csv(record: ProcessingRecord) -> str:
    """One line for each class of data; what is the same for all stands in each line."""
    file = StringIO()
    file.write(BYTE_ORDER_MARK)
    writer = csv.writer(file, lineterminator="\r\n")
    same = {
        _("Controller"): ", ".join(record.controller[key] for key in ("name", "address")),
        _("Contact"): record.contact,
        _("Processors"): "; ".join(record.processors) or _("none"),
        _("Security measures"): " ".join(record.security),
    }
    for number, row in enumerate(map(columns, record.activities)):
        line = row | same
        if number == 0:
            writer.writerow(line)
        writer.writerow(line.values())
    return file.getvalue()


def columns(activity: Activity) -> dict[str, str]:
    """Art. 30 (1) (b) to (f) by their words, then what leads back to the code."""
    return {
        _("Chapter"): activity.chapter,
        _("Class of data"): activity.title,
        _("Purpose"): activity.purpose,
        _("Categories of people"): activity.people,
        _("Categories of data"): activity.kinds,
        _("Recipients"): activity.recipients,
        _("Third countries"): activity.third_countries,
        _("Time limit"): activity.until,
        _("When the customer asks for deletion"): activity.on_erasure,
        _("Our role"): activity.role,
        _("Tables"): activity.tables,
        _("Promise"): activity.promise,
        _("What happens then"): activity.then,
    }


def as_pdf(record: ProcessingRecord, *, now: datetime) -> bytes:
    language = get_language() or "nb"
    paper = Paper(
        _("Record of processing activities"),
        lead=_("GDPR Article 30 (1). Made from the table that the programs work by."),
        issuer=record.controller["name"],
        language=language,
        made_at=now,
        running_title=_("Record of processing activities, %(day)s") % {"day": human_day(now)},
        landscape=True,
    )
    write_controller(paper, record)
    write_processors(paper, record)
    for chapter, activities in chapters(record):
        paper.heading(chapter)
        paper.table(
            (
                Column(_("What, and what for"), 25),
                Column(_("Whose data, and which"), 20),
                Column(_("Recipients; third countries"), 18),
                Column(_("Time limit; what happens then"), 25),
                Column(_("On deletion"), 26),
            ),
            [
                (
                    f"{row.title}\n{row.purpose}",
                    f"{capfirst(row.people)}\n{capfirst(row.kinds)}",
                    f"{capfirst(row.recipients)}\n{_('Third countries')}: {row.third_countries}",
                    f"{row.until}\n{row.then}",
                    row.on_erasure,
                )
                for row in activities
            ],
            titled=True,
        )
    return paper.as_bytes()


def chapters(record: ProcessingRecord) -> Iterator[tuple[str, Iterator[Activity]]]:
    return groupby(record.activities, key=lambda activity: activity.chapter)


def write_controller(paper: Paper, record: ProcessingRecord) -> None:
    paper.facts(
        [
            (_("Controller"), record.controller["name"]),
            (_("Address"), record.controller["address"]),
            (_("Contact for privacy"), record.contact),
            (_("Portal"), record.controller["url"]),
            (
                _("Our role"),
                _(
                    "Controller; for the lists, messages and reports of our customers their "
                    "processor."
                ),
            ),
        ]
    )
    paper.heading(_("How data is protected"))
    for measure in record.security:
        paper.bullet(measure)


def write_processors(paper: Paper, record: ProcessingRecord) -> None:
    """Who handles data for us, whatever the class (Art. 30 (1) (d) and (e), Art. 28)."""
    paper.heading(_("Processors"))
    if not record.processors:
        paper.bullet(str(capfirst(_("none"))))
    for processor in record.processors:
        paper.bullet(processor)
