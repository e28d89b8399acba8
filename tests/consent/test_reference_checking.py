"""What the portal finds by itself on pages of ours, and whom it reminds of the rest."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone
from pytest_django.fixtures import Settings as SettingsWrapper

from accounts.models import User
from consent.models import ReferenceUse, Takedown
from consent.policy import CHECK_AGAIN, TAKEDOWN_NAGGING, TAKEDOWN_SETTLES, TAKEDOWN_WARNING
from consent.reference.checking import (
    addresses_of,
    check_takedown,
    check_takedowns,
    marks_of,
    verdict,
)
from consent.reference.looking import MOST_BYTES, Page, is_ours, look_at, plain, words_of
from consent.reference.reminding import remind_owners, take_over
from consent.reference.services import record_removal
from consent.reference.words import Found, proof_words
from foundation.roles import KEEPER, as_role
from messaging.models import Message
from tests.factories import NOW, make_customer, make_staff
from tests.references import QUOTE, QUOTE_EN, plan, published, say_no, takedown_of

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
OURS = "https://www.portal-blog.example/kunder"


@pytest.fixture
def kari() -> User:
    return make_customer(yes=("reference_quote", "reference_name"))


@pytest.fixture
def blog(settings: SettingsWrapper) -> None:
    settings.OUR_HOSTS = frozenset({"www.portal-blog.example"})


def coming_down(person: User, **fields: Any) -> Takedown:
    use = published(person, **fields)
    say_no(person, use.topic.slug)
    return takedown_of(use)


def answering(*, status: int = 200, html: str = "", asked: list[str] | None = None) -> Any:
    def look(url: str, *, language: str) -> Page:
        if asked is not None:
            asked.append(f"{url} {language}")
        return Page(status, plain(html))

    return look


# --- comparing -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "html",
    [
        f"<p>{QUOTE}</p>",
        "<p>Kundene   henter <b>varene</b> samme\n dag, fordi&nbsp;vi sender dem en SMS</p>",
        "<h2>NORDMANN TRYKK</h2>",
        '<img alt="Nordmann Trykk" src="/x.png">',
        "Nord&shy;mann Trykk",
        f'{{"text": "{QUOTE_EN}"}}',
    ],
)
@pytest.mark.usefixtures("blog")
def test_what_still_names_the_customer_is_seen(kari: User, html: str) -> None:
    takedown = coming_down(kari, place="website", url=OURS)
    assert not check_takedown(takedown, now=NOW, look=answering(html=html))
    takedown.refresh_from_db()
    assert (takedown.closed_at, takedown.checked, takedown.was_there) == (None, "there 200", True)
    assert "still there" in proof_words(takedown) or "fortsatt" in proof_words(takedown)


@pytest.mark.usefixtures("blog")
def test_a_page_without_the_name_and_the_words_is_the_proof_where_they_stood_before(
    kari: User,
) -> None:
    takedown = coming_down(kari, place="website", url=OURS)
    assert not check_takedown(takedown, now=NOW, look=answering(html="Nordmann Trykk"))
    takedown.refresh_from_db()
    asked: list[str] = []
    other = "<h1>Kunder</h1><p>Nordmann Maling: Kundene henter varene.</p>"
    assert check_takedown(takedown, now=NOW, look=answering(html=other, asked=asked))
    takedown.refresh_from_db()
    assert (takedown.closed_at, takedown.checked, takedown.checked_by) == (
        NOW,
        "absent 200",
        "check",
    )
    assert takedown.use.state == ReferenceUse.State.REMOVED
    assert asked == [f"{OURS} nb", f"{OURS} en"]


@pytest.mark.parametrize(
    "html",
    [
        '<img alt="" src="/nordmann.svg">',
        '<div id="app"></div><script src="/app.js"></script>',
        "<h1>Logg inn</h1>",
        "<h1>Some other page</h1>",
    ],
)
@pytest.mark.usefixtures("blog")
def test_not_found_where_it_was_never_found_proves_nothing(kari: User, html: str) -> None:
    takedown = coming_down(kari, place="website", url=OURS)
    for _look in range(2):
        assert not check_takedown(takedown, now=NOW, look=answering(html=html))
        takedown.refresh_from_db()
    assert (takedown.closed_at, takedown.checked) == (None, "never_seen 200")
    assert "somebody has to look" in proof_words(takedown) or "Noen må" in proof_words(takedown)


@pytest.mark.usefixtures("blog")
def test_of_a_logo_a_person_decides_unless_the_page_is_gone() -> None:
    takedown = coming_down(
        make_customer(yes=("reference_logo",)), slug="reference_logo", place="website", url=OURS
    )
    for html in ("Nordmann Trykk", '<img alt="" src="/nordmann.svg">'):
        assert not check_takedown(takedown, now=NOW, look=answering(html=html))
        takedown.refresh_from_db()
    assert takedown.checked == "never_seen 200"
    assert check_takedown(takedown, now=NOW, look=answering(status=404))


@pytest.mark.parametrize(
    "fields",
    [
        {"place": "website", "url": OURS, "copies": "500 brosjyrer"},
        {"place": "references", "copies": "500 brosjyrer"},
        {"place": "references", "url": "https://elsewhere.example/kunder"},
    ],
)
@pytest.mark.usefixtures("blog")
def test_where_it_also_stands_elsewhere_a_look_closes_nothing(
    kari: User, fields: dict[str, Any]
) -> None:
    takedown = coming_down(kari, **fields)
    assert addresses_of(takedown.use) == []
    assert check_takedowns(now=NOW, look=answering(status=410)) == 0


@pytest.mark.parametrize("status", [404, 410])
@pytest.mark.usefixtures("blog")
def test_a_page_that_is_gone_is_a_proof(kari: User, status: int) -> None:
    takedown = coming_down(kari, place="website", url=OURS)
    assert check_takedown(takedown, now=NOW, look=answering(status=status, html="Nordmann Trykk"))


@pytest.mark.parametrize(
    "pages",
    [
        [Page()],
        [Page(503, "out of order")],
        [Page(403, "")],
        [Page(200, None)],
        [Page(200, "nothing"), Page()],
        [],
    ],
)
def test_a_page_that_cannot_be_read_proves_nothing(pages: list[Page]) -> None:
    assert verdict(pages, {"nordmann trykk"}) == Found.UNREADABLE


def test_one_language_that_still_shows_it_is_enough() -> None:
    assert verdict([Page(200, "hei"), Page(200, "nordmann trykk")], {"nordmann trykk"}) == "there"
    assert verdict([Page(404), Page(200, "nordmann trykk")], {"nordmann trykk"}) == "there"


@pytest.mark.usefixtures("blog")
def test_of_somebody_who_was_erased_a_person_decides_unless_the_page_is_gone(kari: User) -> None:
    use = published(kari, place="website", url=OURS)
    ReferenceUse.objects.filter(pk=use.pk).update(person=None, title="")
    with as_role(KEEPER):
        use.texts.all().delete()
    takedown = takedown_of(use)
    assert not check_takedown(takedown, now=NOW, look=answering(html="somebody"))
    takedown.refresh_from_db()
    assert takedown.checked == "nothing_to_compare 200"
    assert check_takedown(takedown, now=NOW, look=answering(status=410))


@pytest.mark.usefixtures("blog")
def test_another_use_on_the_same_page_may_still_show_the_name(kari: User) -> None:
    takedown = coming_down(kari, place="website", url=OURS)
    published(kari, "reference_name", place="website", url=OURS)
    assert words_of("Nordmann Trykk") not in marks_of(takedown.use)
    assert words_of(QUOTE) in marks_of(takedown.use)


# --- which pages, and when -----------------------------------------------------------------------


@pytest.mark.usefixtures("blog")
@pytest.mark.parametrize(
    ("url", "ours"),
    [
        (OURS, True),
        (f"{settings.PORTAL_URL}/references/", True),
        ("http://www.portal-blog.example/kunder", False),
        ("https://www.portal-blog.example:6379/", False),
        ("https://user@www.portal-blog.example/", False),
        ("https://elsewhere.example/", False),
        ("https://[nonsense", False),
        ("file:///etc/passwd", False),
        ("", False),
    ],
)
def test_only_pages_of_ours_are_asked_for(url: str, ours: bool) -> None:
    assert is_ours(url) is ours


def test_print_and_other_peoples_pages_are_left_to_people(kari: User) -> None:
    coming_down(kari, place="website", url="https://elsewhere.example/kunder")
    say_yes = make_customer(yes=("reference_quote",))
    coming_down(say_yes, place="print", copies="500 brosjyrer")
    asked: list[str] = []
    assert check_takedowns(now=NOW, look=answering(asked=asked)) == 0
    assert not asked


def test_on_our_own_page_the_key_of_the_entry_is_looked_for(kari: User) -> None:
    """So the customer's name may stand there for something else they agreed to."""
    takedown = coming_down(kari)
    entry = f'<li id="r-{takedown.use_id}">'
    assert not check_takedown(takedown, now=NOW, look=answering(html=entry))
    assert check_takedown(takedown, now=NOW, look=answering(html="Nordmann Trykk"))


def test_what_was_still_there_is_looked_at_again_after_a_while(kari: User) -> None:
    takedown = coming_down(kari)
    there = answering(html=str(takedown.use_id))
    asked: list[str] = []
    assert check_takedowns(now=NOW, look=there) == 0
    soon = NOW + CHECK_AGAIN - timedelta(seconds=1)
    assert check_takedowns(now=soon, look=answering(asked=asked)) == 0
    assert not asked
    assert check_takedowns(now=NOW + CHECK_AGAIN, look=answering(asked=asked)) == 1
    assert asked


@pytest.mark.usefixtures("blog")
def test_a_host_that_does_not_answer_is_asked_once_a_round(kari: User) -> None:
    for number in range(3):
        published(kari, place="website", url=f"{OURS}/{number}")
    say_no(kari)
    asked: list[str] = []
    assert check_takedowns(now=NOW, look=answering(status=0, asked=asked)) == 0
    assert len(asked) == 1
    assert set(Takedown.objects.values_list("checked", flat=True)) == {"unreadable 0"}


def test_a_round_begins_no_look_once_its_time_is_over(kari: User) -> None:
    takedown = coming_down(kari)
    over = timezone.now()
    assert check_takedowns(now=NOW, until=over, look=answering(html="")) == 0
    takedown.refresh_from_db()
    assert takedown.checked_at is None
    assert check_takedowns(now=NOW, until=over + timedelta(hours=1), look=answering(html="")) == 1


@pytest.mark.usefixtures("blog")
def test_what_was_never_looked_at_comes_first(kari: User) -> None:
    for number in range(2):
        published(kari, place="website", url=f"{OURS}/{number}")
    say_no(kari)
    Takedown.objects.filter(use__url=f"{OURS}/0").update(
        checked_by="check", checked_at=NOW - CHECK_AGAIN
    )
    asked: list[str] = []
    check_takedowns(now=NOW, look=answering(html="x", asked=asked))
    assert [each.split()[0][-1] for each in asked] == ["1", "1", "0", "0"]


def test_a_look_is_not_the_keepers_work() -> None:
    assert settings.CELERY_TASK_ROUTES["consent.tasks.check_takedowns"] == {"queue": "webhooks"}


def test_a_removal_is_recorded_once(kari: User) -> None:
    takedown = coming_down(kari)
    assert record_removal(takedown, checked="Looked at the page.", actor="staff:x", now=NOW)
    assert not check_takedown(takedown, now=NOW, look=answering(html=str(takedown.use_id)))
    takedown.refresh_from_db()
    assert takedown.checked == "Looked at the page."


# --- a real page ---------------------------------------------------------------------------------


class Site(HTTPServer):
    pages: dict[str, tuple[int, dict[str, str], bytes]]
    asked: list[str]


class Handler(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        self.server.asked.append(f"{self.path} {self.headers['Accept-Language']}")
        status, headers, body = self.server.pages.get(self.path, (404, {}, b""))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: Any) -> None:
        pass


HTML = {"Content-Type": "text/html"}


@contextmanager
def serving() -> Iterator[Site]:
    server = Site(("127.0.0.1", 0), Handler)
    server.pages, server.asked = {}, []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def site(settings: SettingsWrapper) -> Iterator[Site]:
    """In the portal's own place."""
    with serving() as server:
        settings.PORTAL_URL = f"http://127.0.0.1:{server.server_port}"
        yield server


def look(path: str) -> Page:
    return look_at(settings.PORTAL_URL + path, language="nb")


def test_a_page_is_read_in_the_language_asked_for(site: Site) -> None:
    site.pages["/kunder"] = (200, HTML, "<p>Blåbær &amp; Sønn</p>".encode())
    found = look("/kunder")
    assert found.status == 200
    assert "blåbær sønn" in (found.words or "")
    assert site.asked == ["/kunder nb"]


def test_letters_of_another_alphabet_do_not_hide_a_name(site: Site) -> None:
    site.pages["/kunder"] = (200, HTML, "<p>Blåbær Sønn</p>".encode("latin-1"))
    assert "blåbær sønn" in (look("/kunder").words or "")


def test_a_redirect_is_followed_among_our_own_pages_only(site: Site) -> None:
    site.pages["/a"] = (302, {"Location": "/b"}, b"")
    site.pages["/b"] = (200, HTML, b"here")
    assert look("/a").status == 200
    with serving() as elsewhere:
        elsewhere.pages["/"] = (200, HTML, b"here")
        site.pages["/a"] = (302, {"Location": f"http://127.0.0.1:{elsewhere.server_port}/"}, b"")
        assert look("/a") == Page()
        assert not elsewhere.asked
    site.pages["/a"] = (302, {"Location": "/a"}, b"")
    assert look("/a") == Page()


@pytest.mark.parametrize(
    ("headers", "body"),
    [({"Content-Type": "application/pdf"}, b"x"), (HTML, b"x" * (MOST_BYTES + 1)), ({}, b"x")],
)
def test_what_is_no_whole_text_has_no_words(
    site: Site, headers: dict[str, str], body: bytes
) -> None:
    site.pages["/kunder"] = (200, headers, body)
    assert look("/kunder") == Page(200, None)


def test_nobody_answering_is_no_answer(settings: SettingsWrapper) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        settings.PORTAL_URL = f"http://127.0.0.1:{free.getsockname()[1]}"
        assert look("/kunder") == Page()


# --- reminders -----------------------------------------------------------------------------------


@pytest.fixture
def owner() -> User:
    return make_staff(language="en")


def reminders() -> list[Message]:
    return list(Message.objects.filter(purpose="takedown_due").order_by("queued_at"))


def test_the_owner_hears_of_it_when_it_opens_before_it_is_due_and_each_day_it_is_late(
    kari: User, owner: User
) -> None:
    takedown = coming_down(kari, place="print", copies="500", responsible=owner)
    due = takedown.due_at
    told = [
        (takedown.opened_at + TAKEDOWN_SETTLES, 1),
        (takedown.opened_at + timedelta(days=1), 0),
        (due - TAKEDOWN_WARNING - timedelta(seconds=1), 0),
        (due - TAKEDOWN_WARNING, 1),
        (due, 0),
        (due + timedelta(seconds=1), 1),
        (due + timedelta(hours=12), 0),
        (due + timedelta(seconds=1) + TAKEDOWN_NAGGING, 1),
    ]
    for now, mails in told:
        assert remind_owners(now=now) == mails, now
    found = reminders()
    assert {mail.to_address for mail in found} == {owner.email}
    assert "late, it was due" in found[-1].text
    assert "late, it was due" not in found[0].text
    assert str(takedown.pk) in found[0].text


def test_a_reminder_names_nobody(kari: User, owner: User) -> None:
    takedown = coming_down(kari, place="print", copies="Nordmann 500", responsible=owner)
    remind_owners(now=takedown.due_at)
    (mail,) = reminders()
    assert "Nordmann" not in mail.text + mail.html + mail.subject
    assert kari.email not in mail.text


def test_one_mail_for_all_that_is_one_owners(kari: User, owner: User) -> None:
    for number in range(2):
        published(kari, place="print", copies=str(number), responsible=owner)
    say_no(kari)
    assert remind_owners(now=Takedown.objects.latest("opened_at").due_at) == 1
    assert reminders()[0].text.count("/admin/consent/takedown/") == 3


def test_without_an_owner_who_works_here_privacy_hears(kari: User, owner: User) -> None:
    takedown = coming_down(kari, place="print", copies="500", responsible=owner)
    User.objects.filter(pk=owner.pk).update(is_active=False)
    remind_owners(now=takedown.due_at)
    assert reminders()[0].to_address == settings.PRIVACY_EMAIL
    assert reminders()[0].person_id is None


def test_nobody_is_reminded_of_what_is_gone(kari: User, owner: User) -> None:
    takedown = coming_down(kari, place="print", copies="500", responsible=owner)
    record_removal(takedown, checked="All paper is pulped.", actor="staff:x", now=NOW)
    assert remind_owners(now=takedown.due_at + timedelta(days=9)) == 0


def test_a_takedown_that_is_taken_over_has_a_new_owner(kari: User, owner: User) -> None:
    takedown = coming_down(kari, place="print", copies="500")
    assert take_over(takedown, actor=owner)
    takedown.refresh_from_db()
    assert takedown.owner == owner
    record_removal(takedown, checked="All paper is pulped.", actor="staff:x", now=NOW)
    assert not take_over(takedown, actor=make_staff())


def test_a_use_that_was_never_shown_needs_no_takedown(kari: User) -> None:
    use = plan(kari)
    say_no(kari)
    assert not Takedown.objects.filter(use=use).exists()
