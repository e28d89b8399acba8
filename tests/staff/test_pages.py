"""Every staff page answers, tells no address of a browser, and offers no deletion of people."""

from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from accounts.models import User
from accounts.roles import Role
from consent.models import Suppression
from consent.suppression import suppress
from messaging.models import Campaign, Message, ServiceAnnouncement
from messaging.outbox import put_account_mail
from tests.factories import make_announcement, make_campaign, make_customer, set_roles
from tests.staff.door import let_in
from tests.staff.sign_in import sign_in

pytestmark = pytest.mark.django_db

FOREIGN = (" style=", "<style", "onclick=", "onload=", 'src="http', 'href="http')
SECRET_MODELS = ("account.emailaddress", "mfa.authenticator", "accounts.invoice")


@pytest.fixture
def everything() -> None:
    """At least one row of each model that has pages."""
    person = make_customer(yes=("newsletter",), country="NO", phone="+4791234567")
    make_campaign()
    make_announcement()
    suppress("gone@example.test", reason=Suppression.Reason.ERASED, now=timezone.now())
    put_account_mail(
        to=person.email,
        person_id=person.pk,
        purpose="welcome",
        language="nb",
        subject="Hei",
        text="Hei",
        html="",
        now=timezone.now(),
    )
    hourly = IntervalSchedule.objects.create(every=1, period="hours")
    CrontabSchedule.objects.create()
    PeriodicTask.objects.create(name="a task", task="a.task", interval=hourly)


def pages() -> Iterator[tuple[type[Model], str]]:
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        yield model, reverse(f"{name}_changelist")
        yield model, reverse(f"{name}_add")
        first = model._default_manager.first()
        if model is User:
            first = User.objects.customers().first()
        if first is not None:
            yield model, reverse(f"{name}_change", args=[first.pk])
            yield model, reverse(f"{name}_history", args=[first.pk])
            yield model, reverse(f"{name}_delete", args=[first.pk])


def let_in_everywhere(boss: User) -> None:
    for person in User.objects.customers():
        let_in(boss, person)


@pytest.mark.slow
def test_every_page_answers_in_bokmaal_without_inline_style_script_or_foreign_address(
    staff: Client, boss: User, everything: None
) -> None:
    """In English every role has its pages in `test_matrix`."""
    User.objects.filter(pk=boss.pk).update(language="nb")
    let_in_everywhere(boss)
    wrong = []
    for address in [reverse("admin:index"), *(address for _model, address in pages())]:
        answer = staff.get(address)
        status, html = answer.status_code, answer.content.decode()
        if status != 200 and not (status == 403 and address.endswith(("/add/", "/delete/"))):
            wrong.append(f"{address}: {status}")
        wrong += [f"{address}: {trace}" for trace in FOREIGN if trace in html]
    assert wrong == []


def test_people_and_the_outbox_can_only_be_looked_at(
    staff: Client, boss: User, everything: None
) -> None:
    let_in_everywhere(boss)
    for model in (User, Message, Suppression):
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        rows = User.objects.customers() if model is User else model._default_manager.all()
        row = rows.first()
        assert row is not None
        before = model._default_manager.count()
        assert staff.get(reverse(f"{name}_add")).status_code == 403
        assert (
            staff.post(reverse(f"{name}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
        )
        assert staff.post(reverse(f"{name}_change", args=[row.pk]), {}).status_code == 403
        action = {"action": "delete_selected", "_selected_action": str(row.pk), "post": "yes"}
        staff.post(reverse(f"{name}_changelist"), action)
        assert model._default_manager.count() == before


def test_secrets_doubles_and_money_have_no_pages() -> None:
    registered = {model._meta.label_lower for model in admin.site._registry}
    assert registered.isdisjoint(SECRET_MODELS)


def test_schedules_are_for_administrators_alone(boss: User, everything: None) -> None:
    set_roles(boss, [role for role in Role.values if role not in ("administrator", "auditor")])
    client = sign_in(User.objects.get(pk=boss.pk), "password", "mfa")
    assert client.get(reverse("admin:messaging_campaign_changelist")).status_code == 200
    assert (
        client.get(reverse("admin:django_celery_beat_periodictask_changelist")).status_code == 403
    )


def test_the_first_page_shows_what_waits(staff: Client) -> None:
    make_campaign(subject_en="Winter news")
    make_campaign(subject_en="Old news", state=Campaign.State.FINISHED)
    make_announcement(subject_en="We move house")
    html = staff.get(reverse("admin:index")).content.decode()
    assert "Winter news" in html
    assert "We move house" in html
    assert "Old news" not in html
    assert ServiceAnnouncement.objects.count() == 1


def test_the_outbox_shows_masked_addresses_and_no_content(
    staff: Client, boss: User, everything: None
) -> None:
    let_in_everywhere(boss)
    message = Message.objects.get(purpose="welcome")
    Message.objects.update(subject="Geheimt emne", text="Geheim tekst")
    for address in (
        reverse("admin:messaging_message_changelist"),
        reverse("admin:messaging_message_change", args=[message.pk]),
    ):
        html = staff.get(address).content.decode()
        assert message.to_address not in html
        assert f"{message.to_address[0]}•••@e••.test" in html
        assert "Geheim" not in html


def test_the_outbox_is_filtered_by_month(staff: Client, everything: None) -> None:
    address = reverse("admin:messaging_message_changelist")
    this_month = f"{timezone.now():%Y-%m}"
    assert "•••@e••.test" in staff.get(address, {"month": this_month}).content.decode()
    assert "•••@e••.test" not in staff.get(address, {"month": "2020-01"}).content.decode()
    assert "•••@e••.test" not in staff.get(address, {"month": "nonsense"}).content.decode()
