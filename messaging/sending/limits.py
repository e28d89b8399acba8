"""How fast mail may leave, in all and to one domain: places in line, taken over all workers.

The generic cell rate algorithm (ITU-T I.371): a limit is one moment, `next_at`, at which the next
message would be due if all left evenly. A message takes its place by moving that moment on by one
step; up to `burst` messages may be ahead of it. One statement locks the rows of a batch in the
order of their domains and moves them on: workers neither exceed a limit nor wait in a circle.

Only places of the next second are taken. What must wait longer is told when to come again, with
nothing taken: a cancelled campaign leaves no line behind it that others would wait in.
"""

import random
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import psycopg
from django.db import connection

# A worker waits this long with a message in its hands; longer ones go back to the queue.
SOON = timedelta(seconds=1)
# Nothing is told to come again later than this: a limit may be raised, a campaign cancelled.
LONGEST_WAIT = timedelta(minutes=15)
# How long a worker may not know of a limit just made, or not need one just removed.
KNOWN_FOR = 5.0

# `place` is when the message is due under its domain's limit and under that of all mail, each
# counted among those the other lets through: what one limit holds takes no place in the other.
_TAKE = """
WITH wanted AS (
    SELECT position, domain, urgent
      FROM unnest(%(domains)s::text[], %(urgent)s::boolean[])
           WITH ORDINALITY AS w (domain, urgent, position)
), held AS MATERIALIZED (
    SELECT id, domain, greatest(COALESCE(next_at, %(now)s), %(now)s) AS base,
           interval '1 minute' / per_minute AS step,
           interval '1 minute' / per_minute * (burst - 1) AS slack,
           next_at < %(now)s - interval '1 minute' / per_minute AS idle
      FROM messaging_sendinglimit
     WHERE domain = '' OR domain = ANY (%(domains)s)
     ORDER BY domain FOR UPDATE
), own AS (
    SELECT w.*, greatest(%(now)s, h.base - h.slack
                         + h.step * (row_number() OVER line - 1)::integer) AS place
      FROM wanted w LEFT JOIN held h ON h.domain = w.domain
    WINDOW line AS (PARTITION BY w.domain ORDER BY NOT w.urgent, w.position)
), passed AS (
    SELECT o.*,
           greatest(%(now)s, h.base - h.slack
                    + h.step * (row_number() OVER line - 1)::integer) AS general
      FROM own o LEFT JOIN held h ON h.domain = ''
     WHERE o.urgent OR o.place <= %(soon)s
    WINDOW line AS (ORDER BY NOT o.urgent, o.position)
), taken AS (
    SELECT * FROM passed WHERE urgent OR general <= %(soon)s
), moved AS (
    UPDATE messaging_sendinglimit l
       SET next_at = h.base + h.step * c.number::integer
      FROM held h,
           LATERAL (SELECT count(*) AS number FROM taken t
                     WHERE h.domain IN ('', t.domain)) AS c
     WHERE l.id = h.id AND c.number > 0
)
SELECT CASE WHEN o.urgent THEN %(now)s ELSE greatest(o.place, p.general) END,
       COALESCE(holder.domain, ''), holder.step, COALESCE(holder.idle, false)
  FROM own o
  LEFT JOIN passed p USING (position)
  LEFT JOIN taken t USING (position)
  LEFT JOIN held holder
    ON t.position IS NULL
   AND holder.domain = CASE WHEN p.position IS NULL THEN o.domain ELSE '' END
 ORDER BY o.position
"""

_known: tuple[float, frozenset[str]] = (0.0, frozenset())
# What this worker has promised last under a limit: the next one is told to come after it.
_promised: dict[str, datetime] = {}


def take_places(
    domains: Sequence[str], *, now: datetime, urgent: Sequence[bool] = ()
) -> list[datetime]:
    """For each recipient's domain the moment its message may leave; `now` is at once.

    Within `SOON` the place is taken; a later moment means "ask again then". Urgent mail takes its
    places, but never waits.
    """
    limited = _limited_domains()
    if not limited:
        return [now] * len(domains)
    # A name that no limit has stands for all without one.
    spelled = map(ascii_domain, domains)
    names = [name if name and name in limited else "-" for name in spelled]
    if "" not in limited and not limited.intersection(names):
        return [now] * len(domains)
    wanted = {
        "domains": names,
        "urgent": list(urgent) or [False] * len(names),
        "now": now,
        "soon": now + SOON,
    }
    # Prepared once per connection: planning it takes longer than doing it.
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor[Any](connection.connection) as cursor:
        cursor.execute(_TAKE, wanted, prepare=True)
        rows: list[tuple[datetime, str, timedelta | None, bool]] = cursor.fetchall()
    # Under a limit that was not used lately nobody stands in line: whoever was told to come was
    # cancelled, or is late.
    for holder in {holder for _, holder, _, idle in rows if idle}:
        _promised.pop(holder, None)
    return [
        place if step is None else _promise(holder, place, step, now=now)
        for place, holder, step, _ in rows
    ]


def _promise(holder: str, place: datetime, step: timedelta, *, now: datetime) -> datetime:
    """When to ask again: one behind the other, so that a queue is not asked as a whole each time.

    What would come after the longest wait is spread over it: it is a crowd then, not a line.
    """
    last = _promised.get(holder)
    at = place if last is None else max(place, last + step)
    if at - now > LONGEST_WAIT:
        return now + SOON + (LONGEST_WAIT - SOON) * random.random()
    _promised[holder] = at
    return at


def hold_back(domain: str, *, until: datetime) -> None:
    """A domain (or, with '', the provider) asked us to slow down; all workers wait that long.

    Only where there is a limit: the moment is its row's. Elsewhere each message waits by itself.
    """
    with connection.cursor() as cursor:
        cursor.execute(_HOLD_BACK, {"domain": ascii_domain(domain), "until": until})


_HOLD_BACK = """
UPDATE messaging_sendinglimit
   SET next_at = greatest(next_at, %(until)s + interval '1 minute' / per_minute * (burst - 1))
 WHERE domain = %(domain)s
"""


@lru_cache(maxsize=4096)
def ascii_domain(domain: str) -> str:
    """A domain as it stands in DNS (RFC 5890), the form in which limits are kept."""
    name = domain.strip().rstrip(".").lower()
    try:
        return name.encode("idna").decode()
    except UnicodeError:
        return name


def _limited_domains() -> frozenset[str]:
    """What has a limit, asked every few seconds: most portals have none, and pay nothing."""
    global _known
    until, domains = _known
    if time.monotonic() >= until:
        with connection.cursor() as cursor:
            cursor.execute("SELECT domain FROM messaging_sendinglimit")
            domains = frozenset(domain for (domain,) in cursor.fetchall())
        _known = (time.monotonic() + KNOWN_FOR, domains)
    return domains


def forget() -> None:
    """Ask again at once; nothing is promised any more."""
    global _known
    _known = (0.0, frozenset())
    _promised.clear()
