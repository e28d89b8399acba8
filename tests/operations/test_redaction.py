"""What is cut out of a line before it is kept: secrets, queries, e-mail and IP addresses."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from accounts import access_tokens
from accounts.tokens import make_api_secret
from clicksend_portal.logs import redact_event
from consent import service_keys
from consent.webhooks.secrets import new_secret
from foundation.redaction import redact, without_ips, without_rows


@pytest.mark.parametrize(
    "address",
    [
        "203.0.113.7",
        "2001:db8:85a3:0:0:8a2e:370:7334",
        "2001:db8::1",
        "2a01:4f8:c17:1234::2",
        "fe80::1",
        "::1",
        "::ffff:203.0.113.7",
    ],
)
@pytest.mark.parametrize(
    "line", ["<> refused", "by [<>]:25", "[IPv6:<>] is listed", "From <>.", "<>:"]
)
def test_an_ip_address_in_any_spelling_is_cut_out(line: str, address: str) -> None:
    said = redact(line.replace("<>", address))
    assert address not in said
    assert said == line.replace("<>", "[ip]")


@pytest.mark.parametrize(
    "line",
    [
        "2026-11-22T12:19:30.123456Z",
        "at 12:19:30 it took 0:00:05",
        "accounts.models.User: sent",
        "std::string",
        "key: value",
        "4.7.1 try later",
    ],
)
def test_times_versions_and_names_stay(line: str) -> None:
    assert redact(line) == line


def test_the_secret_of_a_link_is_cut_out_and_its_page_stays() -> None:
    assert redact("GET /u/AbC-123/ 200") == "GET /u/[token]/ 200"
    assert redact("/login/?next=/p/AbC-123/") == "/login/"
    assert redact("550 no such user kari@shop.test") == "550 no such user [address]"


@pytest.mark.parametrize("line", ["Bearer <>", "key=<>.", "'<>'", "/x/<>/", "<>"])
@pytest.mark.parametrize("number", range(5))
def test_a_secret_of_the_api_or_a_webhook_is_cut_out(line: str, number: int) -> None:
    for prefix in (access_tokens.PREFIX, service_keys.PREFIX):
        assert redact(line.replace("<>", make_api_secret(prefix))) == line.replace("<>", "[secret]")
    assert redact(line.replace("<>", new_secret())) == line.replace("<>", "[secret]")


@pytest.mark.parametrize(
    "line", ["cs_index", "whsec_ is the prefix", "ops_" + "a" * 43, "cp_" + "a" * 20]
)
def test_what_only_looks_like_a_secret_stays(line: str) -> None:
    assert redact(line) == line


def test_somebodys_own_words_lose_their_ip_addresses_and_nothing_else() -> None:
    said = "Rang at 12:30 from 203.0.113.7 [2001:db8::1]: stop? kari@shop.example, ticket 4"
    cut = said.replace("203.0.113.7", "[ip]").replace("2001:db8::1", "[ip]")
    assert without_ips(said) == cut


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ('550 "kari n"@example.no unknown', "550 [address] unknown"),
        (r'<"a \"b\" c"@example.no>: no', "<[address]>: no"),
        ("kari.nordmann=example.no@bounces.example came", "[address] came"),
        ("bounces+12-kari=example.no@bounces.example", "[address]"),
        ("user=kari@example.no", "user=[address]"),
        ('said "no" to kari@example.no', 'said "no" to [address]'),
        ("x=1.5 and a=b", "x=1.5 and a=b"),
    ],
)
def test_an_address_in_quotes_or_within_another_is_cut_out_whole(line: str, kept: str) -> None:
    assert redact(line) == kept


@pytest.mark.parametrize("chained", ["", "\n\nDuring handling of the above exception, another"])
@pytest.mark.parametrize("more", ["", "\nCONTEXT:  SQL statement", "\nHINT:  Look again."])
@pytest.mark.parametrize(
    "row", ["Failing row contains (1, Kari, f).", "Key (login)=(Kari) exists.", "(Kari,\n\nOla)."]
)
def test_the_row_that_the_database_refused_is_cut_out_of_its_error(
    row: str, more: str, chained: str
) -> None:
    said = f"Traceback\nIntegrityError: new row violates a check\nDETAIL:  {row}{more}{chained}"
    cut = f"Traceback\nIntegrityError: new row violates a check\nDETAIL: [row]{more}{chained}"
    assert without_rows(said) == cut
    assert redact_event(None, "error", {"exception": said}) == {"exception": cut}


APPS = ("accounts", "clicksend_portal", "consent", "foundation", "messaging", "retention")
SAYING = {"debug", "info", "warning", "error", "exception", "critical"}
A_PERSON = re.compile(r"(?:^|_)(?:user|person|customer|owner|people|customers)(?:_id|_ids|_key)?$")


def logged_names(source: str) -> Iterator[str]:
    """Whatever stands by name among what is logged."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if node.func.attr not in SAYING:
            continue
        if getattr(node.func.value, "id", "") not in ("log", "logger"):
            continue
        for part in (each for given in [*node.args, *node.keywords] for each in ast.walk(given)):
            yield from filter(None, (getattr(part, kind, "") for kind in ("id", "attr", "arg")))


def test_no_line_of_the_portal_names_a_person_by_their_key() -> None:
    """Redaction leaves keys alone, for most of them name things: who logs one has to know."""
    base = Path(settings.BASE_DIR)
    files = [path for app in APPS for path in sorted((base / app).rglob("*.py"))]
    named = {
        f"{path.relative_to(base)}: {name}"
        for path in files
        for name in logged_names(path.read_text())
        if A_PERSON.search(name)
    }
    assert named == set()
    assert "customer_id" in logged_names('logger.error("%s", wish.customer_id)')
