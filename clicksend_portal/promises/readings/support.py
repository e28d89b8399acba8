"""Questions to us: which way they were answered, and how long anybody has waited."""

from datetime import datetime

from django.db.models import F, Min, Q
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import SupportEntry, SupportQuestion
from accounts.policy import ANSWER_WITHIN
from clicksend_portal.promises.promise import Finding, Value
from clicksend_portal.promises.readings import DAYS, all_rows, since
from clicksend_portal.promises.words import count_text, shown_count

# One refuses the other way, one that the wish is changed to it.
TRIGGERS = """
SELECT 1 FROM pg_trigger
 WHERE tgname IN ('accounts_answer_as_wished', 'accounts_keep_the_wish') AND tgenabled = 'O'
HAVING count(*) = 2
"""


def read_channel(now: datetime) -> Finding:
    """`your-channel`: that the database refuses the other way, and that none went it."""
    # A call that reached nobody answers nothing; the database refuses it the other way too.
    answers = SupportEntry.objects.filter(
        kind__in=(SupportEntry.Kind.ANSWER, SupportEntry.Kind.CALL),
        at__gt=since(now),
        at__lte=now,
    )
    as_wished = Q(kind=SupportEntry.Kind.ANSWER, question__channel="email") | Q(
        kind=SupportEntry.Kind.CALL, question__channel="phone"
    )
    value = {
        "days": DAYS,
        "answers": shown_count(answers.count()),
        "other_way": answers.exclude(as_wished).count(),
        "guarded": bool(all_rows(TRIGGERS)),
    }
    return Finding(holds=bool(value["guarded"]) and not value["other_way"], value=value)


def tell_channel(value: Value) -> str:
    return format_html(
        _("<b>{number}</b> answers in {days} days, <b>{other}</b> of them by another way."),
        number=count_text(value["answers"]),
        days=value["days"],
        other=value["other_way"],
    )


def read_reachable(now: datetime) -> Finding:
    """`reachable`: nobody has waited longer for us than we set ourselves."""
    waiting = SupportQuestion.objects.filter(state=SupportQuestion.State.OPEN)
    oldest = waiting.aggregate(oldest=Min(F("moved_at")))["oldest"]
    days = 0 if oldest is None else max(0, (now - oldest).days)
    return Finding(
        holds=oldest is None or now - oldest <= ANSWER_WITHIN,
        value={"waiting": oldest is not None, "days": days, "limit": ANSWER_WITHIN.days},
    )


def tell_reachable(value: Value) -> str:
    if not value["waiting"]:
        return format_html("{}", _("Nobody waits for an answer."))
    return format_html(
        ngettext(
            "Whoever waits longest for an answer has waited <b>{days}</b> day; at most {limit}.",
            "Whoever waits longest for an answer has waited <b>{days}</b> days; at most {limit}.",
            value["days"],
        ),
        days=value["days"],
        limit=value["limit"],
    )
