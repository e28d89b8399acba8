"""What is asked for, how long it is kept, and how soon it is gone."""

from datetime import UTC, date, datetime, timedelta

from django.apps import apps
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Invoice
from clicksend_portal.promises.promise import Finding, Value
from clicksend_portal.promises.readings import DAYS, one_row, since
from clicksend_portal.promises.words import age_text, count_text, duration_text, shown_count
from retention.checks import schedule_errors
from retention.models import RetentionRun
from retention.policy import BILLING
from retention.schedule import ENTRIES, RULES

# Rules are enforced every night: what fell due yesterday is gone by this morning.
A_NIGHT = timedelta(days=1)
# "Data kan til enhver tid slettes på kundens forespørsel": a machine does it, so a day is late.
DELETED_WITHIN = timedelta(days=1)

REQUESTS = """
SELECT count(*),
       percentile_cont(0.5) WITHIN GROUP (
           ORDER BY EXTRACT(epoch FROM finished_at - requested_at)::float),
       count(*) FILTER (WHERE COALESCE(finished_at, %(now)s) - requested_at > %(limit)s)
  FROM retention_deletionrequest
 WHERE requested_at <= %(now)s AND (requested_at >= %(since)s OR finished_at IS NULL)
"""


def read_seven_years(now: datetime) -> Finding:
    """`seven-years`: the oldest billing record, by the day its transaction ended."""
    today = now.astimezone(UTC).date()
    ended = Invoice.objects.filter(settled_on__isnull=False)
    oldest = ended.order_by("settled_on").values_list("settled_on", flat=True).first()
    overdue = ended.filter(settled_on__lte=BILLING.cutoff(now - A_NIGHT).date()).count()
    return Finding(
        holds=overdue == 0,
        value={
            "oldest": oldest.isoformat() if oldest else None,
            "today": today.isoformat(),
            "overdue": overdue,
        },
    )


def tell_seven_years(value: Value) -> str:
    if value["oldest"] is None:
        return _("No billing records are stored.")
    age = age_text(date.fromisoformat(value["oldest"]), date.fromisoformat(value["today"]))
    return format_html(
        ngettext(
            "Oldest billing record: <b>{age}</b>, counted from the end of its transaction. "
            "<b>{overdue}</b> is past its date.",
            "Oldest billing record: <b>{age}</b>, counted from the end of its transaction. "
            "<b>{overdue}</b> are past their date.",
            value["overdue"],
        ),
        age=age,
        overdue=value["overdue"],
    )


def read_erased(now: datetime) -> Finding:
    """`erased-on-request`: how long deletions took, and which are late."""
    requests, median, late = one_row(
        REQUESTS, {"now": now, "since": since(now), "limit": DELETED_WITHIN}
    )
    return Finding(
        holds=late == 0,
        value={
            "days": DAYS,
            "requests": shown_count(requests),
            "median_seconds": None if median is None else round(median, 1),
            "late": late,
        },
    )


def tell_erased(value: Value) -> str:
    late = format_html(
        ngettext("<b>{late}</b> is late.", "<b>{late}</b> are late.", value["late"]),
        late=value["late"],
    )
    if value["median_seconds"] is None:
        return format_html(
            _("<b>{requests}</b> requests in {days} days. {late}"),
            requests=count_text(value["requests"]),
            days=value["days"],
            late=late,
        )
    return format_html(
        _("<b>{requests}</b> requests in {days} days, median <b>{median}</b>. {late}"),
        requests=count_text(value["requests"]),
        days=value["days"],
        median=duration_text(value["median_seconds"]),
        late=late,
    )


def read_schedule(now: datetime) -> Finding:
    """`gone-when-needless`, the electronic half: tables without a rule, rules without a run."""
    models = apps.get_models(include_auto_created=True)
    errors = schedule_errors(models, ENTRIES)
    runs = RetentionRun.objects.newest_per_rule()
    refused = {run.rule for run in RetentionRun.objects.refused_since()}
    newest = max((run.started_at for run in runs.values()), default=None)
    return Finding(
        holds=not errors and not refused and runs.keys() >= RULES.keys(),
        value={
            "tables": len(models),
            "gaps": len(errors),
            "rules": len(RULES),
            "rules_run": len((runs.keys() - refused) & RULES.keys()),
            "last_run": newest.isoformat() if newest else None,
        },
    )


def tell_schedule(value: Value) -> str:
    return format_html(
        _(
            "The schedule covers <b>{tables}</b> tables with {gaps} gaps; <b>{run}</b> of {rules} "
            "rules have run."
        ),
        tables=value["tables"],
        gaps=value["gaps"],
        run=value["rules_run"],
        rules=value["rules"],
    )
