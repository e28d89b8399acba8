"""What is asked for, how long it is kept, and how soon it is gone."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.apps import apps
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clicksend_portal.promises.promise import Finding, Value
from clicksend_portal.promises.readings import DAYS, one_row, since
from clicksend_portal.promises.words import (
    SMALLEST_COUNT,
    age_text,
    count_text,
    duration_text,
    shown_count,
    whole_months,
)
from retention.ages import Age, ages, count_set_aside, stand_at_least
from retention.checks import schedule_errors
from retention.items import overdue as overdue_items
from retention.models import RetentionRun
from retention.schedule import ENTRIES, RULES
from retention.words import entity_words

TWO_NIGHTS = timedelta(days=2)
BILLING_RULES = (
    "invoices",
    "open_invoices_of_nobody",
    "transactions",
    "open_transactions_of_nobody",
    "message_records",
)
# "Data kan til enhver tid slettes på kundens forespørsel": a machine does it, so a day is late.
DELETED_WITHIN = timedelta(days=1)

# Counted from when the work might begin: a customer may have asked for days to think it over, and
# staff begin some that nobody has confirmed. After a restore they are done once more, of old ones.
# While a legal hold, and nothing else, keeps one open its day does not begin: each round notes so.
REQUESTS = """
SELECT count(*),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY EXTRACT(epoch FROM finished_at - began)::float),
       count(*) FILTER (
           WHERE COALESCE(finished_at, %(now)s) - GREATEST(began, held_at) > %(limit)s
       ),
       count(*) FILTER (WHERE finished_at IS NULL AND held_at >= %(now)s - %(limit)s)
  FROM retention_deletionrequest,
       LATERAL (SELECT COALESCE(begins_at, requested_at) AS began) AS work
 WHERE began <= %(now)s AND (began >= %(since)s OR finished_at IS NULL)
   AND state NOT IN ('unconfirmed', 'withdrawn') AND source <> 'replay'
"""


def read_seven_years(now: datetime) -> Finding:
    """`seven-years`: the oldest billing record, by the day its transaction ended.

    Of the records of messages by the month they are in; each by the law of its company. What a
    legal hold keeps is counted apart.
    """
    found = ages(now, only=BILLING_RULES)
    oldest = min((each.oldest for each in found if each.oldest), default=None)
    overdue = sum(each.overdue for each in found)
    return Finding(
        holds=overdue == 0,
        value={
            "oldest": oldest.date().isoformat() if oldest else None,
            "today": now.astimezone(UTC).date().isoformat(),
            "overdue": overdue,
            "held": sum(each.held for each in found)
            + count_set_aside(*(each.entry.model for each in found)),
        },
    )


def tell_seven_years(value: Value) -> str:
    if value["oldest"] is None:
        return held_text(value) or _("No billing records are stored.")
    age = age_text(date.fromisoformat(value["oldest"]), date.fromisoformat(value["today"]))
    if value.get("held"):
        return format_html(
            _(
                "Oldest billing record: <b>{age}</b>, counted from the end of its transaction. "
                "Past their date: <b>{overdue}</b>. Kept longer for a dispute or an authority: "
                "<b>{held}</b>."
            ),
            age=age,
            overdue=value["overdue"],
            held=value["held"],
        )
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


def held_text(value: Value) -> str:
    """Empty where no hold keeps anything, and for readings from before holds were counted."""
    if not value.get("held"):
        return ""
    return format_html(
        _("Kept longer for a dispute or an authority: <b>{held}</b>."), held=value["held"]
    )


def read_erased(now: datetime) -> Finding:
    """`erased-on-request`: how long deletions took, which are late, and which a hold keeps open."""
    requests, median, late, held = one_row(
        REQUESTS, {"now": now, "since": since(now), "limit": DELETED_WITHIN}
    )
    return Finding(
        holds=late == 0,
        value={
            "days": DAYS,
            "requests": shown_count(requests),
            "median_seconds": None if median is None else round(median, 1),
            "late": late,
            "held": shown_count(held),
        },
    )


def tell_erased(value: Value) -> str:
    late = format_html(
        ngettext("<b>{late}</b> is late.", "<b>{late}</b> are late.", value["late"]),
        late=value["late"],
    )
    if value.get("held", 0) != 0:
        held = format_html(
            _("Held back for a dispute or an authority: <b>{held}</b>."),
            held=count_text(value["held"]),
        )
        late = format_html("{} {}", late, held)
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
    models = [each for each in apps.get_models(include_auto_created=True) if not each._meta.proxy]
    errors = schedule_errors(models, ENTRIES)
    runs = RetentionRun.objects.newest_per_rule()
    refused = {run.rule for run in RetentionRun.objects.refused_since()}
    newest = max((run.started_at for run in runs.values()), default=None)
    found = ages(now)
    late = [each.rule.name for each in found if each.overdue]
    items = overdue_items(now).count()
    # One that never ran has left nothing behind, or `late` says so.
    stands = any(run.started_at < now - TWO_NIGHTS for run in runs.values() if run.rule in RULES)
    return Finding(
        holds=not errors and not refused and not stands and not late and not items,
        value={
            "tables": len(models),
            "gaps": len(errors),
            "rules": len(RULES),
            "rules_run": len((runs.keys() - refused) & RULES.keys()),
            "last_run": newest.isoformat() if newest else None,
            "rules_late": len(late),
            "items_late": items,
            "oldest": [oldest_value(each, now) for each in found if each.oldest or each.overdue],
        },
    )


def oldest_value(age: Age, now: datetime) -> dict[str, Any]:
    """One rule for everybody's eyes: how old its oldest row is, in whole months or days.

    Of fewer rows than make a figure not even that: their age would be the age of somebody's.
    """
    in_months = bool(age.rule.period.months)
    told = age.oldest is not None and stand_at_least(age, SMALLEST_COUNT, now)
    return {
        "rule": age.rule.name,
        "unit": "months" if in_months else "days",
        "age": whole_age(age.oldest, now, in_months=in_months) if told else None,
        "limit": age.rule.period.months if in_months else age.rule.period.days,
        "late": shown_count(age.overdue),
    }


def whole_age(oldest: datetime | None, now: datetime, *, in_months: bool) -> int:
    """Some clocks start ahead: at the day on which something runs out."""
    if oldest is None or oldest > now:
        return 0
    if in_months:
        return whole_months(oldest.astimezone(UTC).date(), now.astimezone(UTC).date())
    return (now - oldest).days


def tell_schedule(value: Value) -> str:
    covered = format_html(
        _(
            "The schedule covers <b>{tables}</b> tables with {gaps} gaps; <b>{run}</b> of {rules} "
            "rules have run."
        ),
        tables=value["tables"],
        gaps=value["gaps"],
        run=value["rules_run"],
        rules=value["rules"],
    )
    late = format_html(
        _("Rules with rows past their date: <b>{rules}</b>; items past theirs: <b>{items}</b>."),
        rules=value.get("rules_late", 0),
        items=value.get("items_late", 0),
    )
    return format_html("{} {}", covered, late)


def tell_oldest(value: Value) -> str:
    """The oldest row under each rule against its limit, for the page of the promise."""
    rules = [each for each in value.get("oldest", ()) if each["rule"] in RULES]
    if not rules:
        return ""
    rules.sort(key=lambda each: (each["late"] == 0, -(each["age"] or 0) / max(each["limit"], 1)))
    rows = format_html_join(
        "",
        '<tr><td>{}</td><td data-label="{}">{}</td><td data-label="{}">{}</td>'
        '<td data-label="{}">{}</td></tr>',
        (
            (
                RULES[each["rule"]][1].title,
                _("Oldest"),
                _("too few to say") if each["age"] is None else span_text(each["age"], each),
                _("Limit"),
                limit_text(each),
                _("Past its date"),
                count_text(each["late"]),
            )
            for each in rules
        ),
    )
    return format_html(
        '<div class="whole"><dt>{}</dt><dd><details><summary>{}</summary>'
        '<table class="table stacks"><thead><tr><th scope="col">{}</th><th scope="col">{}</th>'
        '<th scope="col">{}</th><th scope="col">{}</th></tr></thead><tbody>{}</tbody></table>'
        "<p>{}</p></details></dd></div>",
        _("The oldest under each rule"),
        ngettext("%(n)s rule", "%(n)s rules", len(rules)) % {"n": len(rules)},
        _("Rule"),
        _("Oldest"),
        _("Limit"),
        _("Past its date"),
        rows,
        _(
            "In whole months or days. Where fewer than %(number)s stand, their age is not told. "
            "Under the other rules nothing stands, or what stands has no age."
        )
        % {"number": SMALLEST_COUNT},
    )


def span_text(number: int, each: Mapping[str, Any]) -> str:
    """`5 years 1 month`, or days."""
    if each["unit"] == "days":
        return ngettext("%(number)s day", "%(number)s days", number) % {"number": number}
    years, months = divmod(number, 12)
    parts = []
    if years:
        parts.append(ngettext("%(number)s year", "%(number)s years", years) % {"number": years})
    if months or not years:
        parts.append(ngettext("%(number)s month", "%(number)s months", months) % {"number": months})
    return " ".join(parts)


def limit_text(each: Mapping[str, Any]) -> str:
    """With that of each company of ours whose law says another."""
    limit, others = span_text(each["limit"], each), entity_words(RULES[each["rule"]][1])
    return f"{limit}. {others}" if others else limit


def read_de_identified(now: datetime) -> Finding:
    """`de-identified`: the oldest month in which messages still say what they said, and to whom.

    What a legal hold keeps of it is counted apart.
    """
    (age,) = ages(now, only=("message_content",))
    return Finding(
        holds=age.overdue == 0,
        value={
            "oldest": age.oldest.date().isoformat() if age.oldest else None,
            "overdue": age.overdue,
            "months": age.rule.period.months,
            "held": age.held + count_set_aside(age.entry.model),
        },
    )


def tell_de_identified(value: Value) -> str:
    held = held_text(value)
    if value["oldest"] is None:
        return held or _("No message content is stored.")
    told = format_html(
        _(
            "The oldest message content is of <b>{month}</b> or later; {months} months is the "
            "limit. Past it: <b>{overdue}</b>."
        ),
        month=date_format(date.fromisoformat(value["oldest"]), "YEAR_MONTH_FORMAT"),
        months=value["months"],
        overdue=value["overdue"],
    )
    return format_html("{} {}", told, held) if held else told
