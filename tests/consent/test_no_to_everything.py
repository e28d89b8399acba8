"""A no to everything reaches the reference program, whose mails and calls are optional too."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from consent.models import Preference, ReferenceUse, Source, State
from consent.reference.publishing import public_references
from consent.services import everything_optional, record_opt_out, takes_part
from consent.tokens import RecipientToken, sign_token
from messaging.incoming.services import receive_mail
from messaging.providers.comparing import _take_over
from messaging.providers.entry import Because, Entry
from tests.consent.referring import NAME, QUOTE, published
from tests.factories import NOW, make_customer, topic
from tests.incoming import letters

pytestmark = pytest.mark.django_db
YES = ("newsletter", QUOTE, "tailoring")
SENTENCE = "taken down"


@pytest.fixture
def kari() -> User:
    return make_customer(yes=YES, language="en", now=NOW - timedelta(days=2))


def token(person: User, slug: str = QUOTE) -> str:
    named = topic(slug).number if slug else 0
    return sign_token(
        RecipientToken(
            person_id=person.pk, topic=named, mailing=4, wording_version=1, issued_at=NOW
        )
    )


def states(person: User) -> dict[str, str]:
    return dict(Preference.objects.of(person.pk).values_list("topic__slug", "state"))


def from_a_mail_of_the_program(person: User) -> None:
    Client().post(f"/u/{token(person)}/", {"scope": "all"})


def from_a_newsletter(person: User) -> None:
    Client().post(f"/u/{token(person, 'newsletter')}/", {"scope": "all"})


def by_a_mail_program_without_a_topic(person: User) -> None:
    Client().post(f"/u/{token(person, '')}/", {"List-Unsubscribe": "One-Click"})


def signed_in(person: User) -> None:
    client = Client()
    client.force_login(person)
    client.post("/preferences/", {"action": "no"})


def on_the_page_from_a_mail(person: User) -> None:
    Client().post(f"/p/{token(person)}/", {"action": "no"})


def by_mail_without_a_topic(person: User) -> None:
    receive_mail(letters.gmail(token(person, "")), received_at=NOW, now=NOW)


def by_a_complaint(person: User) -> None:
    receive_mail(letters.yahoo(token(person, "newsletter")), received_at=NOW, now=NOW)


def by_the_providers_list(person: User) -> None:
    _take_over(Entry(address=person.email, because=Because.UNSUBSCRIBE, since=NOW), person, now=NOW)


@pytest.mark.parametrize(
    "way",
    [
        from_a_mail_of_the_program,
        from_a_newsletter,
        by_a_mail_program_without_a_topic,
        signed_in,
        on_the_page_from_a_mail,
        by_mail_without_a_topic,
        by_a_complaint,
        by_the_providers_list,
    ],
)
def test_a_no_to_everything_takes_references_down_by_every_way(
    kari: User, way: Callable[[User], Any]
) -> None:
    use = published(kari, QUOTE)
    way(kari)
    use.refresh_from_db()
    assert (use.state, takes_part(kari.pk)) == (ReferenceUse.State.TAKING_DOWN, False)
    found = states(kari)
    assert (found["newsletter"], found[QUOTE]) == (State.WITHDRAWN, State.WITHDRAWN)
    assert found["tailoring"] == State.GRANTED
    # Who was never asked for their name has not refused it.
    assert NAME not in found


def test_a_mails_own_topic_is_in_everything_though_it_was_never_answered(kari: User) -> None:
    Client().post(f"/u/{token(kari, NAME)}/", {"scope": "all"})
    assert states(kari)[NAME] == State.REFUSED


def test_a_no_from_a_mail_is_made_final_by_a_later_no_to_everything(kari: User) -> None:
    record_opt_out(kari.pk, [topic(QUOTE).pk], source=Source.LINK, now=NOW)
    changed = record_opt_out(
        kari.pk, everything_optional(kari.pk), source=Source.PREFERENCES, now=NOW
    )
    assert topic(QUOTE).pk in changed


@pytest.mark.parametrize("page", ["/preferences/", "/p/{}/"])
def test_a_pause_of_everything_hides_references_until_it_ends(kari: User, page: str) -> None:
    published(kari, QUOTE)
    client = Client()
    client.force_login(kari)
    client.post(page.format(token(kari)), {"action": "pause", "months": 1})
    quotes = Preference.objects.filter(person=kari, topic=topic(QUOTE))
    assert quotes.exclude(paused_until=None).exists()
    assert public_references(now=NOW + timedelta(hours=2)) == []
    client.post("/preferences/", {"action": "resume"})
    assert quotes.filter(paused_until=None).exists()
    assert len(public_references(now=NOW + timedelta(hours=2))) == 1


@pytest.mark.parametrize("page", ["/preferences/", "/p/{}/", "/u/{}/"])
def test_the_page_says_before_that_references_come_down(kari: User, page: str) -> None:
    client = Client(headers={"accept-language": "en"})
    client.force_login(kari)
    said = client.get(page.format(token(kari, "newsletter"))).content.decode()
    assert SENTENCE in said
    other = make_customer(yes=("newsletter",), language="en")
    client.force_login(other)
    assert SENTENCE not in client.get(page.format(token(other, "newsletter"))).content.decode()


def test_whoever_takes_part_in_the_program_alone_may_say_no_to_everything(client: Client) -> None:
    person = make_customer(yes=(QUOTE,), no=("newsletter", "product_news", "special_offers"))
    client.force_login(person)
    page = client.get("/preferences/").content.decode()
    assert 'name="action" value="no"' in page
    assert 'name="months"' in page
