"""A customer's archive: rows a second, and whether memory grows with what they have.

The command as an operator runs it, in a process of its own; a third of the rows are contacts, a
third records of messages, a third their content.
"""

import hashlib
import os
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from zipfile import ZipFile

from bench.frame import Benchmark, Result, bound, median
from bench.servers import administrator, empty
from clicksend_portal.embedded.folders import ServiceError

ROOT = Path(__file__).resolve().parent.parent
FEW, MANY = 30_000, 300_000
ROUNDS = 2
GROWTH_MB = 20.0
SECONDS = 300.0
OWNER = uuid.UUID(hashlib.md5(b"the owner of an archive", usedforsecurity=False).hexdigest())
TABLES = (
    "retention_exportpart",
    "retention_export",
    "messaging_contact",
    "messaging_contactlist",
    "messaging_messagecontent",
    "messaging_messagerecord",
    "messaging_message",
    "accounts_user",
)

FILL = """
INSERT INTO accounts_user (id, username, first_name, last_name, email, address, address_hashes,
    email_confirmed_at, phone, company, country, language, timezone, support_channel, is_active,
    is_staff, is_superuser, password, legal_entity)
VALUES (%(owner)s, 'owner', 'Kari', 'Nordmann', 'owner@bench.example', 'owner@bench.example', '{}',
    now(), '', 'Bench AS', 'NO', 'nb', 'Europe/Oslo', 'email', true, false, false, '!', '');
INSERT INTO messaging_contactlist (id, customer_id, list_id, list_name)
VALUES (%(owner)s, %(owner)s, 1, 'Everybody');
INSERT INTO messaging_contact (customer_id, contact_list_id, contact_id, phone_number, email,
    first_name, last_name, organization_name, custom_1, custom_2, custom_3, custom_4,
    address_line_1, address_line_2, address_city, address_state, address_postal_code,
    address_country)
SELECT %(owner)s, %(owner)s, n, '+479' || lpad(n::text, 7, '0'), 'c' || n || '@example.test',
    'Bjørn', 'Ødegård ' || n, 'Larsen & Sønner', 'gold', '', '', '', 'Storgata ' || n, '', 'Oslo',
    '', '0155', 'NO'
FROM generate_series(1, %(each)s) n;
CREATE TEMPORARY TABLE sent AS
SELECT n, uuidv7(-(n %% 600000) * interval '1 second') AS id FROM generate_series(1, %(each)s) n;
INSERT INTO messaging_messagerecord (id, customer_id, message_id, kind, direction, date, status,
    message_parts, message_price, currency, country, carrier)
SELECT id, %(owner)s, 'M' || n, 'sms', 'out', uuid_extract_timestamp(id), 'delivered', 1, 0.079,
    'NOK', 'NO', 'Telenor'
FROM sent;
INSERT INTO messaging_messagecontent (id, customer_id, sent_from, sent_to, body, first_name,
    last_name, contact_id, custom_string)
SELECT id, %(owner)s, 'Bench', '+479' || lpad(n::text, 7, '0'),
    'Hei! Ordre ' || n || ' er klar til henting. Velkommen innom.', 'Bjørn', 'Ødegård', n, ''
FROM sent;
"""


class Run(NamedTuple):
    seconds: float
    peak_mb: float


def run() -> Iterator[Result]:
    runs: dict[int, list[Run]] = {FEW: [], MANY: []}
    for _ in range(ROUNDS):
        for rows, found in runs.items():
            empty(*TABLES)
            fill(rows)
            found.append(export(rows))
    took = median([each.seconds for each in runs[MANY]])
    yield bound(f"export of {MANY:,} rows", took, SECONDS, unit="s")
    growth = median([each.peak_mb for each in runs[MANY]]) - median(
        [each.peak_mb for each in runs[FEW]]
    )
    yield bound("export, memory growth over 10 × the rows", max(growth, 0.0), GROWTH_MB, unit="MB")


def fill(rows: int) -> None:
    with administrator() as admin:
        for statement in FILL.split(";\n"):
            if statement.strip():
                admin.execute(statement, {"owner": OWNER, "each": rows // 3})
        admin.execute("ANALYZE")


def export(rows: int) -> Run:
    with tempfile.TemporaryDirectory() as folder:
        path, said = Path(folder) / "data.zip", Path(folder) / "said"
        command = [sys.executable, str(ROOT / "manage.py"), "export_customer", str(OWNER)]
        began = time.monotonic()
        with said.open("wb") as stream:
            pid = os.posix_spawn(
                sys.executable,
                [*command, "--to", str(path)],
                os.environ,
                file_actions=[(os.POSIX_SPAWN_DUP2, stream.fileno(), number) for number in (1, 2)],
            )
            _, status, usage = os.wait4(pid, 0)
        took = time.monotonic() - began
        if os.waitstatus_to_exitcode(status) != 0:
            raise ServiceError(f"The export failed:\n{said.read_text()}")
        with ZipFile(path) as archive:
            names = ("csv/contacts.csv", "csv/messages.csv")
            lines = [archive.read(name).count(b"\n") - 1 for name in names]
        if lines != [rows // 3] * 2:
            raise ServiceError(f"The archive holds {lines} rows of {rows // 3} each.")
    return Run(took, usage.ru_maxrss / 1024)


BENCHMARK = Benchmark(
    "export", "the archive of a customer's data: time, and memory over its number of rows", run
)
