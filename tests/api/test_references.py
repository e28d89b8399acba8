"""`/references/` and its API: granted and approved only, and gone within a minute."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.html import escape

from accounts.models import User
from consent.models import ReferenceText, ReferenceUse, Source
from consent.policy import REFERENCES_CACHED
from consent.reference import services
from consent.services import record_choices, record_pause
from foundation import standstill
from foundation.roles import KEEPER, as_role
from tests.factories import NOW, make_customer, retire_topic, topic
from tests.references import QUOTE, QUOTE_EN, plan, published, say_no, word

pytestmark = pytest.mark.django_db
A_MINUTE = timedelta(minutes=1)


@pytest.fixture
def kari() -> User:
    return make_customer(yes=("reference_quote", "reference_name"))


def asked(language: str = "en", **kwargs: Any) -> Any:
    return Client(headers={"accept-language": language}, **kwargs).get("/api/v1/references")


def listed(language: str = "en") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = asked(language).json()["references"]
    return found


def page(language: str = "en") -> str:
    answer = Client(headers={"accept-language": language}).get("/references/")
    assert answer.status_code == 200
    return str(answer.content.decode())


def is_shown(words: str) -> bool:
    """On both or on neither."""
    in_api = words in str(listed())
    assert in_api == (escape(words) in page())
    return in_api


def test_what_was_granted_and_approved_is_shown_to_everybody(kari: User) -> None:
    use = published(kari)
    assert listed() == [
        {
            "id": str(use.pk),
            "activity": "quote",
            "activity_name": "Quote",
            "title": "Nordmann Trykk",
            "text": QUOTE_EN,
            "language": "en",
            "since": NOW.isoformat().replace("+00:00", "Z"),
        }
    ]
    assert is_shown(QUOTE_EN)


def test_nothing_of_the_account_is_in_it(kari: User) -> None:
    published(kari)
    told = page() + str(listed())
    for private in (kari.email, kari.username, str(kari.pk), kari.last_name + ","):
        assert private not in told


def test_words_are_shown_in_the_language_asked_for_or_in_the_other_which_is_named(
    kari: User,
) -> None:
    published(kari, en="")
    (found,) = listed("en")
    assert (found["text"], found["language"], found["activity_name"]) == (QUOTE, "nb", "Quote")
    assert re.search(r'<blockquote[^>]*lang="nb"', page("en"))
    assert listed("nb")[0]["activity_name"] == "Sitat"


def test_what_is_planned_or_worded_by_one_side_is_not_shown(kari: User) -> None:
    use = plan(kari)
    assert not is_shown("Nordmann Trykk")
    text = services.write_text(
        use, nb=QUOTE, en=QUOTE_EN, by_customer=False, actor="staff:x", now=NOW
    )
    with pytest.raises(services.NotApprovedError):
        services.publish_use(use, actor="staff:x", now=NOW)
    assert not is_shown("Nordmann Trykk")
    services.approve_text(text, by_customer=True, actor="self", now=NOW)
    assert not is_shown("Nordmann Trykk")
    services.publish_use(use, actor="staff:x", now=NOW)
    assert is_shown(QUOTE_EN)


@pytest.mark.parametrize("by_customer", [True, False])
def test_new_words_appear_once_the_other_side_approved_them(kari: User, by_customer: bool) -> None:
    use = published(kari)
    newer = services.write_text(
        use, nb="", en="Even quicker now.", by_customer=by_customer, actor="staff:x", now=NOW
    )
    assert is_shown(QUOTE_EN)
    assert not is_shown("Even quicker now.")
    services.approve_text(newer, by_customer=not by_customer, actor="staff:x", now=NOW)
    assert is_shown("Even quicker now.")
    assert not is_shown(QUOTE_EN)


def test_a_name_needs_no_words(kari: User) -> None:
    published(kari, "reference_name", title="Nordmann & Sønn")
    assert is_shown("Nordmann & Sønn")
    assert listed()[0]["text"] == listed()[0]["language"] == ""


def test_other_places_are_not_on_our_page(kari: User) -> None:
    published(kari, place="print", copies="500", title="A brochure")
    assert not is_shown("A brochure")


def test_a_no_is_obeyed_by_the_next_answer_and_one_to_another_activity_changes_nothing(
    kari: User,
) -> None:
    published(kari)
    published(kari, "reference_name", title="Among our customers: Nordmann")
    say_no(kari)
    assert not is_shown(QUOTE_EN)
    assert is_shown("Among our customers: Nordmann")


def test_a_yes_again_brings_nothing_back_by_itself(kari: User) -> None:
    published(kari)
    say_no(kari)
    quote = topic("reference_quote").pk
    record_choices(kari.pk, {quote: True}, source=Source.PREFERENCES, now=timezone.now())
    assert not is_shown(QUOTE_EN)


def test_a_pause_hides_it_until_it_is_over(kari: User) -> None:
    published(kari)
    quote = [topic("reference_quote").pk]
    record_pause(kari.pk, quote, months=1, source=Source.PREFERENCES, now=timezone.now())
    assert not is_shown(QUOTE_EN)
    record_pause(kari.pk, quote, months=None, source=Source.PREFERENCES, now=timezone.now())
    assert ReferenceUse.objects.get().state != "published" or is_shown(QUOTE_EN)


def test_a_retired_activity_shows_nobody(kari: User) -> None:
    published(kari)
    retire_topic(topic("reference_quote"), now=NOW)
    assert not is_shown(QUOTE_EN)


def test_more_customers_take_no_more_queries(kari: User) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            listed()
        return len(seen)

    published(kari)
    queries()  # the first also asks whether the portal stands still
    before = queries()
    published(make_customer(yes=("reference_quote",)))
    assert queries() == before


# --- caches --------------------------------------------------------------------------------------


def test_no_cache_keeps_the_answer_longer_than_a_no_may_take() -> None:
    answer = asked()
    said = dict((part.strip().partition("=")[::2]) for part in answer["Cache-Control"].split(","))
    assert REFERENCES_CACHED < A_MINUTE
    assert int(said["max-age"]) == REFERENCES_CACHED.seconds
    assert "public" in said
    # Nor may one that cannot reach us go on showing what it has.
    assert "must-revalidate" in said
    assert not {"stale-while-revalidate", "stale-if-error", "s-maxage"} & set(said)


@pytest.mark.parametrize("signed_in", [True, False])
def test_the_page_is_asked_for_anew_by_every_reader(kari: User, signed_in: bool) -> None:
    client = Client()
    if signed_in:
        client.force_login(kari)
    said = client.get("/references/")["Cache-Control"]
    assert {"private", "no-cache"} == set(said.split(", "))


def test_the_api_speaks_the_language_of_the_account_and_sets_no_cookie(kari: User) -> None:
    published(kari)
    client = Client(headers={"accept-language": "en"})
    client.force_login(kari)
    answer = client.get("/api/v1/references")
    assert answer.json()["references"][0]["activity_name"] == "Sitat"
    assert {"Accept-Language", "Cookie"} <= set(answer["Vary"].split(", "))
    assert not answer.cookies


def test_a_database_older_than_the_last_no_shows_nobody(
    kari: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(kari)
    monkeypatch.setattr(standstill, "why", lambda *, pages=False: "restored")
    answer = asked()
    assert (answer.status_code, answer["Cache-Control"]) == (503, "no-store")
    assert Client().get("/references/").status_code == 503


def test_the_api_takes_nothing_but_a_look() -> None:
    client = Client()
    for method in ("post", "put", "patch", "delete"):
        assert getattr(client, method)("/api/v1/references").status_code == 405


def test_without_references_the_page_says_so() -> None:
    assert "Nobody is shown here at the moment." in page()
    assert listed() == []


def test_whoever_is_deactivated_is_not_shown_until_they_are_back(kari: User) -> None:
    published(kari)
    assert is_shown("Nordmann Trykk")
    User.objects.filter(pk=kari.pk).update(deactivated_at=NOW)
    assert not is_shown("Nordmann Trykk")
    User.objects.filter(pk=kari.pk).update(deactivated_at=None, is_active=False)
    assert not is_shown("Nordmann Trykk")
    User.objects.filter(pk=kari.pk).update(is_active=True)
    assert is_shown("Nordmann Trykk")


def test_words_somebody_unapproved_by_hand_are_not_shown(kari: User) -> None:
    """Whatever else the database says: no approval, no words."""
    use = plan(kari)
    word(use)
    services.publish_use(use, actor="staff:x", now=NOW)
    with as_role(KEEPER):
        ReferenceText.objects.filter(use=use).delete()
    assert not is_shown("Nordmann Trykk")
