"""The seven-year cut-off of message records: a year of months goes, beside writers and a reader.

The time is that of the whole nightly run of the rule, with the count of what goes; apart from it
stands the time in which the months are detached and dropped, at this size and at a tenth of it:
it must not depend on how much is in them. From both is taken what the file system by itself needs
to give back files of that size, measured in the same run: PostgreSQL waits for that as it commits.
`CUTOFF_ROWS=50000000` for the large run.
"""

import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from bench import months
from bench.frame import Benchmark, Result, bound, median
from bench.months import ROWS

TABLE, RULE = "messaging_messagerecord", "message_records"
# Ten years of months, the first three of which are over, one year a round.
YEARS, ROUNDS = 10, 3
LONGEST_MS, SAME_TIME, RATE, RETURNED = 150.0, 1.3, 1_000_000.0, 0.95


class Round(NamedTuple):
    rows: int
    run_seconds: float
    drop_seconds: float
    longest_ms: float
    alone_ms: float
    returned: float
    # What the file system alone takes for files of that size.
    freeing: float

    @property
    def own_seconds(self) -> float:
        return self.drop_seconds - self.freeing


def run() -> Iterator[Result]:
    small = [each.own_seconds for each in rounds(ROWS // 10)[:-1]]
    large = rounds(ROWS)
    rate = median([each.rows / each.run_seconds for each in large[:-1]])
    seconds = median([each.own_seconds for each in large[:-1]])
    freeing = median([each.freeing for each in large[:-1]])
    counting = median([each.run_seconds - each.drop_seconds for each in large[:-1]])
    print(
        f"  {large[0].rows:,} of {ROWS:,} rows a round; detaching and dropping {seconds:.2f} s "
        f"(at a tenth: {median(small):.2f} s) and {freeing:.2f} s that the file system takes by "
        f"itself, counting them before {counting:.2f} s; longest "
        f"wait of a writer {large[0].longest_ms:.0f} ms, beside a reader of 4 s "
        f"{large[-1].longest_ms:.0f} ms, without a run {large[-1].alone_ms:.0f} ms",
        file=sys.stderr,
    )
    yield Result(
        name="cutoff",
        figure=rate,
        unit="rows/s",
        limit=None,
        ratio=None,
        reach=f"≥ {RATE:,.0f} rows/s",
        holds=rate >= RATE,
    )
    ratio = seconds / median(small)
    yield Result(
        name="cutoff, ten times the rows",
        figure=seconds,
        unit="s",
        limit=median(small),
        ratio=ratio,
        reach=f"≤ {SAME_TIME:g} × limit",
        holds=ratio <= SAME_TIME,
    )
    longest = max(each.longest_ms for each in large)
    yield bound("cutoff, longest wait of a writer", longest, LONGEST_MS, unit="ms")
    returned = min(each.returned for each in large)
    yield Result(
        name="cutoff, disk returned",
        figure=100 * returned,
        unit="%",
        limit=None,
        ratio=None,
        reach=f"≥ {100 * RETURNED:g} %",
        holds=returned >= RETURNED,
    )


def rounds(rows: int) -> list[Round]:
    """The last one beside a long reader, which detaching has to wait for."""
    from foundation.calendar import month_start, months_later

    this = month_start(datetime.now(UTC))
    first = months_later(this, 1 - 12 * YEARS)
    months.clear(TABLE)
    months.build(TABLE, first, this, rows)
    # The oldest month is over 84 months after its first day; a round later, a year more are.
    moments = [
        months_later(first, 84 + 12 * (number + 1) - 1) + timedelta(hours=2)
        for number in range(ROUNDS)
    ]
    found = [one_round(now, beside_reader=now == moments[-1]) for now in moments]
    months.clear(TABLE)
    return found


def one_round(now: datetime, *, beside_reader: bool) -> Round:
    from foundation.roles import KEEPER, as_role
    from retention.months import due_months
    from retention.schedule import RULES
    from retention.services import enforce

    due = due_months(*RULES[RULE], now)
    size, before = months.bytes_of(due), months.database_bytes()
    months.let_cool(due)
    freeing = months.freeing_seconds(due)
    with months.writers(TABLE, beside_reader=beside_reader) as waits, as_role(KEEPER):
        began = time.monotonic()
        (done,) = enforce(now, "bench", only=[RULE])
        seconds = time.monotonic() - began
        time.sleep(0.5)
    assert done.duration is not None
    return Round(
        rows=done.removed,
        run_seconds=seconds,
        drop_seconds=done.duration.total_seconds(),
        longest_ms=waits.longest_ms,
        alone_ms=waits.alone_ms,
        freeing=freeing,
        returned=(before - months.database_bytes()) / size,
    )


BENCHMARK = Benchmark("cutoff", f"seven years are over: {ROWS:,} message records lose months", run)
