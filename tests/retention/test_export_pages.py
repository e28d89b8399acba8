"""Pages on which a person asks for the archive of their data, follows it, and fetches it."""

import hashlib
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from accounts.models import User
from foundation.roles import KEEPER, as_role
from foundation.tenants import as_tenant
from retention import exporting, policy, services
from retention.models import Export, ExportPart
from tests.factories import make_customer, make_staff
from tests.retention.life import make_full_customer
from tests.retention.test_data_pages import PASSWORD, proven

pytestmark = pytest.mark.django_db


@pytest.fixture
def person() -> User:
    return make_full_customer(password=PASSWORD, language="en")


@pytest.fixture
def visitor(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def make_archive(person: User) -> Export:
    now = timezone.now()
    wish = exporting.request_export(person.pk, actor="self", now=now)
    made = exporting.make_export(wish.pk, person_id=person.pk, now=now)
    assert made is not None
    return made


def test_asking_for_the_archive_says_how_far_it_is_and_twice_is_once(
    visitor: Client, person: User
) -> None:
    for _ in range(2):
        answer = visitor.post("/data/export/")
        assert (answer.status_code, answer["Location"]) == (302, "/data/export/")
    page = visitor.get("/data/export/").content.decode()
    assert "Your archive is being made" in page
    assert 'hx-trigger="every 3s"' in page
    with as_tenant(person.pk):
        under_way = Export.objects.filter(state="requested")
        assert under_way.get().actor == "self"
        under_way.update(state="running", rows_total=40, rows_done=13)
    assert "32 % done" in visitor.get("/data/export/").content.decode()


def test_the_page_says_when_it_is_ready_and_asks_who_it_is_before_the_way_to_the_file(
    visitor: Client, person: User
) -> None:
    export = make_archive(person)
    page = visitor.get("/data/export/").content.decode()
    assert "Your archive is ready" in page
    assert export.sha256 in page
    assert str(export.pk) not in page
    assert "hx-trigger" not in page
    answer = visitor.get("/data/export/?download")
    assert "reauthenticate" in answer.headers["Location"]
    answer = visitor.post(answer.headers["Location"], {"password": PASSWORD})
    assert answer.headers["Location"] == "/data/export/?download"
    page = visitor.get("/data/export/?download").content.decode()
    assert f'href="/data/export/{export.pk}/"' in page


def test_the_archive_comes_whole_and_with_its_length_once_its_owner_is_proven(
    visitor: Client, person: User
) -> None:
    export = make_archive(person)
    address = f"/data/export/{export.pk}/"
    assert "reauthenticate" in visitor.get(address).headers["Location"]
    answer = proven(visitor).get(address, headers={"accept-encoding": "gzip"})
    body = b"".join(answer)
    assert len(body) == int(answer.headers["Content-Length"]) == export.size
    assert hashlib.sha256(body).hexdigest() == export.sha256
    assert answer.headers["Content-Type"] == "application/zip"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    assert "no-store" in answer.headers["Cache-Control"]


@pytest.mark.parametrize("who", ["another customer", "staff"])
def test_nobody_else_can_fetch_it(person: User, who: str) -> None:
    export = make_archive(person)
    other = make_staff() if who == "staff" else make_customer()
    make_archive(other)
    client = Client()
    client.force_login(other)
    assert proven(client).get(f"/data/export/{export.pk}/").status_code == 404


def test_it_cannot_be_fetched_once_its_days_are_over(visitor: Client, person: User) -> None:
    export = make_archive(person)
    with as_tenant(person.pk):
        Export.objects.filter(pk=export.pk).update(expires_at=timezone.now())
    assert proven(visitor).get(f"/data/export/{export.pk}/").status_code == 404
    assert "Your archive is ready" not in visitor.get("/data/export/").content.decode()


def test_the_page_says_when_it_could_not_be_made(visitor: Client, person: User) -> None:
    with as_tenant(person.pk):
        Export.objects.create(
            customer=person, state="failed", actor="self", requested_at=timezone.now()
        )
    assert "could not be made" in visitor.get("/data/export/").content.decode()


def test_an_archive_goes_with_the_erasure_of_its_owner(person: User) -> None:
    export = make_archive(person)
    call_command("erase_customer", str(person.pk))
    with as_role(KEEPER):
        assert not Export.objects.filter(pk=export.pk).exists()
        assert not ExportPart.objects.filter(export_id=export.pk).exists()


def test_an_archive_goes_by_its_rule(person: User, keeper: None) -> None:
    export = make_archive(person)
    after = timezone.now() + timedelta(days=policy.EXPORTS.days)
    services.enforce(after - timedelta(hours=1), "beat", only=["exports"])
    assert Export.objects.filter(pk=export.pk).exists()
    services.enforce(after + timedelta(hours=1), "beat", only=["exports"])
    assert not Export.objects.filter(pk=export.pk).exists()
    assert not ExportPart.objects.filter(export_id=export.pk).exists()
