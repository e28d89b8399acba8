"""Importing customers: records a second past start-up, and whether memory grows with the file."""

import csv
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from bench.frame import Benchmark, Result, at_least, bound, median
from bench.servers import empty
from clicksend_portal.embedded.folders import ServiceError
from consent.imports.columns import COLUMNS

ROOT = Path(__file__).resolve().parent.parent
SHORT, LONG = 5_000, 50_000
ROUNDS = 3
RECORDS_A_SECOND = 2_000.0
GROWTH_MB = 10.0

COUNTRIES = (
    ("NO", "Europe/Oslo", "nb", "+4793{:06}"),
    ("SE", "Europe/Stockholm", "en", "+467034{:05}"),
    ("GB", "Europe/London", "en", "+447946{:06}"),
)
STATES = ("granted", "refused", "withdrawn", "")


class Run(NamedTuple):
    rate: float
    peak_mb: float


def run() -> Iterator[Result]:
    with tempfile.TemporaryDirectory() as folder:
        files = {count: write_customers(Path(folder), count) for count in (SHORT, LONG)}
        runs: dict[int, list[Run]] = {SHORT: [], LONG: []}
        for _ in range(ROUNDS):
            for count, path in files.items():
                empty("accounts_user", "consent_preference", "consent_consentdetail")
                runs[count].append(import_file(path))
    asked = [RECORDS_A_SECOND] * ROUNDS
    for name, count in (("import", SHORT), ("import, 10 × longer file", LONG)):
        rates = [each.rate for each in runs[count]]
        yield at_least(name, rates, asked, 1, unit="records/s")
    growth = median([each.peak_mb for each in runs[LONG]]) - median(
        [each.peak_mb for each in runs[SHORT]]
    )
    yield bound("import, memory growth", max(growth, 0.0), GROWTH_MB, unit="MB")


def import_file(path: Path) -> Run:
    """The command as an operator runs it; it says its own rate, the kernel its peak memory."""
    command = [sys.executable, str(ROOT / "manage.py"), "import_customers", str(path)]
    output = path.with_suffix(".out")
    with output.open("wb") as stream:
        pid = os.posix_spawn(
            sys.executable,
            command,
            os.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, stream.fileno(), number) for number in (1, 2)],
        )
        _, status, usage = os.wait4(pid, 0)
    said = output.read_text()
    rate = re.search(r"([\d,]+) records/s", said)
    if os.waitstatus_to_exitcode(status) != 0 or rate is None:
        raise ServiceError(f"The import failed:\n{said}")
    return Run(float(rate.group(1).replace(",", "")), usage.ru_maxrss / 1024)


def write_customers(folder: Path, count: int) -> Path:
    """Customers like those of the account system: three choices each, every seventh left the
    reference program."""
    path = folder / f"{count}.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        for n in range(count):
            country, zone, language, phone = COUNTRIES[n % 3]
            writer.writerow(
                (
                    100_000 + 7 * n,
                    f"customer{n}",
                    f"first.last{n}@shop{n % 40}.example",
                    phone.format(n % 100_000),
                    "Bjørn",
                    "Ødegård",
                    f"Larsen & Sønner {n}",
                    country,
                    zone,
                    language,
                    1_500_000_000 + n,
                    int(n % 13 > 0),
                    STATES[n % 4],
                    STATES[n // 4 % 4],
                    STATES[n // 16 % 4],
                    "signup",
                    "2022-01-04T22:24:59+00:00",
                    "out" if n % 7 == 0 else "",
                    "email",
                )
            )
    return path


BENCHMARK = Benchmark(
    "import", "customers from a CSV file: records a second, and memory over the file's length", run
)
