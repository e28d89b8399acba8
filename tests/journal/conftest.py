"""Each test asks the standstill anew, and those of the journal run over both stores."""

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from django.conf import settings as django_settings
from psycopg import sql
from pytest_django.fixtures import Settings as SettingsWrapper

from accounts.models import User
from foundation import standstill
from foundation.roles import KEEPER, LOGIN, as_role
from retention.journal import store
from retention.journal.database import DatabaseJournal
from tests.database import administrator, drop
from tests.journal.deeds import make_kari
from tests.services import ADMIN_URL, process_name


@pytest.fixture(autouse=True)
def asked_anew() -> Iterator[None]:
    standstill.forget()
    yield
    standstill.forget()
    standstill.reasons()
    standstill.forget()


@pytest.fixture(params=["file", "database"])
def journal(
    request: pytest.FixtureRequest, settings: SettingsWrapper, own_journal: Path
) -> Iterator[store.Journal]:
    """A journal of its own, of either kind, and the one `JOURNAL_URL` names."""
    if request.param == "file":
        yield store.open_journal()
        return
    name = request.getfixturevalue("journal_database")
    former = django_settings.DATABASES["default"]["NAME"]
    settings.JOURNAL_URL = os.environ["DATABASE_URL"].replace(f"/{former}?", f"/{name}?")
    store._opened.cache_clear()
    opened = store.open_journal()
    assert isinstance(opened, DatabaseJournal)
    with closing(opened):
        yield opened
    # Who asks for the journal from now on must not open this one once more.
    settings.JOURNAL_URL = own_journal.as_uri()
    store._opened.cache_clear()
    empty(name)


@pytest.fixture(scope="session")
def journal_database() -> Iterator[str]:
    """Made once for this process: each test that has used it leaves it empty."""
    name = "_".join(filter(None, ("test_journal", process_name())))
    with administrator() as admin:
        drop(admin, name)
        admin.execute(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0").format(
                sql.Identifier(name), sql.Identifier(LOGIN)
            )
        )
    yield name
    with administrator() as admin:
        drop(admin, name)


def empty(name: str) -> None:
    with psycopg.connect(os.environ[ADMIN_URL], dbname=name, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        admin.execute("DROP SCHEMA public CASCADE")
        admin.execute("CREATE SCHEMA public AUTHORIZATION pg_database_owner")
        admin.execute("GRANT USAGE ON SCHEMA public TO PUBLIC")


@pytest.fixture
def keeper(db: None) -> Iterator[None]:
    with as_role(KEEPER):
        yield


@pytest.fixture
def kari(own_journal: Path) -> User:
    return make_kari()
