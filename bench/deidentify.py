"""De-identifying: a month of message content goes as a whole, while messages are written.

The records stay as they are; what said to whom and what is gone with its table, so that nothing is
left to be cleaned up: no dead rows in the months that stay.
"""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from bench import months
from bench.frame import Benchmark, Result, bound, median
from bench.months import ROWS
from bench.servers import administrator

TABLE, RULE = "messaging_messagecontent", "message_content"
# Months that are over, one a round, before the four that stay.
ROUNDS, STAY = 3, 4
LONGEST_MS, RATE = 150.0, 1_000_000.0
DEAD = "SELECT COALESCE(sum(n_dead_tup), 0) FROM pg_stat_user_tables WHERE relname ~ %s"


def run() -> Iterator[Result]:
    from foundation.calendar import month_start, months_later
    from foundation.roles import KEEPER, as_role
    from retention.services import enforce

    this = month_start(datetime.now(UTC))
    first = months_later(this, 1 - ROUNDS - STAY)
    months.clear(TABLE)
    months.build(TABLE, first, this, ROWS)
    rates, waited = [], []
    for number in range(ROUNDS):
        now = months_later(first, STAY + number) + timedelta(hours=2)
        with (
            months.writers(TABLE, beside_reader=number == ROUNDS - 1) as waits,
            as_role(KEEPER),
        ):
            began = time.monotonic()
            (done,) = enforce(now, "bench", only=[RULE])
            seconds = time.monotonic() - began
            time.sleep(0.5)
        if number < ROUNDS - 1:
            rates.append(done.removed / seconds)
        waited.append(waits.longest_ms)
    with administrator() as admin:
        admin.execute("SELECT pg_stat_force_next_flush()")
        row = admin.execute(DEAD, [f"^{TABLE}"]).fetchone()
    assert row is not None
    months.clear(TABLE)
    rate = median(rates)
    yield Result(
        name="deidentify",
        figure=rate,
        unit="rows/s",
        limit=None,
        ratio=None,
        reach=f"≥ {RATE:,.0f} rows/s",
        holds=rate >= RATE,
    )
    yield bound("deidentify, longest wait of a writer", max(waited), LONGEST_MS, unit="ms")
    yield bound("deidentify, dead rows left behind", float(row[0]), 0, unit="rows")


BENCHMARK = Benchmark("deidentify", f"a month of message content goes, of {ROWS:,} messages", run)
