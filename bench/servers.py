"""Servers of their own for the benchmarks, and a process environment like production's.

Nothing here reads Django's settings: they are made from what is put into the environment here.
"""

import base64
import fcntl
import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import redis
from django.core.management import call_command
from django.db import connections

from clicksend_portal.embedded.family import Family
from clicksend_portal.embedded.folders import ServiceError, default_folder, make_folder
from clicksend_portal.embedded.postgres import Postgres
from clicksend_portal.embedded.valkey import Valkey

FOLDER = default_folder() / "bench"
BINDINGS = b"_kombu.binding."
JOURNAL = FOLDER / "journal.jsonl"
DATABASE, MIGRATED = "bench", "bench_migrated"

# What a small production machine would set; fsync and synchronous_commit stay on.
SETTINGS = {
    "shared_buffers": "2GB",
    "max_wal_size": "8GB",
    "effective_cache_size": "12GB",
    "work_mem": "32MB",
    "maintenance_work_mem": "512MB",
    "max_connections": "200",
    "random_page_cost": "1.1",
    # The moment a no was committed, as the database knows it, beside the sink's clock.
    "track_commit_timestamp": "on",
}
KEYS = f"1:{base64.urlsafe_b64encode(bytes(range(32))).decode()}"
ENVIRONMENT = {
    "DATABASE_ROLE": "portal_app",
    "SECRET_KEY": "only-benchmarks-sign-with-this-key-0123456789",
    "SECRET_KEY_FALLBACKS": "",
    "TOKEN_KEYS": KEYS,
    "SUPPRESSION_KEYS": KEYS,
    "LOG_KEYS": KEYS,
    "DEBUG": "false",
    "PORTAL_URL": "http://127.0.0.1:8000",
    "ALLOWED_HOSTS": "127.0.0.1,localhost",
    "EMAIL_URL": "smtp://127.0.0.1:1",
    "MAIL_DOMAIN": "bench.example",
    "LEGAL_NAME": "Bench AS",
    "POSTAL_ADDRESS": "Storgata 1, 0155 Oslo",
    "SUPPORT_EMAIL": "support@bench.example",
    "SUPPORT_PHONE": "+47 22 00 00 00",
    "PRIVACY_EMAIL": "privacy@bench.example",
}


class Servers:
    """Where everything is; one for the whole run."""

    family: Family  # start children from the main thread
    programs: Path
    admin_url: str
    database_url: str
    cluster_url: str  # to make and drop databases
    valkey: Valkey


servers = Servers()


@contextmanager
def running() -> Iterator[None]:
    """PostgreSQL with an empty database and Valkey, gone with us however we end."""
    make_folder(FOLDER)
    with (FOLDER / "bench.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ServiceError("Benchmarks run already; two at once measure each other.") from None
        family = Family(hold=lock.fileno())
        try:
            postgres, valkey = Postgres(FOLDER, SETTINGS), Valkey(FOLDER)
            postgres.start(family)
            valkey.start(family)
            servers.family = family
            servers.programs = postgres.programs
            servers.admin_url = postgres.url(DATABASE, "postgres")
            servers.database_url = postgres.url(DATABASE)
            servers.cluster_url = postgres.admin_url
            servers.valkey = valkey
            new_database(DATABASE)
            os.environ.update(ENVIRONMENT)
            os.environ["DATABASE_URL"] = servers.database_url
            os.environ["BROKER_URL"] = valkey.url(0)
            os.environ["CACHE_URL"] = valkey.url(1)
            JOURNAL.unlink(missing_ok=True)
            os.environ["JOURNAL_URL"] = JOURNAL.as_uri()
            yield
        finally:
            family.close(patience=20.0)


def new_database(name: str, like: str = "template1") -> None:
    with psycopg.connect(servers.cluster_url, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        admin.execute(f"CREATE DATABASE {name} OWNER portal_owner TEMPLATE {like}")


def migrate() -> None:
    """Once; each benchmark begins with a copy."""
    call_command("migrate", verbosity=0, interactive=False)
    connections.close_all()
    new_database(MIGRATED, like=DATABASE)


def begin_anew() -> None:
    """What an earlier benchmark left would be in the way, or in the figures, of the next.

    In this process too: the collector need not look at it again.
    """
    gc.collect()
    gc.freeze()
    connections.close_all()
    JOURNAL.unlink(missing_ok=True)
    new_database(DATABASE, like=MIGRATED)
    with redis.Redis.from_url(servers.valkey.url(0)) as broker:
        # But for what binds the queues: Celery believes what this process declared once.
        if calls := [key for key in broker.scan_iter() if not key.startswith(BINDINGS)]:
            broker.delete(*calls)
    with redis.Redis.from_url(servers.valkey.url(1)) as cache:
        cache.flushdb()


@contextmanager
def administrator() -> Iterator[psycopg.Connection]:
    """Set-up and clean-up between rounds, past the roles of the portal."""
    with psycopg.connect(servers.admin_url, autocommit=True) as connection:
        yield connection


def empty(*tables: str) -> None:
    with administrator() as admin:
        admin.execute(f"TRUNCATE {', '.join(tables)} CASCADE")
        admin.execute("CHECKPOINT")
