"""A hard bounce is shown to the customer, and ends with a new confirmation by mail."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts import reconfirming
from accounts.policy import CONFIRMATION_PERIOD
from consent.models import Suppression
from consent.suppression import is_suppressed, suppress
from foundation.redaction import redact
from messaging import services as messaging
from messaging.models import Message
from tests.factories import NOW, make_customer
from tests.staff.sign_in import sign_in

pytestmark = pytest.mark.django_db
PAGES = ("preferences", "data_overview", "account_profile", "account_sessions", "mfa_index")
BOUNCE = Suppression.Reason.HARD_BOUNCE
NUMBERS = st.integers(min_value=-(16**400), max_value=16**400).map(lambda n: f"{n:x}")


@pytest.fixture
def person():
    before = NOW - timedelta(days=2)
    return make_customer(yes=("newsletter",), now=before, language="en", email="kari@example.test")


@pytest.fixture
def signed_in(person):
    return sign_in(person, "password")


def bounced(person, *, reason=BOUNCE):
    suppress(person.email, reason=reason, now=NOW)


@pytest.mark.parametrize("page", PAGES)
def test_every_page_of_the_account_says_that_mail_came_back(person, signed_in, page):
    assert b"came back" not in signed_in.get(reverse(page)).content
    bounced(person)
    text = signed_in.get(reverse(page)).content.decode()
    assert "Email to kari@example.test came back</b> on" in text
    assert text.count(f'action="{reverse("address_confirm_again")}"') == 1


def test_a_complaint_is_no_dead_address(person, signed_in):
    bounced(person, reason=Suppression.Reason.COMPLAINT)
    assert b"came back" not in signed_in.get(reverse("preferences")).content


def test_nobody_else_sees_it(person):
    bounced(person)
    other = sign_in(make_customer(language="en"), "password")
    assert b"came back" not in other.get(reverse("preferences")).content


def link_in(mailbox, person):
    messaging.deliver_pending()
    (mail,) = mailbox.to(person.email)
    return re.search(r"/confirm-address/\S+/", mail.text())[0]


def test_one_button_one_mail_one_click_and_optional_mail_goes_again(person, signed_in, mailbox):
    bounced(person)
    answer = signed_in.post(reverse("address_confirm_again"), follow=True)
    assert "We have written to kari@example.test" in answer.content.decode()
    link = link_in(mailbox, person)
    assert is_suppressed(person.email)
    shown = signed_in.get(link)
    assert "kari@example.test" in shown.content.decode()
    assert is_suppressed(person.email)
    answer = signed_in.post(link, follow=True)
    assert "is confirmed" in answer.content.decode()
    assert not is_suppressed(person.email)
    assert b"came back" not in signed_in.get(reverse("preferences")).content


def test_the_link_works_without_a_sign_in(person, client):
    bounced(person)
    link = reverse("address_confirm_link", args=[reconfirming.make_token(person, now=NOW)])
    assert client.get(link)["Referrer-Policy"] == "no-referrer"
    assert client.post(link).status_code == 302
    assert not is_suppressed(person.email)


def test_the_mail_is_account_mail(person, signed_in):
    bounced(person)
    signed_in.post(reverse("address_confirm_again"))
    message = Message.objects.get()
    assert (message.kind, message.purpose) == ("account", "confirm_again")


def test_pressing_again_at_once_sends_no_second_mail(person, signed_in):
    signed_in.post(reverse("address_confirm_again"))
    signed_in.post(reverse("address_confirm_again"))
    assert Message.objects.count() == 1


def test_a_link_works_once(person):
    token = reconfirming.make_token(person, now=NOW)
    assert reconfirming.confirm_again(token, now=NOW)
    bounced(person)
    assert reconfirming.confirm_again(token, now=NOW) is None
    assert is_suppressed(person.email)


def test_an_old_a_changed_and_a_foreign_link_confirm_nothing(person):
    token = reconfirming.make_token(person, now=NOW)
    assert reconfirming.find_person(token, now=NOW + CONFIRMATION_PERIOD) is None
    just_before = NOW + CONFIRMATION_PERIOD - timedelta(seconds=1)
    assert reconfirming.find_person(token, now=just_before) == person
    for wrong in (token[:-1], token + "0", token.replace(".", "", 1), "", "x.y.z", "é.1.2"):
        assert reconfirming.find_person(wrong, now=NOW) is None
    other = make_customer()
    mixed = other.pk.hex + token[32:]
    assert reconfirming.find_person(mixed, now=NOW) is None


@pytest.mark.parametrize("made", ["", "-1", "f" * 11, "f" * 300, "0x1", "1_0", " 1", "١", "\x00"])
def test_a_time_that_no_clock_shows_is_refused_not_a_failure(person, client, made):
    for proof in ("x", "0" * 64):
        link = reverse("address_confirm_link", args=[f"{person.pk.hex}.{made}.{proof}"])
        assert client.get(link).status_code == 200
        assert client.post(link).status_code < 500


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(parts=st.lists(st.one_of(st.text(), st.text("0123456789abcdef"), NUMBERS), max_size=4))
def test_no_token_is_a_failure_of_ours(person, parts):
    token = ".".join(parts)
    assert reconfirming.find_person(token, now=NOW) is None
    assert reconfirming.find_person(f"{person.pk.hex}.{token}", now=NOW) is None


def test_a_link_for_an_address_that_was_left_confirms_nothing(person):
    token = reconfirming.make_token(person, now=NOW)
    person.email = "new@example.test"
    person.save()
    assert reconfirming.find_person(token, now=NOW) is None


def test_a_used_link_says_so_kindly(client):
    answer = client.get("/confirm-address/nonsense/", headers={"accept-language": "en"})
    assert answer.status_code == 200
    assert "The link no longer works" in answer.content.decode()


def test_the_secret_of_the_link_stays_out_of_the_log(person):
    token = reconfirming.make_token(person, now=timezone.now())
    assert token not in redact(f"GET /confirm-address/{token}/ 200")
