"""Months of messages for the benchmarks of retention, and what goes on beside a run."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

from bench.servers import FOLDER, administrator, servers

ROWS = int(os.environ.get("CUTOFF_ROWS", "5000000"))
WRITERS, WRITES_A_SECOND = 2, 100
ALONE_SECONDS = 1.0
READER_SECONDS = 4.0
BLOCK = bytes(range(256)) * 32

# The key as the portal makes it: the message's own moment, then chance.
_KEY = """(lpad(to_hex(%(floor)s + g * %(width)s / %(rows)s), 12, '0') || '7' || substr(h, 1, 3)
           || '8' || substr(h, 4, 15))::uuid"""
_CUSTOMER = "('01900000-0000-7000-8000-' || lpad(to_hex(g %% 2000), 12, '0'))::uuid"
FILL = {
    "messaging_messagerecord": f"""
        INSERT INTO {{month}} (id, customer_id, message_id, kind, direction, date, status,
               message_parts, message_price, currency, country, carrier)
        SELECT {_KEY}, {_CUSTOMER}, h, 'sms', 'out', %(start)s::timestamptz, 'delivered', 1,
               0.0500, 'NOK', 'NO', 'Telenor'
          FROM generate_series(0, %(rows)s - 1) g CROSS JOIN LATERAL md5(g::text) AS h""",
    "messaging_messagecontent": f"""
        INSERT INTO {{month}} (id, customer_id, sent_from, sent_to, body, first_name, last_name,
               custom_string)
        SELECT {_KEY}, {_CUSTOMER}, 'ClickSend', '+474' || lpad(g::text, 7, '0'), repeat(h, 3),
               'Kari', 'Nordmann', ''
          FROM generate_series(0, %(rows)s - 1) g CROSS JOIN LATERAL md5(g::text) AS h""",
}
WRITE = {
    "messaging_messagerecord": """
        INSERT INTO messaging_messagerecord (customer_id, message_id, kind, direction, date,
               status, message_parts, message_price, currency, country, carrier)
        VALUES (uuidv7(), 'x', 'sms', 'out', now(), '', 1, 0, '', '', '')""",
    "messaging_messagecontent": """
        INSERT INTO messaging_messagecontent (customer_id, sent_from, sent_to, body, first_name,
               last_name, custom_string) VALUES (uuidv7(), '', '', 'x', '', '', '')""",
}


def build(table: str, first: datetime, last: datetime, rows: int) -> None:
    """About so many rows over those months, each written straight into its own."""
    from foundation.calendar import months_later
    from foundation.partitions import ensure_partitions, partition_name
    from foundation.roles import KEEPER, as_role

    with as_role(KEEPER):
        ensure_partitions(table, first, last)
    starts = [first]
    while starts[-1] < last:
        starts.append(months_later(starts[-1], 1))
    with administrator() as admin:
        admin.execute("SET synchronous_commit = off")
        for start in starts:
            width = (months_later(start, 1) - start).total_seconds() * 1000
            values = {
                "floor": int(start.timestamp() * 1000),
                "width": int(width),
                "rows": rows // len(starts),
                "start": start,
            }
            admin.execute(FILL[table].format(month=partition_name(table, start)), values)
        admin.execute(f"VACUUM (ANALYZE) {table}")
        admin.execute("CHECKPOINT")


def clear(table: str) -> None:
    """Nothing of it is left for the next benchmark, nor months that only this one made."""
    from foundation.calendar import month_start, months_later
    from retention.months import months_of

    standing = months_later(month_start(datetime.now(UTC)), -1)

    with administrator() as admin:
        admin.execute(f"TRUNCATE {table}")
        for name, month in months_of(table):
            if month < standing:
                admin.execute(f"DROP TABLE {name}")
        admin.execute("CHECKPOINT")


@dataclass
class Waits:
    """Seconds that each write took, beside whatever else went on; `alone_ms` before that."""

    seconds: list[float] = field(default_factory=list)
    alone_ms: float = 0.0

    @property
    def longest_ms(self) -> float:
        return max(self.seconds) * 1000


@contextmanager
def writers(table: str, *, beside_reader: bool) -> Iterator[Waits]:
    """Write at a steady pace; with a transaction that read the whole table and stays open."""
    waits, stop = Waits(), threading.Event()

    def write() -> None:
        with psycopg.connect(servers.admin_url, autocommit=True) as connection:
            while not stop.is_set():
                began = time.perf_counter()
                connection.execute(WRITE[table])
                waits.seconds.append(time.perf_counter() - began)
                time.sleep(1 / WRITES_A_SECOND)

    def read() -> None:
        with psycopg.connect(servers.admin_url) as connection:
            connection.execute(f"SELECT count(*) FROM {table}")
            reading.set()
            stop.wait(ALONE_SECONDS + READER_SECONDS)

    reading = threading.Event()
    threads = [threading.Thread(target=write) for _ in range(WRITERS)]
    if beside_reader:
        threads.append(threading.Thread(target=read))
    for thread in threads:
        thread.start()
    if beside_reader:
        reading.wait(60)
    time.sleep(0.5)
    waits.seconds.clear()  # connecting and planning for the first time
    time.sleep(ALONE_SECONDS)
    waits.alone_ms = waits.longest_ms
    waits.seconds.clear()
    try:
        yield waits
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def database_bytes() -> int:
    with administrator() as admin:
        admin.execute("CHECKPOINT")
        row = admin.execute("SELECT pg_database_size(current_database())").fetchone()
    assert row is not None
    return int(row[0])


def freeing_seconds(months: list[str]) -> float:
    """What the file system alone takes to give back files of that size, of which it caches nothing.

    PostgreSQL cuts a dropped table's file to nothing as it commits: that grows with the file.
    """
    sizes = [path.stat().st_size for path in files_of(months)]
    with TemporaryDirectory(dir=FOLDER) as folder:
        paths = [Path(folder, str(number)) for number in range(len(sizes))]
        for path, size in zip(paths, sizes, strict=True):
            with path.open("wb") as file:
                for _ in range(size // len(BLOCK)):
                    file.write(BLOCK)
                file.flush()
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        began = time.perf_counter()
        for path in paths:
            os.truncate(path, 0)
        return time.perf_counter() - began


def let_cool(months: list[str]) -> None:
    """Out of the kernel's page cache with them, as months of years ago are.

    Built a moment ago they all stand in it, and to free those pages is most of what dropping a
    large file costs. What PostgreSQL itself has of them in its buffers stays.
    """
    with administrator() as admin:
        admin.execute("CHECKPOINT")
    for path in files_of(months):
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def files_of(months: list[str]) -> list[Path]:
    """Of the tables and their indexes, with their further segments."""
    with administrator() as admin:
        (folder,) = admin.execute("SHOW data_directory").fetchone() or ("",)
        files = admin.execute(
            "SELECT pg_relation_filepath(each) FROM unnest(%s::regclass[]) AS month, LATERAL "
            "(SELECT month UNION ALL SELECT indexrelid FROM pg_index WHERE indrelid = month) "
            "AS files (each)",
            [months],
        ).fetchall()
    first = [Path(folder, name) for (name,) in files]
    return [part for each in first for part in (each, *each.parent.glob(f"{each.name}.*"))]


def bytes_of(months: list[str]) -> int:
    with administrator() as admin:
        row = admin.execute(
            "SELECT sum(pg_total_relation_size(name::regclass)) FROM unnest(%s::text[]) AS name",
            [months],
        ).fetchone()
    assert row is not None
    return int(row[0])
