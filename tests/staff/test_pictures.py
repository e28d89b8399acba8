"""Pictures for mails, as staff upload them."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from messaging.images import address_of, markdown_of, uses_of
from messaging.models import MailImage
from tests.factories import NOW, make_announcement, make_campaign, make_picture
from tests.messaging.test_images import TRACES

pytestmark = pytest.mark.django_db


def upload(staff: Client, data: bytes, name: str = "A field") -> Any:
    file = SimpleUploadedFile("field.jpg", data, "image/jpeg")
    return staff.post(
        reverse("admin:messaging_mailimage_add"), {"name": name, "file": file}, follow=True
    )


def test_an_upload_leads_to_the_line_to_paste(staff: Client) -> None:
    html = upload(staff, TRACES).content.decode()
    image = MailImage.objects.get()
    assert image.uploaded_by is not None
    assert f"![A field](picture:{image.digest[:12]})" in html
    assert f'src="{address_of(image)}"' in html
    assert "no email yet" in html


def test_an_upload_that_was_here_leads_to_the_same_page(staff: Client) -> None:
    upload(staff, TRACES)
    html = upload(staff, TRACES, "Another name").content.decode()
    assert "was here already" in html
    assert MailImage.objects.get().name == "A field"


def test_a_refused_upload_says_why_beside_the_field(staff: Client) -> None:
    html = upload(staff, b"hello").content.decode()
    assert "cannot be read as a picture" in html
    assert not MailImage.objects.exists()


def test_what_a_sent_mail_shows_cannot_be_deleted(staff: Client) -> None:
    image = make_picture()
    delete = reverse("admin:messaging_mailimage_delete", args=[image.pk])
    make_campaign(body_nb=markdown_of(image), state="finished", resolved_at=NOW)
    assert [str(mailing) for mailing in uses_of(image)]
    assert staff.post(delete, {"post": "yes"}).status_code == 403
    assert MailImage.objects.filter(pk=image.pk).exists()


@pytest.mark.parametrize("state", ["approved", "sending", "paused"])
def test_what_an_approved_mail_shows_cannot_be_deleted(staff: Client, state: str) -> None:
    image = make_picture()
    make_campaign(body_nb=markdown_of(image), state=state)
    delete = reverse("admin:messaging_mailimage_delete", args=[image.pk])
    assert staff.post(delete, {"post": "yes"}).status_code == 403
    assert MailImage.objects.filter(pk=image.pk).exists()


@pytest.mark.parametrize("where", ["nowhere", "another", "draft"])
def test_what_no_sent_mail_shows_can_be_deleted(staff: Client, where: str) -> None:
    image = make_picture()
    if where == "another":
        other = make_picture("Other", colour="#123456")
        make_campaign(body_en=markdown_of(other), state="finished", resolved_at=NOW)
    elif where == "draft":
        make_announcement(body_en=markdown_of(image))
    delete = reverse("admin:messaging_mailimage_delete", args=[image.pk])
    assert staff.post(delete, {"post": "yes"}).status_code == 302
    assert not MailImage.objects.filter(pk=image.pk).exists()
