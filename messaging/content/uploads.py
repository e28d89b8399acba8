"""A customer's file on its way into a list: looked at, confirmed, read by a worker."""

import logging
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from itertools import batched, islice
from typing import Any

from celery import current_app
from django.core.files.uploadedfile import UploadedFile
from django.db import DataError, IntegrityError, connection, transaction
from kombu.exceptions import OperationalError

from accounts.services import is_staying
from foundation.tenants import as_tenant
from messaging import policy
from messaging.content.columns import guess_header, guess_mapping
from messaging.content.deeds import What, note_deleted
from messaging.content.files import (
    Row,
    decode_sample,
    keep_untaken,
    read_rows,
    read_sample,
    store_pieces,
)
from messaging.content.recognising import (
    SAMPLE,
    NotAList,
    guess_delimiter,
    guess_encoding,
    refuse_other_kinds,
    sample_rows,
)
from messaging.content.signals import content_going, is_held
from messaging.content.taking_in import ListGone, take_in_batch
from messaging.models import ContactList, ListUpload, UploadPart, UploadProblem

logger = logging.getLogger(__name__)
State = ListUpload.State
# A batch that met the same contact coming in another way is tried again with what is there now.
ATTEMPTS = 3


def receive_upload(
    file: "UploadedFile[Any]",
    *,
    customer_id: uuid.UUID,
    country: str,
    contact_list: ContactList | None,
    now: datetime,
) -> ListUpload:
    """Keep the file and what it seems to be; raises `NotAList` for what holds no contacts, and
    `ContentHeld` where room could only be made by deleting what a legal hold keeps.

    Inside `as_tenant`.
    """
    start = beginning(file)
    refuse_other_kinds(start)
    file.seek(0)
    encoding = guess_encoding(start, file.chunks(policy.UPLOAD_PIECE))
    upload = ListUpload(
        customer_id=customer_id,
        contact_list=contact_list,
        file_name=(file.name or "")[-150:],
        encoding=encoding,
        country=country,
        made_at=now,
    )
    sample = decode_sample(start, encoding)
    upload.delimiter = guess_delimiter(sample)
    guess_rest(upload, sample)
    make_room(customer_id, now=now)
    upload.save(force_insert=True)
    file.seek(0)
    store_pieces(upload, file.chunks(policy.UPLOAD_PIECE))
    return upload


def beginning(file: "UploadedFile[Any]") -> bytes:
    file.seek(0)
    start: bytes = file.read(SAMPLE)
    return start


def guess_rest(upload: ListUpload, sample: str) -> None:
    """Header and mapping, once encoding and delimiter are settled."""
    rows = sample_rows(sample, upload.delimiter, 50)
    if max(map(len, rows), default=0) > policy.UPLOAD_COLUMNS:
        raise NotAList("too_many_columns")
    upload.has_header = guess_header(rows)
    header = rows[0] if upload.has_header and rows else []
    upload.mapping = guess_mapping(header, rows[1:] if upload.has_header else rows)


def make_room(customer_id: uuid.UUID, *, now: datetime) -> None:
    waiting = ListUpload.objects.filter(customer_id=customer_id, state=State.UPLOADED)
    newest = list(waiting.values_list("pk", flat=True)[: policy.UPLOADS_WAITING - 1])
    older = waiting.exclude(pk__in=newest)
    if older.exists():
        upload_going(customer_id, now)
        # The account before any row of theirs, as what deletes a list does.
        is_staying(customer_id)
        older.delete()


def upload_going(customer_id: uuid.UUID, now: datetime) -> None:
    """Told before an upload is deleted at its owner's wish, with its file and all remarks."""
    for model in (ListUpload, UploadProblem, UploadPart):
        content_going.send(sender=model, customer_id=customer_id, now=now)


def preview(upload: ListUpload) -> tuple[list[str], list[list[str]]]:
    """The columns' names (empty without a header) and the first rows that hold something."""
    rows = sample_rows(read_sample(upload), upload.delimiter, policy.UPLOAD_PREVIEW + 20)
    header = rows.pop(0) if upload.has_header and rows else []
    return header, [row for row in rows if any(map(str.strip, row))][: policy.UPLOAD_PREVIEW]


def read_otherwise(upload: ListUpload, *, delimiter: str, encoding: str, has_header: bool) -> None:
    """The customer says how the file is written; the columns are guessed anew."""
    upload.delimiter, upload.encoding = delimiter, encoding
    guess_rest(upload, read_sample(upload))
    if upload.has_header != has_header:
        upload.has_header = has_header
        rows = sample_rows(read_sample(upload), delimiter, 50)
        header = rows[0] if has_header and rows else []
        upload.mapping = guess_mapping(header, rows[1:] if has_header else rows)
    upload.save(update_fields=["delimiter", "encoding", "has_header", "mapping"])


def start_upload(
    upload: ListUpload,
    *,
    mapping: dict[str, str],
    country: str,
    contact_list: ContactList | None,
    new_list: str,
    now: datetime,
) -> None:
    """What the customer confirmed is what a worker does; pressing twice starts it once."""
    # The account before any row of theirs, as what deletes a list does.
    is_staying(upload.customer_id)
    waiting = ListUpload.objects.select_for_update().filter(pk=upload.pk, state=State.UPLOADED)
    if not waiting.exists():
        return
    if contact_list is None:
        contact_list = ContactList.objects.create(
            customer_id=upload.customer_id, list_name=new_list, made_at=now
        )
    ListUpload.objects.filter(pk=upload.pk).update(
        state=State.RUNNING,
        mapping=mapping,
        country=country,
        contact_list=contact_list,
        moved_at=now,
    )
    transaction.on_commit(partial(wake_reader, upload.pk))


def wake_reader(upload_id: uuid.UUID) -> None:
    """Without a broker the work stays a row; the next minute finds it.

    The call may lie in the queue for longer than its customer is here, so it does not name them.
    """
    try:
        current_app.send_task("messaging.tasks.read_uploads", args=(str(upload_id),))
    except OperationalError:
        logger.warning("broker unreachable: an upload waits for the next round")


def stands_still(upload: ListUpload, now: datetime) -> bool:
    """Its worker was lost for long, or what it meets there ends every try."""
    # None of what was confirmed before version 0.6.0.
    moved_at = upload.moved_at or upload.made_at
    return upload.state == State.RUNNING and moved_at <= now - policy.UPLOAD_STANDS_STILL


def discard_upload(upload: ListUpload, *, now: datetime, is_said: bool = False) -> None:
    """One that waits, is over or stands still; what is taken in already stays in the list.

    A batch under way is waited for: its remarks would be left without their upload. Raises
    `ContentHeld` while a legal hold keeps it. One that the journal says of (`is_said`) may have
    been confirmed once more while a hold kept it, and is read no further.
    """
    upload_going(upload.customer_id, now)
    mine = ListUpload.objects.select_for_update().filter(pk=upload.pk).first()
    if mine is None or (mine.state == State.RUNNING and not (is_said or stands_still(mine, now))):
        return
    note_deleted(
        What.UPLOAD, {mine.pk: None}, customer_id=mine.customer_id, now=now, is_said=is_said
    )
    mine.delete()


def uploads_waiting() -> list[uuid.UUID]:
    """Of each customer with files to be read the oldest; the keeper sees them all."""
    running = ListUpload.objects.filter(state=State.RUNNING).order_by("customer_id", "made_at")
    return list(running.distinct("customer_id").values_list("pk", flat=True))


def owner_of(upload_id: uuid.UUID) -> uuid.UUID | None:
    """Whose it is, if it is there still: who sees one customer's rows has to ask the database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT messaging_owner_of_upload(%s)", [upload_id])
        owner: uuid.UUID | None = cursor.fetchone()[0]
    return owner


def read_uploads(customer_id: uuid.UUID, *, now: Callable[[], datetime], until: datetime) -> bool:
    """Read what this customer confirmed, oldest first; False when time ran out before the end."""
    with as_tenant(customer_id):
        theirs = ListUpload.objects.filter(customer_id=customer_id, state=State.RUNNING)
        running = list(theirs.order_by("made_at"))
    return all(read_upload(upload, now=now, until=until) for upload in running)


def read_upload(upload: ListUpload, *, now: Callable[[], datetime], until: datetime) -> bool:
    """Whether there is nothing left to do; a file with a fault is not taken in at all.

    What nobody foresaw in a batch ends the file there: tried for ever, it would stop all behind it.
    """
    row = 0
    try:
        if not upload.rows_total:
            count_rows(upload)
        rows = read_rows(upload)
        header = next(rows, Row(1, [])).cells if upload.has_header else []
        done = upload.rows_done
        for batch in batched(islice(rows, done, None), policy.UPLOAD_BATCH):
            row = batch[0].number
            if not take_patiently(upload, batch, done=done, header=header, now=now()):
                return True
            done += len(batch)
            if done < upload.rows_total and now() >= until:
                return False
    except NotAList as fault:
        end_upload(upload, State.FAILED, now=now(), failure=f"{fault.reason}:{fault.row or ''}")
    except ListGone:
        end_upload(upload, State.FAILED, now=now(), failure="list_gone:")
    except (DataError, IntegrityError, ValueError) as error:
        # Not what it says: that may hold what stands in the file.
        logger.error("upload %s stopped at row %s: %s", upload.pk, row, type(error).__name__)
        end_upload(upload, State.FAILED, now=now(), failure=f"stopped:{row or ''}")
    else:
        end_upload(upload, State.FINISHED, now=now())
    return True


def count_rows(upload: ListUpload) -> None:
    """To the end before anything is taken in: a fault there must not be found halfway."""
    rows = read_rows(upload)
    header = list(islice(rows, 1)) if upload.has_header else []
    total = sum(1 for _row in rows)
    if not total:
        raise NotAList("only_header" if header else "empty")
    upload.rows_total = total
    with as_tenant(upload.customer_id):
        mine = ListUpload.objects.filter(pk=upload.pk, rows_total=0)
        if is_staying(upload.customer_id) and mine.update(rows_total=total):
            keep_untaken(upload, header)


def take_patiently(
    upload: ListUpload, batch: Sequence[Row], *, done: int, header: Sequence[str], now: datetime
) -> bool:
    for left in reversed(range(ATTEMPTS)):
        try:
            return take_in_batch(upload, batch, done=done, header=header, now=now)
        except IntegrityError:
            if not left:
                raise
    return False


def end_upload(upload: ListUpload, state: str, *, now: datetime, failure: str = "") -> None:
    """The pieces of the file go with the last word about it: what they say is in the list, or is
    told line by line. Of a file that failed they may stand nowhere else, so a legal hold keeps
    them, and they go with the upload."""
    with as_tenant(upload.customer_id):
        stays = state == State.FAILED and is_held(UploadPart, upload.customer_id, now)
        ended = ListUpload.objects.filter(pk=upload.pk, state=State.RUNNING)
        if ended.update(state=state, finished_at=now, failure=failure) and not stays:
            UploadPart.objects.filter(upload=upload.pk, number__gte=0).delete()
