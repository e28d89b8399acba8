"""The schema itself: no place for an IP address, and none for a visitor (`ip-apart`)."""

import pytest
from django.db import connection
from django.utils import timezone

from clicksend_portal.promises.readings.structure import (
    address_columns,
    read_ip_apart,
    read_page_counts,
)
from foundation.roles import OWNER, as_role

pytestmark = pytest.mark.django_db


def test_no_table_has_a_place_for_an_ip_address() -> None:
    finding = read_ip_apart(timezone.now())
    assert finding.value["found"] == []
    assert finding.value["tables"] > 20
    assert finding.holds


@pytest.mark.parametrize(
    "column",
    [
        ("a", "ip", "character varying"),
        ("a", "last_login_ip", "text"),
        ("a", "ip_address", "text"),
        ("a", "remote_addr", "text"),
        ("a", "client_ipv6", "text"),
        ("a", "origin", "inet"),
        ("a", "network", "cidr"),
        ("a", "hops", "inet[]"),
    ],
)
def test_a_column_for_an_ip_address_is_found_by_name_or_type(column: tuple[str, str, str]) -> None:
    assert address_columns([column]) == [f"a.{column[1]}"]


@pytest.mark.parametrize("name", ["zip", "description", "recipient", "shipping", "tip", "equip"])
def test_other_names_are_left_alone(name: str) -> None:
    assert address_columns([("a", name, "text")]) == []


@pytest.mark.django_db(transaction=True)
def test_a_new_column_for_an_address_breaks_the_promise() -> None:
    with connection.cursor() as cursor, as_role(OWNER):
        cursor.execute("ALTER TABLE accounts_session ADD COLUMN last_ip inet")
        try:
            finding = read_ip_apart(timezone.now())
        finally:
            cursor.execute("ALTER TABLE accounts_session DROP COLUMN last_ip")
    assert not finding.holds
    assert finding.value["found"] == ["accounts_session.last_ip"]


@pytest.mark.django_db(transaction=True)
def test_a_reader_beside_the_page_counter_breaks_the_promise() -> None:
    assert read_page_counts(timezone.now()).holds
    with connection.cursor() as cursor, as_role(OWNER):
        cursor.execute("ALTER TABLE clicksend_portal_pagecount ADD COLUMN visitor uuid")
        try:
            finding = read_page_counts(timezone.now())
        finally:
            cursor.execute("ALTER TABLE clicksend_portal_pagecount DROP COLUMN visitor")
    assert not finding.holds
