"""The servers of the test run: real PostgreSQL, Valkey and SMTP, ready before the settings exist.

Loaded with `-p tests.services`. The first test run of a checkout starts the servers, runs beside
it share them, the last one to end stops them; workers of pytest-xdist find all in their
environment. `PYTEST_DB=name` keeps the databases of two runs apart.
"""

import base64
import os
import sys
import zlib
from collections.abc import Generator
from contextlib import ExitStack
from datetime import UTC, datetime

import pytest

from clicksend_portal.embedded.folders import default_folder
from clicksend_portal.embedded.shared import shared_services
from clicksend_portal.embedded.valkey import free_port
from clicksend_portal.translations import compile_translations

FOLDER = default_folder() / "tests"
ADMIN_URL = "TEST_ADMIN_URL"
VALKEY_URL = "TEST_VALKEY_URL"
BEGAN = "TESTS_BEGAN"


def key_ring(*ids: int) -> str:
    return ",".join(f"{n}:{base64.urlsafe_b64encode(bytes([n]) * 32).decode()}" for n in ids)


ENVIRONMENT = {
    "DATABASE_ROLE": "portal_app",
    "SECRET_KEY": "only-the-tests-sign-with-this-key-0123456789",
    "SECRET_KEY_FALLBACKS": "",
    "TOKEN_KEYS": key_ring(2, 1),
    "SUPPRESSION_KEYS": key_ring(2, 1),
    "LOG_KEYS": key_ring(2, 1),
    "DEBUG": "false",
    "PORTAL_URL": "http://localhost:8000",
    "ALLOWED_HOSTS": "localhost,127.0.0.1,testserver",
    "MAIL_DOMAIN": "portal.example",
    "LEGAL_NAME": "Portal Example AS",
    "POSTAL_ADDRESS": "Storgata 1, 0155 Oslo",
    "SUPPORT_EMAIL": "support@portal.example",
    "SUPPORT_PHONE": "+47 22 00 00 00",
    "PRIVACY_EMAIL": "privacy@portal.example",
    "PRIVILEGED_CAP": "60",
    "SMTP_TIMEOUT": "5",
    "LOG_LEVEL": "WARNING",
}


def keep_bytecode() -> None:
    """Where none may lie in the checkout, beside the servers' data.

    Otherwise each worker and each program that a test starts would compile every module again.
    """
    if sys.dont_write_bytecode:
        sys.dont_write_bytecode = False
        sys.pycache_prefix = str(FOLDER / "bytecode")
        os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def process_name() -> str:
    """This process among all that share the servers: the run's name and its xdist worker."""
    parts = (os.environ.get("PYTEST_DB", ""), os.environ.get("PYTEST_XDIST_WORKER", ""))
    return "_".join(part for part in parts if part)


def environment_of_process() -> dict[str, str]:
    """Its own Valkey databases and SMTP port, so that no other process's tasks or mails mix in."""
    pair = 2 * (zlib.crc32(process_name().encode()) % 512)
    valkey = os.environ[VALKEY_URL]
    return {
        "BROKER_URL": f"{valkey}/{pair}",
        "CACHE_URL": f"{valkey}/{pair + 1}",
        "EMAIL_URL": f"smtp://127.0.0.1:{free_port()}",
        # No test reaches it: each has a journal of its own (tests/conftest.py).
        "JOURNAL_URL": (FOLDER / f"journal-{process_name()}.jsonl").as_uri(),
    }


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    """A wrapper, for pytest-django reads the settings in this hook."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        keep_bytecode()
        stack = ExitStack()
        services = stack.enter_context(shared_services(FOLDER, profile="test"))
        early_config.add_cleanup(stack.close)
        os.environ.update(ENVIRONMENT)
        # One moment for all workers: the names of some tests hold it, and must be the same in each.
        os.environ[BEGAN] = datetime.now(UTC).isoformat(timespec="seconds")
        os.environ["DATABASE_URL"] = services.database_url
        os.environ[ADMIN_URL] = services.admin_url
        os.environ[VALKEY_URL] = services.valkey_url
        compile_translations()
    os.environ.update(environment_of_process())
    return (yield)
