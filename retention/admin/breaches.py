"""The register of breaches: each with its 72 hours, counted down, and what was decided."""

import uuid
from datetime import datetime
from typing import Any, ClassVar, cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import User
from foundation.staff import BaseAdmin, WorkItem, WorkList
from retention.desk import breaches
from retention.desk.authorities import authority_for
from retention.models import Breach

CHANGE = "retention.change_breach"


class BreachForm(forms.ModelForm[Breach]):
    class Meta:
        model = Breach
        fields = (
            "title",
            "what_happened",
            "confidentiality",
            "integrity",
            "availability",
            "began_at",
            "aware_at",
            "legal_entity",
            "data_concerned",
            "people",
            "records",
            "consequences",
            "risk",
            "measures",
            "notified_at",
            "notified_as",
            "late_because",
            "not_notified_because",
            "people_told_at",
            "people_told_how",
            "people_untold",
        )
        help_texts: ClassVar[dict[str, Any]] = {
            "title": gettext_lazy("Names nobody: it stands in mails and lists."),
            "what_happened": gettext_lazy(
                "Facts, causes, times. No names of customers: say how many and of what kind."
            ),
            "aware_at": gettext_lazy(
                "When one of us knew with reasonable certainty. The 72 hours count from here; "
                "afterwards it can only be set earlier."
            ),
            "legal_entity": gettext_lazy("As in LEGAL_ENTITIES; empty: the Norwegian one."),
            "late_because": gettext_lazy("Only if the authority is told after 72 hours."),
            "not_notified_because": gettext_lazy(
                "Only if a risk to people is unlikely: how you came to that."
            ),
        }

    def clean_aware_at(self) -> datetime:
        moment: datetime = self.cleaned_data["aware_at"]
        if moment > timezone.now():
            raise forms.ValidationError(_("This moment has not come yet."))
        if not self.instance._state.adding and moment > self.initial["aware_at"]:
            raise forms.ValidationError(
                _("The clock can only be found to have begun earlier, never later.")
            )
        return moment


@admin.register(Breach)
class BreachAdmin(BaseAdmin):
    form = BreachForm
    actions = None
    change_form_template = "retention/admin/desk/breach.html"
    list_display = ("title", "aware_at", "clock", "risk", "told", "closed_at")
    list_filter = ("risk", ("closed_at", admin.EmptyFieldListFilter))
    search_fields = ("title",)
    date_hierarchy = "aware_at"
    fieldsets = (
        (
            gettext_lazy("What happened"),
            {
                "fields": (
                    "title",
                    "what_happened",
                    ("confidentiality", "integrity", "availability"),
                    ("began_at", "aware_at"),
                    "legal_entity",
                )
            },
        ),
        (
            gettext_lazy("Whom it concerns"),
            {"fields": ("data_concerned", ("people", "records"), "consequences", "risk")},
        ),
        (gettext_lazy("What we do about it"), {"fields": ("measures",)}),
        (
            gettext_lazy("The supervisory authority (GDPR art. 33)"),
            {"fields": (("notified_at", "notified_as"), "late_because", "not_notified_because")},
        ),
        (
            gettext_lazy("The people concerned (GDPR art. 34)"),
            {"fields": (("people_told_at", "people_told_how"), "people_untold")},
        ),
    )

    def history_name(self, breach: Breach) -> str:
        """A case names nobody."""
        return breach.title

    @admin.display(description=gettext_lazy("72 hours"))
    def clock(self, breach: Breach) -> str:
        return clock_words(breach, timezone.now())

    @admin.display(description=gettext_lazy("authority told"), boolean=True)
    def told(self, breach: Breach) -> bool | None:
        if breach.notified_at is not None:
            return True
        return None if breach.not_notified_because else False

    # --- who may do what ---------------------------------------------------------------------

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A closed case stands as it was closed."""
        closed = obj is not None and obj.closed_at is not None
        return not closed and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Every breach is documented (art. 33 (5))."""
        return False

    # --- acting ------------------------------------------------------------------------------

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        now = timezone.now()
        if not change:
            obj.registered_by, obj.registered_at = cast("User", request.user), now
        super().save_model(request, obj, form, change)
        if not change:
            breaches.announce_breach(obj, now=now)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.close)
        own = path("<uuid:pk>/close/", view, name="retention_breach_close")
        return [own, *super().get_urls()]

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        if (breach := context.get("original")) is not None:
            now = timezone.now()
            context |= {
                "breach": breach,
                "clock_words": clock_words(breach, now),
                "is_over": breach.clock_runs and breach.notify_by < now,
                "authority": authority_for(breach.legal_entity),
                "lacks": breaches.what_lacks(breach) if breach.closed_at is None else [],
                "may_close": request.user.has_perm(CHANGE) and breach.closed_at is None,
            }
        return super().render_change_form(request, context, *args, **kwargs)

    def close(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        breach = self.get_object(request, str(pk))
        if breach is None:
            raise Http404
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not request.user.has_perm(CHANGE):
            raise PermissionDenied
        try:
            breaches.close_breach(pk, actor=cast("User", request.user), now=timezone.now())
        except breaches.CaseRefused as refusal:
            messages.error(request, str(refusal))
        else:
            self.log_change(request, breach, _("Closed the case."))
            messages.success(request, _("The case is closed and stands as it is."))
        return redirect("admin:retention_breach_change", pk)

    # --- the first page ----------------------------------------------------------------------

    def work_list(self, request: HttpRequest) -> WorkList | None:
        """Open cases, the one whose clock ends first at the top."""
        if not self.has_view_permission(request):
            return None
        now = timezone.now()
        items = [
            WorkItem(
                title=breach.title,
                url=reverse("admin:retention_breach_change", args=[breach.pk]),
                note=clock_words(breach, now),
                due=breach.notify_by if breach.clock_runs else None,
            )
            for breach in breaches.open_cases()
        ]
        return WorkList(
            title=_("Breaches"),
            items=items,
            empty=_("No breach is open."),
            url=reverse("admin:retention_breach_changelist"),
        )


def clock_words(breach: Breach, now: datetime) -> str:
    """How much is left of the 72 hours; or what became of them."""
    if breach.notified_at is not None:
        return _("the authority was told")
    if breach.not_notified_because:
        return _("the authority need not be told")
    left = breaches.hours_left(breach, now)
    if breach.notify_by < now:
        over = int((now - breach.notify_by).total_seconds() // 3600)
        return ngettext("over for %(n)d hour", "over for %(n)d hours", over) % {"n": over}
    return ngettext("%(n)d hour left", "%(n)d hours left", left) % {"n": left}
