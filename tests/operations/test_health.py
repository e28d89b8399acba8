"""What monitors ask: whether the process answers, and whether the portal can do its work."""

from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test import Client
from django.utils import timezone

from clicksend_portal import health
from clicksend_portal.celery import app as celery
from consent.models import Suppression
from consent.suppression import suppress
from foundation.calendar import months_later
from foundation.partitions import partition_name
from foundation.roles import KEEPER, as_role

pytestmark = pytest.mark.django_db


def ready() -> tuple[int, list[str]]:
    answer = Client().get("/readyz")
    assert set(answer.json()) == {"failing"}
    return answer.status_code, answer.json()["failing"]


def test_a_portal_with_everything_is_ready() -> None:
    assert ready() == (200, [])


def test_the_process_answers_without_looking_at_anything() -> None:
    answer = Client().get("/healthz")
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]


def test_a_lost_suppression_key_is_named(settings: LazySettings) -> None:
    suppress("gone@example.test", reason=Suppression.Reason.ERASED, now=timezone.now())
    assert ready() == (200, [])
    settings.SUPPRESSION_KEYS = {9: b"9" * 32}
    assert ready() == (503, ["suppression_keys"])


def test_an_unreachable_broker_is_named_and_nothing_else_is_said() -> None:
    former = celery.conf["broker_write_url"]
    celery.conf["broker_write_url"] = "redis://:secret@127.0.0.1:9/0"
    try:
        answer = Client().get("/readyz")
    finally:
        celery.conf["broker_write_url"] = former
    assert answer.status_code == 503
    assert answer.json() == {"failing": ["broker"]}


@pytest.mark.parametrize(("ahead", "holds"), [(2, True), (1, False)])
def test_too_few_months_ahead_are_noticed(ahead: int, holds: bool) -> None:
    now = timezone.now()
    with as_role(KEEPER), connection.cursor() as cursor:
        cursor.execute(
            f"DROP TABLE {partition_name('messaging_message', months_later(now, ahead + 1))}"
        )
    assert health.partitions_are_ahead(now) is holds


def test_a_migration_that_waits_is_noticed() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'clicksend_portal'")
    assert ready() == (503, ["migrations"])


def test_partitions_are_looked_for_in_every_partitioned_table() -> None:
    assert "messaging_message" in health.partitioned_tables()
    assert not health.partitions_are_ahead(timezone.now() + timedelta(days=366 * 2))
