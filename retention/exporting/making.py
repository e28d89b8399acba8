"""Asking for an archive, and making it in the background.

The work is its row: a worker that takes it up puts its own moment there, renewed with every batch,
and writes pieces only as long as that moment still stands. Killed, its row stands still, and
another worker goes on behind the last piece (`checkpoints`); one that was only slow finds the row
is not its own any more, and stops.
"""

import logging
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from celery import current_app
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Q
from django.utils import translation
from kombu.exceptions import OperationalError as BrokerGone

from accounts.models import User
from accounts.services import is_staying
from foundation import standstill
from foundation.tenants import as_tenant
from retention import policy
from retention.exporting import emails
from retention.exporting.archive import Archive, json_text
from retention.exporting.checkpoints import Checkpoint, read_checkpoint, said_of
from retention.exporting.files import FORMS, Form
from retention.exporting.handing_out import read_export
from retention.exporting.index import ClassInArchive, index_page, manifest
from retention.exporting.rows import Page, Reader, count_rows, held_apart
from retention.exporting.tables import Table, exported_tables
from retention.models import Export, ExportPart
from retention.whose import reader_of

logger = logging.getLogger(__name__)
OPEN = (Export.State.REQUESTED, Export.State.RUNNING)
# From here on a file may unpack to more than 2 GiB.
MANY_ROWS = 500_000


class TakenOverError(Exception):
    """The archive is another worker's by now, or its owner leaves or is gone."""


# --- asking --------------------------------------------------------------------------------------


def request_export(person_id: uuid.UUID, *, actor: str, now: datetime, wake: bool = True) -> Export:
    """One is made at a time; asking again while it is under way is the same wish."""
    language = User.objects.values_list("language", flat=True).get(pk=person_id)
    with as_tenant(person_id):
        wish = Export(
            customer_id=person_id,
            actor=actor,
            language=language or settings.LANGUAGE_CODE,
            requested_at=now,
        )
        Export.objects.bulk_create([wish], ignore_conflicts=True)
        export: Export = Export.objects.get(customer_id=person_id, state__in=OPEN)
        if wake:
            transaction.on_commit(partial(wake_maker, export.pk))
    return export


def wake_maker(export_id: uuid.UUID) -> None:
    """Without a broker the keeper's next round finds the row.

    The call may lie in the queue for longer than its customer is here, so it does not name them.
    """
    try:
        current_app.send_task("retention.tasks.make_exports", args=[str(export_id)])
    except BrokerGone:
        logger.warning("the broker does not answer; an archive waits for the next round")


def wake_makers(now: datetime) -> int:
    """As the keeper, who sees every wish: those nobody has in hand are offered to the workers."""
    idle = is_idle(now) & Q(requested_at__lt=now - timedelta(seconds=5))
    waiting = list(
        Export.objects.filter(idle).order_by("requested_at").values_list("pk", flat=True)
    )
    for export_id in waiting:
        wake_maker(export_id)
    return len(waiting)


def owner_of(export_id: uuid.UUID) -> uuid.UUID | None:
    """Whose it is, if it is there still: who sees one customer's rows has to ask the database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT retention_owner_of_export(%s)", [export_id])
        owner: uuid.UUID | None = cursor.fetchone()[0]
    return owner


def is_idle(now: datetime) -> Q:
    """Asked for and not begun, or begun by a worker that says nothing any more."""
    stalled = Q(state=Export.State.RUNNING, moved_at__lt=now - policy.EXPORT_STALLED)
    return Q(state=Export.State.REQUESTED) | stalled


# --- making --------------------------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class Job:
    """An archive in this worker's hands. `moved_at` is what says that it is."""

    id: uuid.UUID
    person_id: uuid.UUID
    language: str
    began_at: datetime
    moved_at: datetime
    # Where the archive stands; a fresh one at its beginning.
    place: Checkpoint
    parts: int = 0
    began: float = field(default_factory=time.monotonic)

    def moment(self) -> datetime:
        return self.began_at + timedelta(seconds=time.monotonic() - self.began)


def make_exports(person_id: uuid.UUID, *, now: datetime) -> int:
    """What this customer has asked for and nobody has in hand; how many were made.

    None in standstill: a database that lacks an erasure shows nobody what it should not have.
    """
    if standstill.why(pages=True):
        return 0
    with as_tenant(person_id):
        waiting = list(Export.objects.filter(is_idle(now), customer_id=person_id))
    made = [make_export(each.pk, person_id=person_id, now=now) for each in waiting]
    return sum(each is not None for each in made)


def make_export(
    export_id: uuid.UUID, *, person_id: uuid.UUID, now: datetime, rows: int = policy.EXPORT_ROWS
) -> Export | None:
    """The archive, ready; None when another worker has it, or its owner is gone meanwhile.

    Without the database it is taken up again later. What fails by itself would fail again: then it
    says so, and its owner may ask anew.
    """
    job = claim_export(export_id, person_id=person_id, now=now)
    if job is None:
        return None
    try:
        return write_export(job, rows=rows)
    except TakenOverError:
        logger.info("an archive was taken over or is gone")
        return None
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        give_up(job)
        raise


def claim_export(export_id: uuid.UUID, *, person_id: uuid.UUID, now: datetime) -> Job | None:
    """Goes on where a worker that died had come to, or begins. Given up when a day has passed."""
    with as_tenant(person_id):
        if not is_staying(person_id):
            return None
        idle = Export.objects.filter(is_idle(now), pk=export_id)
        late = idle.filter(requested_at__lt=now - policy.EXPORT_MADE_WITHIN)
        if late.update(state=Export.State.FAILED, finished_at=now, checkpoint={}):
            forget_parts(export_id)
            return None
        export = idle.select_for_update().first()
        if export is None:
            return None
        place = None
        if export.state == Export.State.RUNNING:
            place = read_checkpoint(export.checkpoint)
        if place is None:
            forget_parts(export_id)
            export.rows_done = export.rows_total = 0
            export.checkpoint = {}
        export.state, export.moved_at = Export.State.RUNNING, now
        export.save(update_fields=["state", "moved_at", "rows_done", "rows_total", "checkpoint"])
        parts = ExportPart.objects.filter(export_id=export_id).count()
    return Job(
        id=export_id,
        person_id=person_id,
        language=export.language,
        began_at=now,
        moved_at=now,
        place=place or Checkpoint(made_at=now),
        parts=parts,
    )


def give_up(job: Job) -> None:
    with as_tenant(job.person_id):
        mine = Export.objects.filter(pk=job.id, moved_at=job.moved_at)
        if mine.update(state=Export.State.FAILED, finished_at=job.moment(), checkpoint={}):
            forget_parts(job.id)


def forget_parts(export_id: uuid.UUID) -> None:
    parts = ExportPart.objects.filter(export_id=export_id)
    parts._raw_delete(parts.db)


def write_export(job: Job, *, rows: int) -> Export:
    tables = exported_tables()
    archive = begin_or_resume(job, tables)
    counts = job.place.counts
    number = 0
    with translation.override(job.language):
        reader = Reader(person=reader_of(job.person_id), size=rows)
        for table in tables:
            count = sum(counts[entry.model] for entry in table.entries)
            read = reader.read_twice(table, count=count)
            for form in FORMS if count else ():
                number += 1
                if number > job.place.files:
                    write_file(archive, job, table, form, read(job.place.after), count=count)
        told = [
            ClassInArchive(entry=entry, table=table, count=counts[entry.model])
            for table in tables
            for entry in table.entries
        ]
        user = User.objects.get(pk=job.person_id)
        said = manifest(user, told, now=job.place.made_at)
        archive.add("manifest.json", json_text(said, indent=2))
        apart = held_apart(reader.person)
        archive.add("index.html", index_page(user, told, apart=apart, now=job.place.made_at))
    archive.zip.close()
    return finish(archive, job)


def begin_or_resume(job: Job, tables: Iterable[Table]) -> Archive:
    place = job.place
    if place.zip is not None:
        with as_tenant(job.person_id):
            export = Export.objects.get(pk=job.id)
        pieces = read_export(export)
        return Archive.resume(made_at=place.made_at, state=place.zip, pieces=pieces)
    place.counts = count_rows(tables, reader_of(job.person_id))
    # Each row is written twice: as JSON and as CSV.
    move(job, rows_total=2 * sum(place.counts.values()))
    return Archive(made_at=place.made_at)


def write_file(
    archive: Archive, job: Job, table: Table, form: Form, pages: Iterable[Page], *, count: int
) -> None:
    """One of a table's files, or what a worker that died had not written of it."""
    if not archive.zip.is_open:
        archive.zip.open(form.name(table), large=count > MANY_ROWS)
        archive.zip.add(form.head(table))
    is_first = not job.place.after
    for page in pages:
        archive.zip.add(form.page(table, page.rows, is_first=is_first))
        is_first = False
        if table.is_bulk:
            job.place.after = str(page.last)
        # What the rest of a short table needs to go on is not worth keeping: it waits for its end.
        save(archive, job, done=len(page.rows), may_pause=table.is_bulk)
    archive.zip.add(form.tail(table, is_empty=is_first))
    archive.zip.close_file()
    job.place.files += 1
    job.place.after = ""
    save(archive, job, done=0, may_pause=True)


def save(archive: Archive, job: Job, *, done: int, may_pause: bool) -> None:
    """What there is, once it fills a piece, with the place where the next worker would go on, and
    now and then how far it is; in one transaction."""
    job.place.done += done
    is_piece = may_pause and len(archive.waiting) >= policy.EXPORT_PIECE
    if not is_piece and job.moment() - job.moved_at < policy.EXPORT_TELLS:
        return
    with as_tenant(job.person_id):
        if not is_piece:
            move(job)
            return
        archive.zip.pause()
        job.place.zip = archive.zip.state()
        move(job, checkpoint=said_of(job.place))
        for piece in archive.take(policy.EXPORT_PIECE):
            put_part(job, piece)


def move(job: Job, **change: object) -> None:
    """Renew the hold on the row, or learn that it is lost."""
    moment = job.moment()
    with as_tenant(job.person_id):
        mine = Export.objects.filter(pk=job.id, state=Export.State.RUNNING, moved_at=job.moved_at)
        if not is_staying(job.person_id):
            raise TakenOverError
        if not mine.update(moved_at=moment, rows_done=job.place.done, **change):
            raise TakenOverError
    job.moved_at = moment


def put_part(job: Job, data: bytes) -> None:
    part = ExportPart(export_id=job.id, customer_id=job.person_id, number=job.parts, data=data)
    part.save(force_insert=True)
    job.parts += 1


def finish(archive: Archive, job: Job) -> Export:
    """The last piece, the mail that says so, and no other archive of the same customer any more."""
    with as_tenant(job.person_id):
        move(job)
        for piece in archive.take(policy.EXPORT_PIECE):
            put_part(job, piece)
        moment = job.moment()
        export: Export = Export.objects.get(pk=job.id)
        export.state = Export.State.READY
        # Fewer were written where two classes share a row.
        export.rows_done = export.rows_total
        export.finished_at = moment
        export.expires_at = moment + policy.EXPORT_THERE
        export.size = archive.size
        export.sha256 = archive.digest.hexdigest()
        export.checkpoint = {}
        export.save()
        former = Export.objects.filter(customer_id=job.person_id).exclude(pk=job.id)
        ExportPart.objects.filter(export__in=former).delete()
        former.delete()
        emails.send_export_ready(User.objects.get(pk=job.person_id), export)
    return export
