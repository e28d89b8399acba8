"""Who looked at whom, for those who watch over it; and what was unusual."""

import uuid
from typing import Any, ClassVar, cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import OuterRef, Subquery, UUIDField
from django.db.models.functions import Cast, Substr
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.access import alarms
from accounts.access.services import STAFF
from accounts.models import AccessAlarm, AccessEvent, User
from accounts.roles import Role
from foundation.redaction import redact
from foundation.staff import ReadOnlyAdmin, WorkItem, WorkList, choice_filter, shown

SHOWN = 10
ROLE_NAMES: dict[str, Any] = dict(Role.choices)


@admin.register(AccessEvent)
class AccessEventAdmin(ReadOnlyAdmin):
    """What staff looked at, when and why, without whom: no way from here to a customer."""

    list_display = ("its_at", "who", "its_role", "its_what", "its_basis", "its_reference", "why")
    list_display_links = None
    list_filter: ClassVar[Any] = (
        ("what", choice_filter(gettext_lazy("what"))),
        ("basis", choice_filter(gettext_lazy("why"))),
    )
    date_hierarchy = "at"
    show_full_result_count = False
    its_at = shown("at", gettext_lazy("when"))
    its_what = shown("what", gettext_lazy("what"))
    its_basis = shown("basis", gettext_lazy("why"))
    its_reference = shown("reference", gettext_lazy("reference"))
    why = shown("reason", gettext_lazy("reason"))
    fields = ("its_at", "who", "its_role", "its_what", "its_basis", "its_reference", "why")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> Any:
        """Whom it was about is not even read."""
        key = Cast(Substr(OuterRef("actor"), len(STAFF) + 1), UUIDField())
        colleague = User.objects.filter(pk=key).values("username")
        events = super().get_queryset(request).defer("person_id", "salt")
        return events.annotate(username=Subquery(colleague))

    @admin.display(description=gettext_lazy("staff"))
    def who(self, event: Any) -> str:
        return event.username or _("a former member")

    @admin.display(description=gettext_lazy("role"))
    def its_role(self, event: AccessEvent) -> str:
        return str(ROLE_NAMES.get(event.role, event.role))


class FindingForm(forms.Form):
    finding = forms.CharField(
        label=gettext_lazy("What it was"),
        max_length=300,
        help_text=gettext_lazy("What they said, and whether it fits. No names of customers."),
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
    )

    def clean_finding(self) -> str:
        """It is kept for years, so no address and no secret stays in it."""
        field = cast("forms.CharField", self.fields["finding"])
        if said := redact(self.cleaned_data["finding"]).strip():
            return said[: field.max_length]  # "[address]" may be longer than an address
        raise ValidationError(_("Say what it was."))


@admin.register(AccessAlarm)
class AccessAlarmAdmin(ReadOnlyAdmin):
    change_form_template = "admin/accounts/accessalarm/change_form.html"
    list_display = ("day", "staff", "number", "usual", "closed_at", "finding")
    list_filter = (("closed_at", admin.EmptyFieldListFilter),)
    list_select_related = ("staff",)
    fields = ("day", "staff", "number", "usual", "raised_at", "closed_by", "closed_at", "finding")

    def may_close(self, request: HttpRequest, alarm: AccessAlarm) -> bool:
        return (
            request.user.has_perm("accounts.change_accessalarm")
            and alarm.closed_at is None
            and alarm.staff_id != request.user.pk
        )

    def get_urls(self) -> list[URLPattern]:
        own = path(
            "<uuid:pk>/close/",
            self.admin_site.admin_view(self.close),
            name="accounts_accessalarm_close",
        )
        return [own, *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        alarm = self.get_object(request, object_id)
        context: dict[str, Any] = {"alarm": alarm, "form": FindingForm()}
        if alarm is not None:
            context["may_close"] = self.may_close(request, alarm)
            context["is_own"] = alarm.closed_at is None and alarm.staff_id == request.user.pk
        return super().change_view(request, object_id, form_url, context | (extra_context or {}))

    def close(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not request.user.has_perm("accounts.change_accessalarm"):
            raise PermissionDenied
        alarm = get_object_or_404(AccessAlarm, pk=pk)
        form = FindingForm(request.POST)
        if not form.is_valid():
            messages.error(request, _("Nothing was saved: say what it was, in 300 characters."))
            return redirect("admin:accounts_accessalarm_change", pk)
        try:
            alarms.close_alarm(
                alarm, **form.cleaned_data, actor=cast("User", request.user), now=timezone.now()
            )
        except alarms.OwnAlarmError:
            messages.error(request, _("Somebody else must look into it, and say what it was."))
        except alarms.AlreadyClosedError:
            messages.error(request, _("Nothing was saved: somebody has looked into it already."))
        else:
            self.log_change(request, alarm, _("Looked into an alarm."))
            messages.success(request, _("It is written down, and the alarm is closed."))
        return redirect("admin:accounts_accessalarm_change", pk)

    def work_list(self, request: HttpRequest) -> WorkList | None:
        waiting = AccessAlarm.objects.filter(closed_at=None)
        return WorkList(
            title=_("Alarms about look-ups"),
            items=[
                WorkItem(
                    title=number_words(alarm.number),
                    url=reverse("admin:accounts_accessalarm_change", args=[alarm.pk]),
                    note=date_format(alarm.day, "DATE_FORMAT"),
                )
                for alarm in waiting.order_by("day")[:SHOWN]
            ],
            empty=_("Nothing unusual."),
            url=reverse("admin:accounts_accessalarm_changelist"),
            count=waiting.count(),
        )


def number_words(number: int) -> str:
    return ngettext("%(number)d look-up", "%(number)d look-ups", number) % {"number": number}
