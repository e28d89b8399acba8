"""Where one is signed in: browser and system, no place; ending one really signs it out."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.agents import describe_agent
from accounts.middleware import mark_seen
from accounts.models import Session, User
from tests.accounts.walk import PASSWORD, passwords
from tests.factories import NOW, make_customer

pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1"
)
EDGE = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 "
    "(KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0"
)


@pytest.fixture
def user() -> User:
    return make_customer(username="kari", password=PASSWORD)


def sign_in(agent: str = FIREFOX) -> Client:
    browser = Client(headers={"user-agent": agent}, REMOTE_ADDR="198.51.100.7")
    browser.post("/login/", {"login": "kari", "password": PASSWORD})
    return browser


def is_in(browser: Client) -> bool:
    return browser.get("/account/").status_code == 200


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [(FIREFOX, "Firefox · Linux"), (SAFARI, "Safari · iPhone"), (EDGE, "Edge · Windows"), ("", "")],
)
def test_a_browser_is_named_without_version(user_agent: str, words: str) -> None:
    assert describe_agent(user_agent) == words


def test_signing_in_changes_the_key_of_the_session_and_names_the_browser(user: User) -> None:
    browser = Client(headers={"user-agent": FIREFOX})
    session = browser.session
    session["before"] = True
    session.save()
    planted = session.session_key
    browser.cookies["sessionid"] = planted or ""
    browser.post("/login/", {"login": "kari", "password": PASSWORD})
    row = Session.objects.get(user=user)
    assert row.pk != planted
    assert row.agent == "Firefox · Linux"
    assert not Session.objects.filter(pk=planted).exists()


def test_the_list_shows_each_browser_and_which_is_this_one(user: User) -> None:
    here, there = sign_in(), sign_in(SAFARI)
    page = here.get("/account/sessions/")
    assert [row["row"].agent for row in page.context["sessions"]] == [
        "Firefox · Linux",
        "Safari · iPhone",
    ]
    assert [row["here"] for row in page.context["sessions"]] == [True, False]
    assert is_in(there)


def test_neither_address_nor_key_is_on_the_page_or_in_the_table(user: User) -> None:
    here, there = sign_in(), sign_in(SAFARI)
    page = here.get("/account/sessions/").content.decode()
    assert "198.51.100.7" not in page
    assert (here.session.session_key or "-") not in page
    assert (there.session.session_key or "-") not in page
    row = Session.objects.filter(user=user).values().first()
    assert row is not None
    assert "198.51.100.7" not in str(row) + str(here.session.items())


def test_ending_one_signs_that_browser_out_and_no_other(user: User) -> None:
    here, there, third = sign_in(), sign_in(SAFARI), sign_in(EDGE)
    rows = here.get("/account/sessions/").context["sessions"]
    handle = next(row["handle"] for row in rows if row["row"].agent == "Safari · iPhone")
    here.post("/account/sessions/", {"session": handle})
    assert (is_in(here), is_in(there), is_in(third)) == (True, False, True)


def test_all_others_end_with_one_button(user: User) -> None:
    here, there, third = sign_in(), sign_in(SAFARI), sign_in(EDGE)
    here.post("/account/sessions/", {"others": "1"})
    assert (is_in(here), is_in(there), is_in(third)) == (True, False, False)


def test_anothers_session_cannot_be_ended(user: User) -> None:
    theirs = Client()
    theirs.force_login(make_customer())
    handle = theirs.get("/account/sessions/").context["sessions"][0]["handle"]
    sign_in().post("/account/sessions/", {"session": handle})
    assert is_in(theirs)


@pytest.mark.parametrize("form", [{}, {"session": ""}, {"session": "tull"}])
def test_nonsense_ends_nothing(user: User, form: dict[str, str]) -> None:
    here, there = sign_in(), sign_in(SAFARI)
    assert here.post("/account/sessions/", form).status_code == 302
    assert is_in(here)
    assert is_in(there)


def test_looking_ends_nothing(user: User) -> None:
    here, there = sign_in(), sign_in(SAFARI)
    here.get("/account/sessions/", {"others": "1"})
    assert is_in(there)


def test_a_new_password_keeps_this_browser_and_ends_the_others(user: User) -> None:
    here, there = sign_in(), sign_in(SAFARI)
    form = {"oldpassword": PASSWORD} | passwords("et-nytt-og-langt-passord")
    assert here.post("/password/change/", form).status_code == 302
    assert (is_in(here), is_in(there)) == (True, False)
    assert Session.objects.filter(user=user).count() == 1


def test_last_seen_is_written_at_most_once_an_hour(user: User) -> None:
    browser = sign_in()
    key = browser.session.session_key
    hour_ago = timezone.now() - timedelta(minutes=59)
    Session.objects.update(seen_at=hour_ago)
    with CaptureQueriesContext(connection) as queries:
        browser.get("/account/sessions/")
    assert [q for q in queries if q["sql"].startswith("UPDATE")] == []
    Session.objects.update(seen_at=hour_ago - timedelta(minutes=2))
    browser.get("/account/sessions/")
    assert Session.objects.get(pk=key).seen_at > hour_ago


def test_last_seen_moves_after_the_hour_and_not_before(user: User) -> None:
    key = sign_in().session.session_key
    Session.objects.update(seen_at=NOW)
    mark_seen(key, now=NOW + timedelta(hours=1))
    assert Session.objects.get(pk=key).seen_at == NOW
    mark_seen(key, now=NOW + timedelta(hours=1, microseconds=1))
    assert Session.objects.get(pk=key).seen_at > NOW


def test_what_is_written_into_a_session_later_does_not_move_its_start(user: User) -> None:
    browser = sign_in()
    started = datetime(2026, 1, 1, tzinfo=UTC)
    Session.objects.update(started_at=started)
    session = browser.session
    session["later"] = True
    session.save()
    assert Session.objects.get(pk=session.session_key).started_at == started
