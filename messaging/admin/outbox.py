"""The outbox to look at: what became of each mail, without its content."""

import uuid
from datetime import UTC, datetime
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.admin.door import CustomerDoor
from accounts.masking import masked_email
from accounts.models import Seen
from foundation.calendar import month_start, months_later
from foundation.ids import uuid7_floor
from foundation.staff import ReadOnlyAdmin, choice_filter, shown
from messaging.admin.words import reason_words
from messaging.models import Message

MONTHS_SHOWN = 12


class MonthFilter(admin.SimpleListFilter):
    """A month is a range of keys, so only its partition is read."""

    title = _("month")
    parameter_name = "month"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        this = month_start(timezone.now())
        months = [months_later(this, -back) for back in range(MONTHS_SHOWN)]
        return [(f"{month:%Y-%m}", date_format(month, "YEAR_MONTH_FORMAT")) for month in months]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Message]) -> QuerySet[Message]:
        if not self.value():
            return queryset
        if self.value() not in dict(self.lookup_choices):
            return queryset.none()
        first = datetime.strptime(self.value() or "", "%Y-%m").replace(tzinfo=UTC)
        return queryset.filter(
            id__gte=uuid7_floor(first), id__lt=uuid7_floor(months_later(first, 1))
        )


@admin.register(Message)
class MessageAdmin(CustomerDoor, ReadOnlyAdmin):
    seen = (Seen.MAILS,)
    list_display = (
        "its_queued_at",
        "its_kind",
        "its_purpose",
        "masked",
        "its_state",
        "why",
    )
    list_filter = (
        ("state", choice_filter(_("state"))),
        ("kind", choice_filter(_("kind"))),
        MonthFilter,
    )
    its_kind = shown("kind", _("kind"))
    its_purpose = shown("purpose", _("purpose"))
    its_language = shown("language", _("language"))
    its_state = shown("state", _("state"))
    its_attempts = shown("attempts", _("attempts"))
    its_queued_at = shown("queued_at", _("put in the outbox"))
    its_not_before = shown("not_before", _("not before"))
    its_handed_at = shown("handed_at", _("handed over"))
    its_finished_at = shown("finished_at", _("finished"))
    ordering = ("-id",)
    show_full_result_count = False
    fields = (
        "id",
        "its_kind",
        "its_purpose",
        "masked",
        "customer",
        "its_language",
        "its_state",
        "why",
        "its_attempts",
        "its_queued_at",
        "its_not_before",
        "its_handed_at",
        "its_finished_at",
    )
    readonly_fields = fields

    def person_of(self, obj: Message) -> uuid.UUID | None:
        return obj.person_id

    def get_queryset(self, request: HttpRequest) -> QuerySet[Message]:
        """Content and full headers are not even read from the database."""
        return super().get_queryset(request).defer("subject", "text", "html", "sender")

    @admin.display(description=_("to"))
    def masked(self, message: Message) -> str:
        return masked_email(message.to_address)

    @admin.display(description=_("reason"))
    def why(self, message: Message) -> str:
        return reason_words(message.reason)

    @admin.display(description=_("customer"))
    def customer(self, message: Message) -> SafeString | str:
        return "" if message.person_id is None else customer_link(message.person_id)


def customer_link(person_id: uuid.UUID) -> SafeString:
    return format_html(
        '<a href="{}">{}</a>', reverse("admin:accounts_user_change", args=[person_id]), person_id
    )
