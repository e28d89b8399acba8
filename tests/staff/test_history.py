"""Admin's own history holds keys and deeds, never people: an erasure has nothing to find there."""

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from accounts.models import User
from clicksend_portal.admin_site import QuietHistory
from messaging.models import SendingLimit
from tests.factories import make_campaign, make_customer, topic
from tests.staff.door import let_in

pytestmark = pytest.mark.django_db


def test_every_page_of_every_package_logs_through_the_quiet_history() -> None:
    loud = [
        model for model, page in admin.site._registry.items() if not isinstance(page, QuietHistory)
    ]
    assert loud == []


def test_an_opt_out_on_the_phone_leaves_no_name_in_the_history(staff: Client) -> None:
    person = make_customer(
        username="finn-meg-ikke", email="finn@meg.test", last_name="Sjeldent", yes=("newsletter",)
    )
    address = reverse("admin:accounts_user_opt_out", args=[person.pk])
    let_in(User.objects.get(username="sjefen"), person)
    staff.post(address, {"topics": [topic().pk], "reason": "Sjeldent rang"})
    entry = LogEntry.objects.get()
    assert entry.object_id == entry.object_repr == str(person.pk)
    for value in ("finn", "meg.test", "Sjeldent"):
        assert value not in entry.object_repr + entry.change_message


def test_adding_changing_and_deleting_log_the_key_only(staff: Client) -> None:
    values = {"domain": "kari.example", "per_minute": 60, "burst": 1}
    staff.post(reverse("admin:messaging_sendinglimit_add"), values)
    limit = SendingLimit.objects.get()
    page = "admin:messaging_sendinglimit"
    staff.post(reverse(f"{page}_change", args=[limit.pk]), values | {"burst": 2})
    staff.post(reverse(f"{page}_delete", args=[limit.pk]), {"post": "yes"})
    entries = LogEntry.objects.all()
    assert len(entries) == 3
    assert {entry.object_repr for entry in entries} == {str(limit.pk)}
    assert not any("kari" in entry.change_message for entry in entries)


def test_even_a_page_that_shows_people_by_name_logs_their_key(staff: Client, boss: User) -> None:
    from django.test import RequestFactory

    request = RequestFactory().get("/")
    request.user = boss
    person = make_customer(username="finn-meg-ikke")
    page = admin.site.get_model_admin(User)
    page.log_addition(request, person, [{"added": {}}])
    page.log_change(request, person, [{"changed": {"fields": ["e-mail address"]}}])
    page.log_deletions(request, User.objects.filter(pk=person.pk))
    assert {entry.object_repr for entry in LogEntry.objects.all()} == {str(person.pk)}


def test_a_mailing_is_found_again_by_its_subject(staff: Client) -> None:
    campaign = make_campaign(subject_nb="Vinternytt")
    staff.post(
        reverse("admin:messaging_campaign_step", args=[campaign.pk, "approve"]), {"read": ""}
    )
    assert LogEntry.objects.get().object_repr == "Vinternytt"
