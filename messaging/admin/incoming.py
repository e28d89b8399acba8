"""What came back about our mails, and the comparisons with the provider's list: to look at."""

import uuid
from typing import Any

from django.contrib import admin
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.admin.door import CustomerDoor
from accounts.models import Seen
from foundation.staff import ReadOnlyAdmin, choice_filter, shown
from messaging.admin.outbox import MonthFilter, customer_link
from messaging.admin.words import difference_words, event_words
from messaging.models import ProviderEvent, SuppressionComparison


@admin.register(ProviderEvent)
class ProviderEventAdmin(CustomerDoor, ReadOnlyAdmin):
    """No address, no body: on its own page whoever is meant is a link to theirs."""

    seen = (Seen.MAILS,)
    # Without the subject: it is what somebody wrote.
    list_display = ("its_received_at", "its_kind", "its_outcome", "reason")
    list_filter = (
        ("outcome", choice_filter(_("outcome"))),
        ("kind", choice_filter(_("kind"))),
        MonthFilter,
    )
    its_kind = shown("kind", _("kind"))
    its_outcome = shown("outcome", _("outcome"))
    its_about = shown("about", _("subject"))
    its_status = shown("status", _("status code"))
    its_provider = shown("provider", _("mail provider"))
    its_happened_at = shown("happened_at", _("happened"))
    its_received_at = shown("received_at", _("received"))
    ordering = ("-id",)
    show_full_result_count = False
    fields = (
        "id",
        "its_kind",
        "its_outcome",
        "reason",
        "its_about",
        "its_status",
        "customer",
        "message",
        "its_provider",
        "its_happened_at",
        "its_received_at",
    )
    readonly_fields = fields

    def person_of(self, obj: ProviderEvent) -> uuid.UUID | None:
        return obj.person_id

    @admin.display(description=_("reason"))
    def reason(self, event: ProviderEvent) -> str:
        return event_words(event.why)

    @admin.display(description=_("customer"))
    def customer(self, event: ProviderEvent) -> SafeString | str:
        """Of what is unknown only whom the sender claims to be."""
        if event.person_id is None:
            return ""
        link = customer_link(event.person_id)
        if event.outcome != ProviderEvent.Outcome.UNKNOWN:
            return link
        return format_html("{}: {}", _("claims to be"), link)

    @admin.display(description=_("email"))
    def message(self, event: ProviderEvent) -> str:
        return str(event.message_id or "")


@admin.register(SuppressionComparison)
class SuppressionComparisonAdmin(ReadOnlyAdmin):
    list_display = (
        "its_compared_at",
        "its_provider",
        "its_theirs",
        "its_added_here",
        "its_added_there",
        "its_removed_there",
        "its_failed",
        "its_error",
    )
    its_compared_at = shown("compared_at", _("compared"))
    its_provider = shown("provider", _("mail provider"))
    its_theirs = shown("theirs", _("on the provider's list"))
    its_same = shown("same", _("the same here"))
    its_added_here = shown("added_here", _("added here"))
    its_added_there = shown("added_there", _("added there"))
    its_removed_there = shown("removed_there", _("removed there"))
    its_lifted_here = shown("lifted_here", _("lifted here"))
    its_not_added_there = shown("not_added_there", _("not added there: it would stop account mail"))
    its_failed = shown("failed", _("failed"))
    its_error = shown("error", _("error"))
    fields = (
        "its_compared_at",
        "its_provider",
        "its_theirs",
        "its_same",
        "its_added_here",
        "its_added_there",
        "its_removed_there",
        "its_lifted_here",
        "its_not_added_there",
        "its_failed",
        "its_error",
        "listed",
    )
    readonly_fields = fields

    @admin.display(description=_("differences"))
    def listed(self, comparison: SuppressionComparison) -> SafeString:
        """Each address by the beginning of its fingerprint."""
        rows: list[tuple[Any, ...]] = [
            (difference_words(row["what"]), difference_words(row["why"]), row["address"])
            for row in comparison.differences
        ]
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{}: {} {}…</li>", rows))
