"""What stops an approval, what is only said, and how links are tried."""

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import redis
from django.core.cache import cache
from django.utils import timezone, translation

from messaging import announcing, link_checks, services
from messaging.checklist import Problem, blocking, check, checklist, link_addresses
from messaging.contents import Contents, broken_links
from messaging.images import markdown_of
from messaging.link_checks import Found, LinkState, check_links, known_links, try_link
from messaging.models import Mailing
from messaging.policy import LINK_HOPS, MAIL_SHOWN_BYTES, SUBJECT_SHOWN
from messaging.refusals import Unfit
from tests.factories import make_announcement, make_campaign, make_picture, make_staff

pytestmark = pytest.mark.django_db
FINE = "Words and [a link](https://clicksend.com/nytt)."


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    with translation.override("en"):
        yield


def problems(words: str, **fields: Any) -> list[Problem]:
    """Of a campaign that is in order but for these fields."""
    values = {"body_nb": FINE, "body_en": FINE}
    return [each for each in check(make_campaign(**(values | fields))) if words in each.words]


def place(problem: Problem, text: str) -> str:
    return text[problem.start : problem.end]


def test_a_mailing_in_order_has_nothing_that_stops_it() -> None:
    assert blocking(make_campaign(body_nb=FINE, body_en=FINE)) == []
    assert len(checklist(make_announcement())) == 8


# --- both languages --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["subject_nb", "subject_en", "body_nb", "body_en"])
@pytest.mark.parametrize("text", ["", " \n"])
def test_what_one_language_lacks_stops_it(name: str, text: str) -> None:
    [problem] = problems("is missing", **{name: text})
    assert problem.blocking
    assert problem.name == name


@pytest.mark.parametrize(("length", "found"), [(SUBJECT_SHOWN, 0), (SUBJECT_SHOWN + 1, 1)])
def test_a_long_subject_is_only_said(length: int, found: int) -> None:
    subject = "x" * length
    hints = problems("a phone shows", subject_en=subject)
    assert len(hints) == found
    assert not any(hint.blocking for hint in hints)


def test_a_missing_preview_line_is_only_said() -> None:
    [hint] = problems("no preview line", preheader_nb="")
    assert (hint.name, hint.blocking) == ("preheader_nb", False)


# --- personal fields -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["subject_en", "preheader_en", "body_en"])
def test_an_unknown_personal_field_stops_it_and_is_shown(name: str) -> None:
    text = "Hello {first_nam|there} and all"
    [problem] = problems("no personal field", **{name: text})
    assert problem.blocking
    assert place(problem, text) == "{first_nam|there}"


@pytest.mark.parametrize(
    ("written", "found"), [("{first_name}", 1), ("{first_name|there}", 0), ("{company|}", 0)]
)
def test_a_field_without_a_default_is_only_said(written: str, found: int) -> None:
    hints = problems("has no default", body_en=f"Hello {written}.")
    assert [hint.blocking for hint in hints] == [False] * found


# --- links -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "http://clicksend.com/",
        "HTTP://clicksend.com/",
        "//clicksend.com/x",
        "/nytt",
        "clicksend.com",
        "#",
        "https://",
        "https:///nytt",
        "https://clicksend",
        "https://localhost/x",
        "https://localhost:8000",
        "https://printer.local/",
        "https://10.0.0.7/",
        "https://127.0.0.1:8000/",
        "https://[::1]/",
        "https://[::1/",
        "https://clicksend.com:99999999/",
        "ftp://clicksend.com/",
        "https://clicksend.com/?who={first_name}",
        "https://clicksend.com/%7Bcompany%7D",
    ],
)
def test_a_link_that_cannot_be_right_stops_it(address: str) -> None:
    body = f"Words and [a link]({address})."
    stops = blocking(make_campaign(body_nb=FINE, body_en=body))
    assert stops
    assert {(stop.field, stop.language) for stop in stops} == {("body", "en")}


def test_a_passage_is_counted_as_the_browser_counts() -> None:
    [problem] = problems("not secure", body_en="One\r\n\r\n[a](http://clicksend.com)")
    assert place(problem, "One\n\n[a](http://clicksend.com)") == "http://clicksend.com"


@pytest.mark.parametrize(
    "written",
    [
        "[a link](https://clicksend.com/a b)",
        "[a link](javascript:alert(1))",
        "[a link] (https://clicksend.com/)",
    ],
)
def test_what_looks_like_a_link_and_is_none_stops_it(written: str) -> None:
    [problem] = problems("looks like a link", body_nb=f"# Hei\n\nSe {written}.")
    assert problem.blocking


@pytest.mark.parametrize(
    "address",
    [
        "https://clicksend.com/nytt?a=1&b=2#c",
        "https://blåbær.no/sylte tøy".replace(" ", "%20"),
        "mailto:hjelp@clicksend.com",
        "tel:+4722000000",
    ],
)
def test_a_good_link_is_left_alone(address: str) -> None:
    assert blocking(make_campaign(body_nb=FINE, body_en=f"[a link]({address})")) == []


def test_links_in_code_are_words() -> None:
    assert blocking(make_campaign(body_nb=FINE, body_en="Write `[a](b c)` for a link.")) == []


def test_an_address_for_examples_is_only_said() -> None:
    [hint] = problems("for examples", body_en="[a](https://clicksend.example/x)")
    assert not hint.blocking


@pytest.mark.parametrize(
    ("found", "words", "stops"),
    [
        (Found.DEAD, "leads nowhere (404)", True),
        (Found.UNCLEAR, "no clear answer", False),
        (Found.UNKNOWN, "has not been tried", False),
    ],
)
def test_a_link_stops_it_only_when_it_is_known_to_be_dead(
    monkeypatch: pytest.MonkeyPatch, found: Found, words: str, stops: bool
) -> None:
    address = "https://clicksend.com/nytt"
    monkeypatch.setattr(link_checks, "try_link", lambda _a: link_checks.LinkState(found, "404"))
    if found is not Found.UNKNOWN:
        check_links([address])
    [problem, _other] = problems(words)
    assert problem.blocking is stops
    assert place(problem, FINE) == address


def test_looking_asks_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_named: object) -> None:
        raise AssertionError("asked the network")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    check(make_campaign())


def test_without_the_cache_links_are_unknown_and_nothing_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def gone(*_arguments: object, **_named: object) -> None:
        raise redis.ConnectionError

    for name in ("get_many", "set_many"):
        monkeypatch.setattr(cache, name, gone, raising=False)
    monkeypatch.setattr(link_checks, "try_link", lambda _a: link_checks.LinkState(Found.DEAD))
    assert check_links(["https://clicksend.com/"])
    assert known_links(["https://clicksend.com/"]) == {
        "https://clicksend.com/": link_checks.UNKNOWN
    }


def test_what_can_be_tried_is_tried_once_over_both_languages() -> None:
    campaign = make_campaign(
        body_nb=f"{FINE} [b](https://b.no/) [c](http://c.no/) [d](mailto:d@e.no)", body_en=FINE
    )
    assert link_addresses(campaign) == ["https://b.no/", "https://clicksend.com/nytt"]


# --- trying links ----------------------------------------------------------------------------


class Site(BaseHTTPRequestHandler):
    """Answers by its path: /404, /to/…, /no-head, /slow."""

    asked: list[tuple[str, str]]

    def do_HEAD(self) -> None:
        type(self).asked.append((self.command, self.path))
        path = self.path.split("?")[0]
        if path == "/no-head" and self.command == "HEAD":
            self.answer(405)
        elif path == "/no-head":
            self.answer(200)
        elif path == "/slow":
            threading.Event().wait(3)
        elif path.startswith("/to/"):
            self.answer(302, path.removeprefix("/to"))
        elif path == "/round":
            self.answer(302, "/round")
        elif path == "/plain":
            self.answer(302, "http://clicksend.com/")
        elif path == "/inside":
            self.answer(302, "http://10.0.0.1/")
        else:
            self.answer(int(path[1:]))

    do_GET = do_HEAD  # noqa: N815 - the library's name

    def answer(self, status: int, location: str = "") -> None:
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """Quiet."""


@pytest.fixture
def site(settings: Any) -> Iterator[str]:
    """On this machine, which links may reach only where the portal itself is not on https."""
    settings.SECURE = False
    Site.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/200", Found.ALIVE),
        ("/204", Found.ALIVE),
        ("/404", Found.DEAD),
        ("/410", Found.DEAD),
        ("/403", Found.UNCLEAR),
        ("/429", Found.UNCLEAR),
        ("/500", Found.UNCLEAR),
        ("/no-head", Found.ALIVE),
        ("/to/200", Found.ALIVE),
        ("/to/to/404", Found.DEAD),
        ("/round", Found.UNCLEAR),
        ("/inside", Found.DEAD),
        ("/200#part", Found.ALIVE),
    ],
)
def test_a_link_is_followed_to_its_end(site: str, path: str, found: Found) -> None:
    assert try_link(site + path).found is found
    assert len(Site.asked) <= LINK_HOPS * 2
    assert not any("#" in asked for _method, asked in Site.asked)


def test_a_link_that_leads_on_without_encryption_is_not_followed(
    site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    real = socket.getaddrinfo

    def resolve(host: str, *arguments: Any, **named: Any) -> Any:
        asked.append(host)
        return real(host, *arguments, **named)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    assert try_link(f"{site}/plain") == LinkState(Found.DEAD, "not_public")
    assert set(asked) == {"127.0.0.1"}


def test_a_link_that_answers_is_asked_by_head_alone(site: str) -> None:
    try_link(f"{site}/200")
    assert Site.asked == [("HEAD", "/200")]


def test_a_site_that_never_answers_costs_seconds_not_minutes(
    site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_checks, "LINK_SECONDS", 0.3)
    assert try_link(f"{site}/slow").found is Found.UNCLEAR


@pytest.mark.parametrize(
    ("answers", "found"),
    [
        (["10.0.0.1"], Found.DEAD),
        (["169.254.169.254"], Found.DEAD),
        (["::1"], Found.DEAD),
        (socket.gaierror(socket.EAI_NONAME, "no such name"), Found.DEAD),
        (socket.gaierror(socket.EAI_AGAIN, "name server gone"), Found.UNCLEAR),
    ],
)
def test_a_name_leads_to_the_public_internet_or_nowhere(
    monkeypatch: pytest.MonkeyPatch, answers: Any, found: Found
) -> None:
    def resolve(host: str, port: int, **_named: object) -> list[Any]:
        if isinstance(answers, Exception):
            raise answers
        return [(socket.AF_INET, 1, 6, "", (each, port)) for each in answers]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    assert try_link("https://clicksend.com/").found is found


def test_a_bracket_looks_for_its_end_only_so_far() -> None:
    """Twenty thousand of them would otherwise each read all the rest."""
    for length, number in ((300, 1), (301, 0)):
        words = f"[{'x' * length}](a b)"
        assert len(list(broken_links(words, Contents((), (), words)))) == number


# --- pictures and size -----------------------------------------------------------------------


def test_a_picture_without_words_stops_it() -> None:
    image = make_picture()
    body = f"![](picture:{image.digest[:12]}) and {markdown_of(image)}"
    [problem] = problems("no alternative text", body_en=body)
    assert problem.blocking
    assert problem.start == body.index("](")


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("picture:0123456789ab", "does not exist"),
        ("https://elsewhere.no/x.png", "would learn who reads"),
        ("/media/x.png", "would learn who reads"),
    ],
)
def test_a_picture_that_is_not_here_stops_it(address: str, words: str) -> None:
    body = f"![A field]({address})"
    [problem] = problems(words, body_nb=body)
    assert problem.blocking
    assert place(problem, body) == address


def test_a_picture_is_named_by_enough_of_its_digest() -> None:
    """Four digits could come to mean another picture tomorrow."""
    digest = make_picture().digest
    assert problems("does not exist", body_en=f"![A field](picture:{digest[:11]})")
    assert not problems("does not exist", body_en=f"![A field](picture:{digest[:12]})")


@pytest.mark.parametrize("make", [make_campaign, make_announcement])
def test_what_has_lost_its_picture_since_is_not_started(make: Any) -> None:
    image = make_picture()
    mailing = make(author=make_staff(), body_en=markdown_of(image))
    services.approve(mailing, actor=make_staff(), now=timezone.now())
    image.delete()
    with pytest.raises(Unfit, match="is gone"):
        services.start(mailing, actor=make_staff(), now=timezone.now())
    mailing.refresh_from_db()
    assert mailing.resolved_at is None


def test_a_standing_text_that_has_lost_its_picture_is_not_sent() -> None:
    image = make_picture()
    text = make_announcement(
        author=make_staff(), is_standing=True, category="incident", body_en=markdown_of(image)
    )
    services.approve(text, actor=make_staff(), now=timezone.now())
    image.delete()
    with pytest.raises(Unfit, match="is gone"):
        announcing.send_standing(text, actor=make_staff(), now=timezone.now())
    assert type(text).objects.count() == 1


def test_a_picture_that_is_here_stops_nothing() -> None:
    body = markdown_of(make_picture())
    assert blocking(make_campaign(body_nb=body, body_en=body)) == []


def test_what_gmail_would_cut_off_stops_it() -> None:
    assert not problems("Gmail", body_en="x" * (MAIL_SHOWN_BYTES - 20_000))
    [problem] = problems("Gmail", body_en="x" * MAIL_SHOWN_BYTES)
    assert problem.blocking


# --- the approval ----------------------------------------------------------------------------


def test_what_stops_it_is_refused_by_the_service_itself() -> None:
    campaign = make_campaign(body_en="[a](http://clicksend.com/)")
    with pytest.raises(services.WrongState, match="not secure"):
        services.approve(campaign, actor=make_staff(), now=timezone.now())
    campaign.refresh_from_db()
    assert campaign.state == Mailing.State.DRAFT


def test_hints_do_not_stop_the_approval() -> None:
    campaign = make_campaign(preheader_en="", body_en=FINE, body_nb=FINE)
    assert check(campaign)
    services.approve(campaign, actor=make_staff(), now=timezone.now())
    assert campaign.state == Mailing.State.APPROVED
