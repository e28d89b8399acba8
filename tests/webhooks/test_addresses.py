"""A webhook leads out to the public internet, never into the network the portal stands in."""

import socket
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.exceptions import ValidationError

from consent.models import Delivery, Webhook
from consent.webhooks.addresses import ForbiddenAddressError, check_url, checked_address
from consent.webhooks.services import send_test
from tests.factories import NOW
from tests.webhooks.receiver import Receiver
from tests.webhooks.telling import tell

PRIVATE = [
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",  # where clouds answer with the keys of the machine
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fd00::1",
    "ff02::1",
    "::ffff:10.0.0.1",
    "64:ff9b::a00:1",
    "2002:a00:1::",
]


@pytest.fixture
def in_production(settings: LazySettings) -> None:
    settings.SECURE = True


def resolving_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    def answer(host: str, port: int, **_kwargs: Any) -> list[Any]:
        return [(None, None, None, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", answer)


@pytest.mark.parametrize("address", PRIVATE)
def test_a_name_that_leads_inside_is_refused(
    address: str, in_production: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolving_to(monkeypatch, address)
    with pytest.raises(ForbiddenAddressError):
        checked_address("crm.example.com", 443)


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_of_the_inside_is_refused_when_it_is_written(
    address: str, in_production: None
) -> None:
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(ValidationError):
        check_url(f"https://{host}/hook")


def test_of_several_addresses_a_public_one_is_taken(
    in_production: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolving_to(monkeypatch, "10.0.0.1", "93.184.216.34")
    assert checked_address("crm.example.com", 443) == "93.184.216.34"


@pytest.mark.parametrize(
    "url",
    [
        "http://crm.example.com/",
        "http://localhost/",
        "ftp://crm.example.com/",
        "https:///hook",
        "https://user:word@crm.example.com/",
        "https://crm.example.com/#part",
        "https://crm.example.com:port/",
        "//crm.example.com/",
    ],
)
def test_only_plain_https_is_accepted(url: str, in_production: None) -> None:
    with pytest.raises(ValidationError):
        check_url(url)


@pytest.mark.parametrize(
    "url", ["https://crm.example.com/hook", "https://crm.example.com:8443/a?b=c"]
)
def test_https_to_a_name_is_accepted(url: str, in_production: None) -> None:
    check_url(url)


def test_while_trying_out_this_machine_may_be_called_and_no_other_inside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    check_url("http://localhost:9000/hook")
    with pytest.raises(ValidationError):
        check_url("http://192.168.1.1/hook")
    resolving_to(monkeypatch, "127.0.0.1")
    assert checked_address("localhost", 9000) == "127.0.0.1"
    with pytest.raises(ForbiddenAddressError):
        checked_address("inside.example.com", 443)


@pytest.mark.django_db
def test_in_production_a_stored_address_that_leads_inside_is_not_called(
    webhook: Webhook, receiver: Receiver, in_production: None
) -> None:
    for url, why in (
        (receiver.url, "no longer allowed"),
        (receiver.url.replace("http:", "https:"), "no public address"),
    ):
        Webhook.objects.update(url=url)
        Delivery.objects.all().delete()
        send_test(webhook.pk, now=NOW)
        assert tell() == 0
        assert not receiver.got
        assert why in Delivery.objects.get().answer


@pytest.mark.django_db
def test_the_connection_goes_to_the_address_that_was_checked(
    webhook: Webhook, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name server is asked once: a second, different answer would never be seen."""
    port = receiver.url.split(":")[2].split("/")[0]
    asked = []
    real = socket.getaddrinfo

    def answer(host: Any, *args: Any, **kwargs: Any) -> Any:
        asked.append(host)
        return real("127.0.0.1" if host == "localhost" else host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    send_test(webhook.pk, now=NOW)
    assert tell() == 1
    assert asked.count("localhost") == 1
    assert receiver.got[0].headers["host"] == f"localhost:{port}"
    assert receiver.got[0].path == "/hook?from=portal"
