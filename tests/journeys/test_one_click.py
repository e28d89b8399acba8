"""The unsubscribe button of each kind of mail program, on a mail that really arrived."""

import pytest

from accounts.models import User
from messaging.models import Campaign, Message
from tests.factories import make_customer
from tests.journeys.mail_program import WAYS, unsubscribe
from tests.journeys.office import Office, deliver, resolve
from tests.mailbox import Mailbox

pytestmark = [pytest.mark.slow, pytest.mark.django_db]


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_whoever_presses_the_button_gets_no_further_newsletter(
    way: tuple[str, str], office: Office, mailbox: Mailbox
) -> None:
    leaver, stayer = (make_customer(yes=("newsletter", "special_offers")) for _ in range(2))
    office.write_newsletter("First")
    deliver()
    (mail,) = mailbox.to(leaver.email)
    office.write_newsletter("Waiting")
    resolve()

    answer = unsubscribe(mail, way)
    assert (answer.status_code, len(answer.cookies)) == (200, 0)

    office.write_newsletter("Second")
    deliver()
    assert len(mailbox.to(leaver.email)) == 1
    assert len(mailbox.to(stayer.email)) == 3
    assert fate_of("Waiting", leaver) == ["withheld"]
    assert fate_of("Second", leaver) == []


def fate_of(subject: str, person: User) -> list[str]:
    """The states of the person's messages of this campaign."""
    campaign = Campaign.objects.get(subject_en=f"{subject} en")
    rows = Message.objects.of_mailing(campaign.pk).of_person(person.pk)
    return list(rows.values_list("state", flat=True))
