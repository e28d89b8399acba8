"""Sending limits in admin: one form of a domain, and nothing that stops everything."""

from datetime import timedelta

import pytest
from django.urls import reverse

from messaging.models import SendingLimit
from messaging.sending import limits
from tests.factories import NOW, set_rights

pytestmark = pytest.mark.django_db
ADD = reverse("admin:messaging_sendinglimit_add")


@pytest.fixture(autouse=True)
def nothing_known():
    limits.forget()
    yield
    limits.forget()


def add(client, domain, per_minute=60, burst=1):
    return client.post(ADD, {"domain": domain, "per_minute": per_minute, "burst": burst})


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("GMail.com", "gmail.com"),
        (" @outlook.com. ", "outlook.com"),
        ("blåbær.example", "xn--blbr-roah.example"),
        ("", ""),
    ],
)
def test_a_limit_is_kept_in_the_form_domains_are_compared_in(staff, typed, kept):
    assert add(staff, typed).status_code == 302
    assert SendingLimit.objects.get().domain == kept


@pytest.mark.parametrize("typed", ["kari@gmail.com", "gmail", "a b.example", "-", "x" * 70 + ".no"])
def test_what_is_no_domain_is_refused(staff, typed):
    assert "gmail.com" in add(staff, typed).text
    assert not SendingLimit.objects.exists()


def test_one_domain_has_one_limit(staff):
    add(staff, "gmail.com")
    assert add(staff, "GMAIL.com").status_code == 200
    add(staff, "")
    assert add(staff, "").status_code == 200
    assert SendingLimit.objects.count() == 2


@pytest.mark.parametrize("number", ["0", "-1", "1000001", "many"])
def test_a_limit_that_lets_nothing_through_is_refused(staff, number):
    assert add(staff, "", per_minute=number).status_code == 200
    assert add(staff, "", burst=number).status_code == 200
    assert not SendingLimit.objects.exists()


def test_saving_a_limit_leaves_the_places_taken_meanwhile(staff):
    row = SendingLimit.objects.create(per_minute=60)
    page = reverse("admin:messaging_sendinglimit_change", args=[row.pk])
    staff.get(page)
    limits.take_places(["a.example"] * 2, now=NOW)
    staff.post(page, {"domain": "", "per_minute": 60, "burst": 2})
    row.refresh_from_db()
    assert (row.burst, row.next_at) == (2, NOW + timedelta(seconds=2))


def test_a_new_limit_holds_at_once_where_it_was_made(staff):
    assert limits.take_places(["a.example"] * 2, now=NOW) == [NOW, NOW]
    add(staff, "")
    assert limits.take_places(["a.example"] * 2, now=NOW) == [NOW, NOW + timedelta(seconds=1)]


def test_the_list_says_what_a_limit_is_about(staff):
    SendingLimit.objects.create(per_minute=600)
    SendingLimit.objects.create(per_minute=60, domain="gmail.com")
    page = staff.get(reverse("admin:messaging_sendinglimit_changelist")).text
    assert "everything that leaves" in page
    assert "gmail.com" in page


def test_staff_without_the_right_see_no_limits(staff, boss):
    set_rights(boss)
    assert staff.get(ADD).status_code == 403
