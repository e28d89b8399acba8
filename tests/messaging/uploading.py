"""A customer's browser with a file of contacts, and the worker that reads it."""

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.test import Client

from accounts.models import User
from foundation.tenants import as_tenant
from messaging.content import uploads
from messaging.models import Contact, ListUpload, UploadProblem

LATER = datetime(2126, 1, 1, tzinfo=UTC)


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def send_file(client: Client, content: bytes, name: str = "kunder.csv", query: str = "") -> Any:
    file = io.BytesIO(content)
    file.name = name
    return client.post(f"/lists/upload/{query}", {"file": file})


def uploaded(person: User, content: bytes, name: str = "kunder.csv", query: str = "") -> ListUpload:
    answer = send_file(signed_in(person), content, name, query)
    assert answer.status_code == 302, answer.content.decode()
    return newest(person)


def newest(person: User) -> ListUpload:
    with as_tenant(person.pk):
        return ListUpload.objects.latest("made_at", "pk")


def confirm(person: User, upload: ListUpload, **changes: str) -> Any:
    """As guessed, unless said otherwise, into a new list."""
    said = {
        **{f"column_{place}": field for place, field in upload.mapping.items()},
        "do": "start",
        "target": "new",
        "new_list": "Kunder",
        "country": "NO",
    }
    return signed_in(person).post(f"/lists/upload/{upload.pk}/", said | changes)


def read(
    person: User,
    *,
    now: Callable[[], datetime] = lambda: LATER - timedelta(days=1),
    until: datetime = LATER,
) -> bool:
    return uploads.read_uploads(person.pk, now=now, until=until)


def take_in(person: User, content: bytes, **changes: str) -> ListUpload:
    """All the way."""
    upload = uploaded(person, content)
    answer = confirm(person, upload, **changes)
    assert answer.status_code == 302, answer.content.decode()
    assert read(person)
    return newest(person)


def contacts_of(person: User) -> list[Contact]:
    with as_tenant(person.pk):
        return list(Contact.objects.order_by("phone_number", "email"))


def problems_of(upload: ListUpload) -> list[tuple[int, str, str, str]]:
    with as_tenant(upload.customer_id):
        found = UploadProblem.objects.filter(upload=upload).order_by("line", "column")
        return list(found.values_list("line", "column", "value", "reason"))


def counts_of(upload: ListUpload) -> dict[str, int]:
    names = ("added", "changed", "duplicates", "opted_out", "bad")
    return {name: number for name in names if (number := getattr(upload, name))}


def text_of(answer: Any) -> str:
    """What a download holds, without the mark that spreadsheets want."""
    return b"".join(answer.streaming_content).decode("utf-8-sig")
