"""The embedded server's own log is a copy of nothing: no statement, no value of a person."""

import tempfile
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from clicksend_portal.embedded.family import Family
from clicksend_portal.embedded.postgres import TEST_SETTINGS, Postgres

pytestmark = pytest.mark.slow
ADDRESS = "kari@shop.test"


def test_what_is_refused_leaves_no_value_in_the_log() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o711)
        postgres, family = Postgres(folder, TEST_SETTINGS), Family()
        try:
            postgres.start(family)
            with psycopg.connect(postgres.admin_url, autocommit=True) as admin:
                admin.execute("CREATE TABLE person (address text UNIQUE)")
                for _ in range(2):
                    with suppress(psycopg.errors.UniqueViolation):
                        admin.execute(f"INSERT INTO person VALUES ('{ADDRESS}')")
        finally:
            family.close()
        log = postgres.log.read_text()
    assert "duplicate key value" in log
    assert ADDRESS not in log
