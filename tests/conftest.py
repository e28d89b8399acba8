"""What every test may ask for. The servers themselves are started by `tests/services.py`."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from django.conf import settings
from django.core.cache import cache
from hypothesis import settings as hypothesis_settings
from pytest_django.fixtures import Settings as SettingsWrapper
from pytest_django.plugin import DjangoDbBlocker
from whitenoise.middleware import WhiteNoiseMiddleware

from foundation import standstill
from tests.database import test_database
from tests.emptying import quick_ends
from tests.mailbox import Mailbox

QUEUES = {
    settings.CELERY_TASK_DEFAULT_QUEUE,
    *(route["queue"] for route in settings.CELERY_TASK_ROUTES.values()),
}

# The same commit gets the same answer, on a slow machine too. Whoever wants to meet new cases asks
# for them: `--hypothesis-profile=default`.
hypothesis_settings.load_profile("ci")


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """What is imported and collected stays to the end: the collector need not look at it again.

    Otherwise it takes a fifth of the time of most tests.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


@pytest.fixture(scope="session")
def django_db_setup(
    request: pytest.FixtureRequest,
    django_test_environment: None,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[None]:
    """Takes the place of pytest-django's own set-up, which would migrate in every process."""
    if any(item.get_closest_marker("browser") for item in request.session.items):
        # A browser's loop runs in this thread from its first test on; Django would refuse every
        # statement beside it, of tests without a browser too.
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with django_db_blocker.unblock(), test_database(), quick_ends(), django_db_blocker.block():
        yield


@pytest.fixture(scope="session", autouse=True)
def static_files_found_once(django_test_environment: None) -> Iterator[None]:
    """Each test's client starts the portal's middleware, which would look at every file again."""
    found: dict[str, Any] = {}
    look = WhiteNoiseMiddleware.add_files_from_finders

    def look_once(self: WhiteNoiseMiddleware) -> None:
        if not found:
            look(self)
            found.update(self.files)
        self.files.update(found)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoiseMiddleware, "add_files_from_finders", look_once)
        yield


@pytest.fixture(scope="session")
def smtp_server() -> Iterator[Mailbox]:
    transport = settings.MAIL_TRANSPORT
    server = Mailbox(transport.host, transport.port)
    server.controller.start()
    yield server
    server.controller.stop()


@pytest.fixture
def mailbox(smtp_server: Mailbox) -> Mailbox:
    """The SMTP server that mail really leaves to in this test, empty at its start."""
    smtp_server.clear()
    return smtp_server


@pytest.fixture(autouse=True)
def empty_cache() -> Iterator[None]:
    """Rate limits and counters of one test must not reach the next."""
    yield
    cache.clear()


@pytest.fixture(scope="session")
def broker() -> Iterator[redis.Redis]:
    with redis.Redis.from_url(settings.CELERY_BROKER_URL) as client:
        yield client


@pytest.fixture(autouse=True)
def empty_queues(broker: redis.Redis) -> Iterator[None]:
    """A worker that one test starts must not work through the calls of thousands before it.

    What is bound to the queues stays: Celery believes what it declared once.
    """
    yield
    broker.delete(*QUEUES)


@pytest.fixture(autouse=True)
def real_outbox(settings: SettingsWrapper) -> None:
    """Django's test runner puts a mail box in memory in place of the backend; ours stays."""
    settings.EMAIL_BACKEND = "messaging.backends.OutboxBackend"


@pytest.fixture(autouse=True)
def own_journal(settings: SettingsWrapper, tmp_path: Path) -> Path:
    """What a test rolls back must not be missed by the next."""
    path = tmp_path / "journal.jsonl"
    settings.JOURNAL_URL = path.as_uri()
    return path


@pytest.fixture(autouse=True)
def quick_passwords(settings: SettingsWrapper) -> None:
    """What slows a thief down slows hundreds of sign-ins of tests down too."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


CUSTOMERS = Path(settings.BASE_DIR).parent / "shared" / "data" / "customers.csv"


def copy_of_customers(folder: Path) -> Path:
    if not CUSTOMERS.exists():
        pytest.skip("shared/data/customers.csv is not beside this checkout")
    copy = folder / "customers.csv"
    copy.write_bytes(CUSTOMERS.read_bytes())
    return copy


@pytest.fixture
def customers_csv(tmp_path: Path) -> Path:
    """The file of the account system, where the checkout has it beside itself.

    A copy, so that rejected records never land beside the original.
    """
    return copy_of_customers(tmp_path)


@pytest.fixture(autouse=True)
def nothing_known_of_standstill() -> None:
    """What one test's journal answered says nothing about the next one's."""
    standstill.forget()
