"""The customer reference program: what is shown without a yes, and what should be down by now."""

from datetime import datetime

from django.db.models import Exists, OuterRef
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clicksend_portal.promises.promise import Finding, Value
from clicksend_portal.promises.readings import all_rows
from clicksend_portal.promises.words import count_text, shown_count
from consent.models import Preference, ReferenceText, ReferenceUse, State, Takedown
from consent.reference.words import WORDLESS

# What takes a use down in the statement of the no, and lets none up without a yes.
GUARDS = """
SELECT tgname FROM pg_trigger
 WHERE NOT tgisinternal AND tgenabled = 'O' AND tgname = ANY(%(names)s)
"""
TRIGGERS = (
    "consent_use_check",
    "consent_use_taken_down",
    "consent_text_check",
    "consent_takedown_check",
    "consent_takedown_closed",
    "consent_preference_no",
    "consent_preference_gone",
)


def read_by_will(now: datetime) -> Finding:
    """`reference-by-will`: nothing shown without a yes or in other words, nothing late."""
    published = ReferenceUse.objects.filter(state=ReferenceUse.State.PUBLISHED)
    yes = Preference.objects.filter(
        person=OuterRef("person"), topic=OuterRef("topic"), state=State.GRANTED
    )
    approved = ReferenceText.objects.filter(
        use=OuterRef("pk"), staff_approved_at__isnull=False, customer_approved_at__isnull=False
    )
    open_ones = Takedown.objects.filter(closed_at=None)
    guards = {str(name) for (name,) in all_rows(GUARDS, {"names": list(TRIGGERS)})}
    value = {
        "published": shown_count(published.count()),
        "without_yes": published.exclude(Exists(yes)).count(),
        "without_words": published.exclude(topic__slug__in=WORDLESS)
        .exclude(Exists(approved))
        .count(),
        "open": shown_count(open_ones.count()),
        "overdue": open_ones.filter(due_at__lt=now).count(),
        "guarded": guards == set(TRIGGERS),
    }
    wrong = value["without_yes"] or value["without_words"] or value["overdue"]
    return Finding(holds=bool(value["guarded"]) and not wrong, value=value)


def tell_by_will(value: Value) -> str:
    shown = format_html(
        _("<b>{without}</b> of {published} published uses stand without a yes."),
        without=value["without_yes"],
        published=count_text(value["published"]),
    )
    late = format_html(
        ngettext(
            "Being taken down: {open}, of which <b>{overdue}</b> is late.",
            "Being taken down: {open}, of which <b>{overdue}</b> are late.",
            value["overdue"],
        ),
        open=count_text(value["open"]),
        overdue=value["overdue"],
    )
    return format_html("{} {}", shown, late)
