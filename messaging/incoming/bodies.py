"""The body of a provider's call, which may hold a whole mail with what is attached to it.

Django keeps 2.5 MB of a body or form in memory and refuses the rest. For every page that is right;
here it would lose a request to stop because of a picture in its signature.
"""

from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest, QueryDict
from django.http.multipartparser import FIELD, FILE, ChunkIter, LazyStream, Parser
from django.utils.datastructures import MultiValueDict
from django.utils.encoding import force_str

# What providers pass on at most is larger, but the first megabyte of a mail is all we read.
LARGEST = 12 * 1024 * 1024


def read_large_body(request: HttpRequest) -> None:
    """Reads the body before anything else does. Only for a caller that has shown the secret."""
    if int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST:
        raise RequestDataTooBig
    request._body = request.read()
    request.upload_handlers = [WholeForm(request)]


class WholeForm(FileUploadHandler):
    """Reads a form whose fields are as large as its body may be: raw mails come in fields, too."""

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None

    def handle_raw_input(
        self,
        input_data: Any,
        meta_data: dict[str, str],
        content_length: int,
        boundary: Any,
        encoding: str | None = None,
    ) -> tuple[QueryDict, MultiValueDict[str, Any]]:
        fields, files = QueryDict(mutable=True), MultiValueDict[str, Any]()
        parts = Parser(LazyStream(ChunkIter(input_data)), boundary)
        for number, (kind, meta, stream) in enumerate(parts):
            if number > settings.DATA_UPLOAD_MAX_NUMBER_FIELDS:
                raise TooManyFieldsSent
            if kind not in (FIELD, FILE):
                continue
            disposition: Any = meta["content-disposition"][1]
            name, content = force_str(disposition.get("name", "")), stream.read()
            if kind == FIELD:
                fields.appendlist(name, content.decode(encoding or "utf-8", "replace"))
            elif filename := force_str(disposition.get("filename", "")):
                content_type = force_str(meta.get("content-type", ("",))[0])
                files.appendlist(name, SimpleUploadedFile(filename, content, content_type))
        fields._mutable = False
        return fields, files
