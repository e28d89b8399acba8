"""Service announcements: how rare they are, who read them before they left, and what they say."""

from datetime import datetime
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clicksend_portal.promises.promise import Finding, Value
from messaging.announcing import (
    has_own_sender,
    marketing_in,
    month_of,
    overdue_reviews,
    read_by_nobody_else,
    sent_this_month,
)
from messaging.policy import RARE_ANNOUNCEMENTS_A_MONTH


def read_service(now: datetime) -> Finding:
    """`service-is-service`: how many this month, under which name, who read them beforehand and
    what they say; and that what one person sent on call was looked at since."""
    this_month = list(sent_this_month(now))
    value: dict[str, Any] = {
        "month": f"{month_of(now):%Y-%m}",
        "announcements": len(this_month),
        "limit": RARE_ANNOUNCEMENTS_A_MONTH,
        "own_sender": has_own_sender(),
        "read_by_nobody_else": sent_this_month(now).filter(read_by_nobody_else()).count(),
        "advertising": sum(any(marketing_in(announcement)) for announcement in this_month),
        "reviews_overdue": len(overdue_reviews(now)),
    }
    wrong = ("read_by_nobody_else", "advertising", "reviews_overdue")
    return Finding(
        holds=value["announcements"] <= RARE_ANNOUNCEMENTS_A_MONTH
        and value["own_sender"]
        and not any(value[name] for name in wrong),
        value=value,
    )


def tell_service(value: Value) -> str:
    """The month's count, and whether others had read them; what is wrong only when it is."""
    sentences = [
        format_html(
            ngettext(
                "<b>{number}</b> service message this month, at most {limit}.",
                "<b>{number}</b> service messages this month, at most {limit}.",
                value["announcements"],
            ),
            number=value["announcements"],
            limit=value["limit"],
        ),
        format_html(
            _("<b>{number}</b> that nobody but its writers had read."),
            number=value["read_by_nobody_else"],
        ),
    ]
    if value["advertising"]:
        sentences.append(
            format_html(_("<b>{number}</b> with advertising in it."), number=value["advertising"])
        )
    if value["reviews_overdue"]:
        sentences.append(
            format_html(
                _("<b>{number}</b> sent at night and not reviewed in time."),
                number=value["reviews_overdue"],
            )
        )
    if not value["own_sender"]:
        sentences.append(format_html("{}", _("They come from the newsletter's address.")))
    return format_html_join(" ", "{}", ((sentence,) for sentence in sentences))
