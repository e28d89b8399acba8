"""Whom a suppression bars: the sender, the audience, a sign-up, an import; account mail never."""

from datetime import timedelta

import pytest

from accounts import services as accounts
from accounts.models import User
from consent.models import Suppression
from consent.suppression import is_suppressed, suppress
from messaging import services as messaging
from messaging.models import Message
from messaging.outbox import put_account_mail
from tests.factories import NOW, make_campaign, make_customer, make_staff, topic

pytestmark = pytest.mark.django_db
Reason = Suppression.Reason
ADDRESS = "kari@example.test"


def sign_up():
    accounts.register_customer(
        email=ADDRESS, answers={topic().pk: True}, language="nb", now=NOW, username="kari77"
    )
    return User.objects.with_address(ADDRESS).get()


def start_campaign():
    campaign, staff = make_campaign(), make_staff()
    messaging.approve(campaign, actor=staff, now=NOW)
    messaging.start(campaign, actor=staff, now=NOW)
    messaging.run_mailings(now=NOW)


@pytest.mark.parametrize("reason", Reason.values)
def test_whatever_the_reason_no_optional_mail_is_even_written(reason):
    make_customer(yes=("newsletter",), email=ADDRESS)
    suppress("Kari@Example.TEST", reason=Reason(reason), now=NOW)
    start_campaign()
    assert not Message.objects.filter(kind="optional").exists()


@pytest.mark.parametrize("reason", Reason.values)
def test_account_mail_goes_whatever_the_reason(reason, mailbox):
    suppress(ADDRESS, reason=Reason(reason), now=NOW)
    put_account_mail(
        to=ADDRESS,
        person_id=None,
        purpose="password_reset",
        language="nb",
        subject="x",
        text="x",
        html="",
        now=NOW,
    )
    messaging.deliver_pending()
    assert len(mailbox.to(ADDRESS)) == 1


@pytest.mark.parametrize("reason", [Reason.ERASED, Reason.HARD_BOUNCE])
def test_a_new_sign_up_gets_its_welcome_and_nothing_optional_before_it_confirms(reason):
    suppress(ADDRESS, reason=reason, now=NOW - timedelta(days=9))
    person = sign_up()
    assert Message.objects.get().purpose == "welcome"
    assert is_suppressed(ADDRESS)
    accounts.confirm_address(person, password="a-good-long-password", now=NOW)
    assert not is_suppressed(ADDRESS)


def test_a_confirmation_does_not_empty_the_providers_list():
    suppress(ADDRESS, reason=Reason.PROVIDER, now=NOW - timedelta(days=9))
    accounts.confirm_address(sign_up(), password="a-good-long-password", now=NOW)
    assert is_suppressed(ADDRESS)
