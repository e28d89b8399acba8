"""Staff see requests, rules and runs, and change none of them."""

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from django.test import Client
from django.urls import reverse

from foundation.roles import KEEPER, as_role
from retention import services
from retention.models import DeletionRequest, RetentionRun
from retention.models import Source as Way
from retention.schedule import RULES, SCHEDULE
from tests.factories import NOW, make_customer, make_staff
from tests.retention.life import VALUES, make_full_customer
from tests.staff.sign_in import SECRET, sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff() -> Client:
    boss = make_staff(language="en")
    TOTP.activate(boss, SECRET)
    return sign_in(boss, "password", "mfa")


@pytest.fixture
def done(staff: Client) -> DeletionRequest:
    person = make_full_customer()
    wish = services.request_deletion(person.pk, source=Way.CUSTOMER, actor="self", now=NOW)
    with as_role(KEEPER):
        services.run_deletions(NOW)
    return wish


def test_a_request_shows_what_went_and_what_stays_and_no_name(
    staff: Client, done: DeletionRequest
) -> None:
    listed = staff.get(reverse("admin:retention_deletionrequest_changelist"))
    shown = staff.get(reverse("admin:retention_deletionrequest_change", args=[done.pk]))
    text = listed.content.decode() + shown.content.decode()
    assert str(done.reference) in text
    assert "When and how you made each choice: 3" in text
    assert "Invoices: 3 (2033-03-01)" in text
    for value in VALUES:
        assert value not in text


def test_deletions_under_way_stand_on_the_work_list(staff: Client) -> None:
    index = reverse("admin:index")
    assert "No deletion is under way." in staff.get(index).content.decode()
    person = make_customer()
    wish = services.request_deletion(person.pk, source=Way.CUSTOMER, actor="self", now=NOW)
    assert str(wish.reference) in staff.get(index).content.decode()


def test_the_schedule_shows_every_rule_with_its_last_run(staff: Client) -> None:
    with as_role(KEEPER):
        services.enforce(NOW, "beat", only=["invoices"])
    page = staff.get(reverse("admin:retention_schedule")).content.decode()
    for name in RULES:
        assert f"<code>{name}</code>" in page
    for entry in SCHEDULE:
        assert f"<code>{entry.model}</code>" in page
    run = RetentionRun.objects.get()
    assert reverse("admin:retention_retentionrun_change", args=[run.pk]) in page
    assert page.count("not yet") == len(RULES) - 1


def test_runs_are_listed_and_lead_to_the_schedule(staff: Client) -> None:
    with as_role(KEEPER):
        services.enforce(NOW, "beat", only=["invoices"])
    page = staff.get(reverse("admin:retention_retentionrun_changelist")).content.decode()
    assert "invoices" in page
    assert reverse("admin:retention_schedule") in page


def test_the_schedule_is_for_staff(client: Client) -> None:
    client.force_login(make_customer())
    assert client.get(reverse("admin:retention_schedule")).status_code in (302, 403)


@pytest.mark.parametrize("action", ["add", "change", "delete"])
def test_nothing_is_changed_or_deleted_by_hand(
    staff: Client, done: DeletionRequest, action: str
) -> None:
    with as_role(KEEPER):
        (run,) = services.enforce(NOW, "beat", only=["invoices"])
    for row in (done, run):
        name = f"admin:retention_{row._meta.model_name}_{action}"
        address = reverse(name, args=[] if action == "add" else [row.pk])
        assert staff.post(address, {"state": "requested", "post": "yes"}).status_code == 403
    assert DeletionRequest.objects.get().state == "finished"
    assert RetentionRun.objects.count() == 1
