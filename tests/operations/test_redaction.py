"""What is cut out of a line before it is kept: tokens, queries, e-mail and IP addresses."""

import pytest

from foundation.redaction import redact


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
