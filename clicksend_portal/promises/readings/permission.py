"""Was every optional message permitted when it was handed over, and how soon is a no obeyed?

Both are found out from the outbox and the history of choices, never from what the sender believed:
a fault of the sender shows here.
"""

from datetime import datetime, timedelta
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clicksend_portal.promises.promise import Finding, Value
from clicksend_portal.promises.readings import DAYS, PERIOD, all_rows, one_row, since
from clicksend_portal.promises.words import count_text, duration_text, shown_count
from consent.models import Source
from consent.policy import OBEYED_WITHIN
from foundation.ids import uuid7_floor

# A message may wait, retried or paused, before it is handed over; its key is from its queueing.
LONGEST_WAIT = PERIOD
WAYS_OUT = (
    Source.PREFERENCES,
    Source.ONE_CLICK,
    Source.LINK,
    Source.MAIL_PREFERENCES,
    Source.MAILTO,
    Source.COMPLAINT,
    Source.PROVIDER,
    Source.STAFF,
    Source.API,
    Source.APP,
)

# When the database wrote an event: its key carries the moment, cut to milliseconds. `at` is when
# the request was taken up, so the later of the two is when the choice could first be obeyed.
# Permitted: a yes no later than the hand-over, with no later no or pause written before it.
PERMITTED = """EXISTS (
    SELECT FROM consent_consentdetail yes
     WHERE yes.person_id = m.person_id AND yes.topic_id = m.topic_id
       AND yes.state = 'granted' AND yes.at <= m.handed_at
       AND (yes.paused_until IS NULL OR yes.paused_until <= m.handed_at)
       AND NOT EXISTS (
           SELECT FROM consent_consentdetail no
            WHERE no.person_id = m.person_id AND no.topic_id = m.topic_id
              AND no.version > yes.version
              AND (no.state <> 'granted' OR no.paused_until > m.handed_at)
              AND GREATEST(no.at, uuid_extract_timestamp(no.id) + interval '1 ms') < m.handed_at))
"""

HANDED = """
SELECT count(*) FILTER (WHERE u.id IS NOT NULL),
       count(*) FILTER (WHERE u.id IS NOT NULL
                          AND (u.email_confirmed_at IS NULL OR NOT <permitted>))
  FROM messaging_message m LEFT JOIN accounts_user u ON u.id = m.person_id
 WHERE m.id >= %(floor)s AND m.kind = 'optional' AND m.handed_at BETWEEN %(since)s AND %(now)s
""".replace("<permitted>", PERMITTED)

LATENCY = """
SELECT d.source, count(*),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY d.took),
       percentile_cont(0.99) WITHIN GROUP (ORDER BY d.took), max(d.took)
  FROM (SELECT source, GREATEST(EXTRACT(epoch FROM GREATEST(
                   at, uuid_extract_timestamp(id) + interval '1 ms') - received_at), 0)::float
               AS took
          FROM consent_consentdetail
         WHERE at BETWEEN %(since)s AND %(now)s AND state <> 'granted' AND NOT undone
           AND source = ANY (%(ways)s) AND received_at IS NOT NULL) AS d
 GROUP BY GROUPING SETS ((d.source), ())
"""

HANDED_AFTER = """
SELECT count(*)
  FROM consent_consentdetail d
  JOIN messaging_message m ON m.person_id = d.person_id AND m.topic_id = d.topic_id
 WHERE d.at BETWEEN %(since)s AND %(now)s AND d.state <> 'granted'
   AND m.id >= %(floor)s AND m.kind = 'optional' AND m.handed_at <= %(now)s
   AND m.handed_at > GREATEST(d.at, uuid_extract_timestamp(d.id) + interval '1 ms')
   AND NOT <permitted>
""".replace("<permitted>", PERMITTED)


def parameters(now: datetime) -> dict[str, Any]:
    return {
        "now": now,
        "since": since(now),
        "floor": uuid7_floor(since(now) - LONGEST_WAIT),
        "ways": [way.value for way in WAYS_OUT],
    }


def read_asked_for(now: datetime) -> Finding:
    """`asked-for-mail`: optional messages handed over without permission at that moment."""
    handed, without = one_row(HANDED, parameters(now))
    return Finding(
        holds=without == 0,
        value={"days": DAYS, "handed": shown_count(handed), "without_permission": without},
    )


def tell_asked_for(value: Value) -> str:
    return format_html(
        _("<b>{handed}</b> sent in {days} days, <b>{without}</b> of them without a yes."),
        handed=count_text(value["handed"]),
        days=value["days"],
        without=value["without_permission"],
    )


def read_obeyed(now: datetime) -> Finding:
    """`obeyed-in-minutes`: from receiving a no to writing it, and what was sent after that."""
    seconds: dict[str | None, dict[str, float]] = {}
    opt_outs = 0
    for source, number, median, late, worst in all_rows(LATENCY, parameters(now)):
        if number:
            seconds[source] = {
                "p50": round(median, 3),
                "p99": round(late, 3),
                "worst": round(worst, 3),
            }
        if source is None:
            opt_outs = number
    (after,) = one_row(HANDED_AFTER, parameters(now))
    overall = seconds.pop(None, None)
    in_time = overall is None or timedelta(seconds=overall["worst"]) <= OBEYED_WITHIN
    return Finding(
        holds=in_time and after == 0,
        value={
            "days": DAYS,
            "opt_outs": shown_count(opt_outs),
            "seconds": overall,
            "ways": seconds,
            "handed_after": after,
        },
    )


def tell_obeyed(value: Value) -> str:
    after = format_html(
        ngettext(
            "<b>{after}</b> message sent after a no.",
            "<b>{after}</b> messages sent after a no.",
            value["handed_after"],
        ),
        after=value["handed_after"],
    )
    if value["seconds"] is None:
        return format_html(
            _("Nobody opted out in the last {days} days. {after}"), days=value["days"], after=after
        )
    return format_html(
        _("Median <b>{median}</b>, worst <b>{worst}</b>, last {days} days. {after}"),
        median=duration_text(value["seconds"]["p50"]),
        worst=duration_text(value["seconds"]["worst"]),
        days=value["days"],
        after=after,
    )


def tell_ways(value: Value) -> str:
    """The same per way out, for the page of the promise; no counts, for some ways have few."""
    return format_html_join(
        "",
        "<div><dt>{}</dt><dd>{}</dd></div>",
        (
            (
                Source(way).label,
                _("median %(median)s, 99 of 100 within %(late)s, worst %(worst)s")
                % {
                    "median": duration_text(took["p50"]),
                    "late": duration_text(took["p99"]),
                    "worst": duration_text(took["worst"]),
                },
            )
            for way, took in sorted(value["ways"].items())
        ),
    )
