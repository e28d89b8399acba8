"""A file of contacts: chosen, looked at, confirmed, followed, and what became of each line."""

import uuid
from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from foundation.tenants import as_tenant
from messaging import policy
from messaging.content import uploads
from messaging.content.downloads import stream_csv
from messaging.content.forms import MappingForm, ReadingForm, UploadForm
from messaging.content.querysets import lists_of
from messaging.content.recognising import NotAList
from messaging.content.remarks import header_of, lines_to_mend, problems_of
from messaging.content.signals import ContentHeld
from messaging.content.words import FILES, LINES, failure_words
from messaging.models import ContactList, ListUpload, UploadProblem
from messaging.views.lists import held_words
from messaging.views.own import country_of, own_content, own_page

State = ListUpload.State


class RefuseBigFiles(FileUploadHandler):
    """A file beyond the limit is let run past without a byte of it being kept."""

    seen = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        self.seen += len(raw_data)
        if self.seen > policy.UPLOAD_BYTES:
            raise StopUpload(connection_reset=False)
        return raw_data

    def file_complete(self, file_size: int) -> "UploadedFile[Any] | None":
        return None


# Whether the form is ours can only be asked once its fields are read, and they are read by this
# handler; so the check comes after it.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@own_page
def upload_list(request: HttpRequest, person: User) -> HttpResponseBase:
    guard = RefuseBigFiles(request)
    request.upload_handlers.insert(0, guard)
    return _upload_list(request, person, guard)


@csrf_protect
def _upload_list(request: HttpRequest, person: User, guard: RefuseBigFiles) -> HttpResponseBase:
    """GET asks for the file; POST keeps it and leads on to what we make of it."""
    with as_tenant(person.pk):
        asked = as_key(request.GET.get("list", ""))
        own = ContactList.objects.filter(customer=person)
        into = own.filter(pk=asked).first() if asked else None
        form = UploadForm(*((request.POST, request.FILES) if request.method == "POST" else ()))
        if guard.seen > policy.UPLOAD_BYTES:
            form.errors.pop("file", None)
            form.add_error("file", str(FILES["too_big"]))
        elif form.is_valid():
            try:
                upload = uploads.receive_upload(
                    form.cleaned_data["file"],
                    customer_id=person.pk,
                    country=country_of(person),
                    contact_list=into,
                    now=timezone.now(),
                )
            except NotAList as fault:
                form.add_error("file", str(FILES[fault.reason]))
            except ContentHeld:
                form.add_error("file", no_room_words())
            else:
                return redirect("list_upload_status", upload_id=upload.pk)
        context = {"form": form, "into": into, "section": "lists"}
        return render(request, "messaging/content/upload.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@own_content
def show_upload(request: HttpRequest, person: User, upload_id: uuid.UUID) -> HttpResponse:
    """Waiting: what is which column. Running: how far. Over: what became of it."""
    upload = own_upload(person, upload_id)
    if upload.state == State.UPLOADED:
        return confirm_upload(request, person, upload)
    problems = UploadProblem.objects.filter(upload=upload).order_by("line", "pk")
    counted = (upload.added, upload.changed, upload.duplicates, upload.opted_out, upload.bad)
    context = {
        "upload": upload,
        "is_over": upload.state in (State.FINISHED, State.FAILED),
        "stands_still": uploads.stands_still(upload, timezone.now()),
        "share": 100 * upload.rows_done // (upload.rows_total or 1),
        "empty": max(upload.rows_done - sum(counted), 0),
        "failure": failure_words(upload.failure) if upload.failure else "",
        "problems": [
            (each, LINES.get(each.reason, each.reason))
            for each in problems[: policy.PROBLEMS_SHOWN]
        ],
        "more": problems.count() - policy.PROBLEMS_SHOWN,
        "section": "lists",
    }
    return render(request, "messaging/content/upload_status.html", context)


def confirm_upload(request: HttpRequest, person: User, upload: ListUpload) -> HttpResponse:
    reading = ReadingForm(initial=reading_of(upload), auto_id="id_reading_%s")
    data = None
    if request.POST.get("do") == "read":
        reading = ReadingForm(request.POST, auto_id="id_reading_%s")
        if reading.is_valid():
            try:
                uploads.read_otherwise(upload, **reading.cleaned_data)
            except NotAList as fault:
                reading.add_error("delimiter", str(FILES[fault.reason]))
                upload.refresh_from_db()
            else:
                return redirect("list_upload_status", upload_id=upload.pk)
    elif request.method == "POST":
        data = request.POST
    header, rows = uploads.preview(upload)
    form = MappingForm(
        data, upload=upload, lists=list(lists_of(person.pk)), header=header, rows=rows
    )
    if not rows:
        # Nothing to confirm; the page says so and how to read the file otherwise.
        form.is_bound = False
    if form.is_valid():
        cleaned = form.cleaned_data
        uploads.start_upload(
            upload,
            mapping=cleaned["mapping"],
            country=cleaned["country"],
            contact_list=cleaned["contact_list"],
            new_list=cleaned["new_list"].strip(),
            now=timezone.now(),
        )
        return redirect("list_upload_status", upload_id=upload.pk)
    context = {
        "upload": upload,
        "form": form,
        "reading": reading,
        "rows": rows,
        "section": "lists",
        "only_header": FILES["only_header"],
    }
    return render(request, "messaging/content/upload_mapping.html", context)


@own_content
@require_POST
def discard_upload(request: HttpRequest, person: User, upload_id: uuid.UUID) -> HttpResponse:
    try:
        uploads.discard_upload(own_upload(person, upload_id), now=timezone.now())
    except ContentHeld:
        messages.warning(request, held_words())
        return redirect("list_upload_status", upload_id=upload_id)
    return redirect("lists")


@require_safe
@own_page
def download_untaken(request: HttpRequest, person: User, upload_id: uuid.UUID) -> HttpResponseBase:
    """The lines with faults as they stood, with what is wrong in front, to mend and upload again.

    The remarks' columns have names that mean nothing there, and are left out then.
    """
    with as_tenant(person.pk):
        upload = own_upload(person, upload_id)
    words = {code: str(said) for code, said in LINES.items()}
    names = header_of(upload)

    def rows() -> Iterator[list[Any]]:
        for row, faults in lines_to_mend(upload):
            columns = ", ".join(each.column for each in faults if each.column)
            said = "; ".join(words.get(each.reason, each.reason) for each in faults)
            yield [row.number, columns, said, *row.cells]

    return stream_csv("lines-to-mend", [*remark_header("line", "column", "reason"), *names], rows())


@require_safe
@own_page
def download_problems(request: HttpRequest, person: User, upload_id: uuid.UUID) -> HttpResponseBase:
    """Every remark: line, column, value, reason."""
    with as_tenant(person.pk):
        upload = own_upload(person, upload_id)
    words = {code: str(said) for code, said in LINES.items()}
    rows = (
        [each.line, each.column, each.value, words.get(each.reason, each.reason)]
        for each in problems_of(upload)
    )
    return stream_csv("remarks", remark_header("line", "column", "value", "reason"), rows)


def remark_header(*names: str) -> list[str]:
    """In the reader's language, as the remarks are; said before the download begins to flow."""
    of = {each.name: str(each.verbose_name) for each in UploadProblem._meta.concrete_fields}
    return [of[name] for name in names]


def no_room_words() -> str:
    return _(
        "%(number)s of your files wait for you to say which column is what, and none may be "
        "deleted to make room: they must be kept for a dispute or an authority. Go on with one of "
        "them, then upload this one."
    ) % {"number": policy.UPLOADS_WAITING}


def own_upload(person: User, upload_id: uuid.UUID) -> ListUpload:
    found: ListUpload = get_object_or_404(ListUpload, customer=person, pk=upload_id)
    return found


def reading_of(upload: ListUpload) -> dict[str, str]:
    return {
        "delimiter": upload.delimiter,
        "encoding": upload.encoding,
        "has_header": "yes" if upload.has_header else "no",
    }


def as_key(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
