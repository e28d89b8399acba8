"""Staff look at what came in and at the comparisons; nothing on these pages can be changed."""

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from django.urls import reverse

from accounts.models import User
from messaging.incoming.services import receive_mail
from messaging.models import ProviderEvent, SuppressionComparison
from tests.factories import NOW, make_customer, make_staff
from tests.incoming import letters
from tests.staff.door import let_in
from tests.staff.sign_in import SECRET, sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff():
    person = make_staff(language="en")
    TOTP.activate(person, SECRET)
    return sign_in(person, "password", "mfa")


def test_what_could_not_be_placed_is_listed_with_the_reason(staff):
    person = make_customer(email="owner@example.test")
    receive_mail(
        letters.gmail("", sender=person.email, subject="Stop it"), received_at=NOW, now=NOW
    )
    page = staff.get(
        reverse("admin:messaging_providerevent_changelist"), {"outcome__exact": "unknown"}
    )
    text = page.content.decode()
    assert "no valid token in it" in text
    assert "Stop it" not in text
    assert str(person.pk) not in text
    boss = User.objects.get(is_staff=True)
    let_in(boss, person)
    event = ProviderEvent.objects.get()
    page = staff.get(reverse("admin:messaging_providerevent_change", args=[event.pk]))
    text = page.content.decode()
    assert "Stop it" in text
    assert (
        f'claims to be: <a href="{reverse("admin:accounts_user_change", args=[person.pk])}' in text
    )
    assert "owner@example.test" not in text


def test_an_event_can_be_looked_at_and_not_changed(staff):
    receive_mail(letters.gmail(""), received_at=NOW, now=NOW)
    event = ProviderEvent.objects.get()
    url = reverse("admin:messaging_providerevent_change", args=[event.pk])
    page = staff.get(url)
    assert page.status_code == 200
    assert b'name="_save"' not in page.content
    assert staff.post(url, {"outcome": "applied"}).status_code == 403
    assert ProviderEvent.objects.get().outcome == "unknown"


def test_a_comparison_shows_its_differences_without_addresses(staff):
    row = SuppressionComparison.objects.create(
        compared_at=NOW,
        provider="postmark",
        theirs=1,
        added_here=1,
        differences=[{"what": "added_here", "why": "complaint", "address": "0123456789ab"}],
    )
    listing = staff.get(reverse("admin:messaging_suppressioncomparison_changelist"))
    assert b"postmark" in listing.content
    page = staff.get(reverse("admin:messaging_suppressioncomparison_change", args=[row.pk]))
    assert b"added here: complaint 0123456789ab" in page.content
    assert b'name="_save"' not in page.content
