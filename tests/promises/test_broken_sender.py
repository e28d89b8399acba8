"""What `/trust/` would say of a sender that no longer asks: the rule is broken in the database
itself, the real engine sends over real SMTP, and the published readings must notice."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import User
from clicksend_portal.promises.promise import State
from consent import services as consent
from consent.models import Source
from foundation.roles import OWNER, as_role
from messaging.models import Message
from messaging.services import approve, deliver_pending, run_mailings, start
from tests.factories import make_campaign, make_customer, make_staff, topic
from tests.mailbox import Mailbox
from tests.promises.looks import read

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
ASKS = "WHEN p.choice <> 'granted' THEN p.choice"


@pytest.fixture
def leaver() -> User:
    """Said yes, is in the audience of a running campaign, and says no before it is sent."""
    person = make_customer(yes=("newsletter",), now=timezone.now() - timedelta(hours=1))
    now = timezone.now()
    author, second = make_staff(), make_staff()
    campaign = make_campaign(author=author)
    approve(campaign, actor=second, now=now)
    start(campaign, actor=second, now=now)
    run_mailings(now=now)
    consent.record_opt_out(
        person.pk, [topic().pk], source=Source.ONE_CLICK, now=now, received_at=now
    )
    return person


def stop_asking() -> None:
    """Of all the reasons the no is forgotten. The test's transaction takes it back."""
    with as_role(OWNER), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname = 'messaging_hand_over_many'"
        )
        (definition,) = cursor.fetchone()
        assert definition.count(ASKS) == 1
        cursor.execute(definition.replace(ASKS, "").replace("%", "%%"))


def test_a_sender_that_obeys_is_published_as_such(leaver: User, mailbox: Mailbox) -> None:
    deliver_pending()
    assert not mailbox.to(leaver.email)
    assert Message.objects.of_person(leaver.pk).get().reason == "withdrawn"
    reading = read("obeyed-in-minutes", now=timezone.now() + MINUTE)
    assert (reading.state, reading.value["handed_after"]) == (State.KEPT, 0)


def test_a_sender_that_forgets_one_no_breaks_both_promises(leaver: User, mailbox: Mailbox) -> None:
    stop_asking()
    deliver_pending()
    assert len(mailbox.to(leaver.email)) == 1
    now = timezone.now() + MINUTE
    obeyed, asked_for = read("obeyed-in-minutes", now=now), read("asked-for-mail", now=now)
    assert (obeyed.state, obeyed.value["handed_after"]) == (State.BROKEN, 1)
    assert (asked_for.state, asked_for.value["without_permission"]) == (State.BROKEN, 1)
