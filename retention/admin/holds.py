"""Legal holds: placed here by one person, approved by another, looked at again, released."""

import uuid
from collections.abc import Callable
from typing import Any, ClassVar, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.masking import initials
from accounts.models import User
from foundation import standstill
from foundation.days import DayField
from foundation.staff import BaseAdmin, WorkItem, WorkList
from retention import holds
from retention.customers import find_customer
from retention.holds import HoldRefused
from retention.models import LegalHold
from retention.policy import HOLD_REVIEW, HOLD_UNAPPROVED


class HoldForm(forms.ModelForm[LegalHold]):
    """What is to be held. Whatever is named must all be true of a row."""

    customer = forms.CharField(
        label=gettext_lazy("Customer"),
        required=False,
        max_length=320,
        help_text=gettext_lazy(
            "The whole e-mail address, phone number, customer number or key; empty: everybody's."
        ),
    )

    # Who is asking, for a search is written down (`get_form`).
    staff: ClassVar[User]

    class Meta:
        model = LegalHold
        fields = ("data_class", "since", "until", "reason", "reference", "review_on")
        field_classes: ClassVar[dict[str, Any]] = {"since": DayField, "until": DayField}
        help_texts: ClassVar[dict[str, Any]] = {
            "data_class": gettext_lazy("Empty: every class."),
            "since": gettext_lazy("Rows of that day and later; empty: from the beginning."),
            "until": gettext_lazy("Rows up to that day, it included; empty: without an end."),
            "reason": gettext_lazy(
                "Which dispute or which order, and why these data are needed. No more about "
                "persons than must be."
            ),
            "review_on": gettext_lazy("Within half a year: somebody asks whether it is needed."),
        }

    def clean_customer(self) -> uuid.UUID | None:
        text = self.cleaned_data["customer"].strip()
        if not text:
            return None
        found = find_customer(text, staff=self.staff)
        if found is None:
            raise ValidationError(_("There is no such customer."))
        key: uuid.UUID = found.pk
        return key

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        names = ("customer", "data_class", "since", "until")
        if not any(cleaned.get(name) or name in self.errors for name in names):
            raise ValidationError(
                _("Say what to hold: a customer, a class of data or a span of time.")
            )
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and until < since:
            self.add_error("until", _("The span of time ends before it begins."))
        if review_on := cleaned.get("review_on"):
            try:
                holds.check_review(review_on, timezone.now())
            except HoldRefused as refusal:
                self.add_error("review_on", str(refusal))
        return cleaned

    def validate_constraints(self) -> None:
        """The service and the database hold them; the row is not complete before."""


@admin.register(LegalHold)
class LegalHoldAdmin(BaseAdmin):
    form = HoldForm
    actions = None
    change_form_template = "retention/admin/hold.html"
    list_display = ("reference", "what", "standing", "review_on", "placed_at", "placed_by")
    list_select_related = ("placed_by",)
    list_filter = (
        "data_class",
        ("approved_at", admin.EmptyFieldListFilter),
        ("released_at", admin.EmptyFieldListFilter),
    )
    search_fields = ("reference", "reason")
    date_hierarchy = "placed_at"
    fieldsets = (
        (
            None,
            {
                "fields": ("customer", "data_class", ("since", "until")),
                "description": gettext_lazy(
                    "A hold keeps rows from being deleted, by rule or by request. It never "
                    "revives mail and never stops an opt-out. It counts at once, and lapses after "
                    "3 days unless somebody else approves it."
                ),
            },
        ),
        (gettext_lazy("Why"), {"fields": ("reason", "reference", "review_on")}),
    )

    # --- who may do what ---------------------------------------------------------------------

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What was placed stays as it was; the buttons below add to it."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever approves must get to the page with the button."""
        return super().has_view_permission(request, obj) or request.user.has_perm(holds.APPROVE)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return self.fieldsets
        shown = ("what", "reason", "reference", "review_on", "standing")
        return ((None, {"fields": shown}),)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else ("what", "reason", "reference", "review_on", "standing")

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, *args, **kwargs)
        form.staff = request.user
        return form

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        soon = (timezone.now() + HOLD_REVIEW / 2).date()
        return {"review_on": soon, **super().get_changeform_initial_data(request)}

    # --- what one sees -----------------------------------------------------------------------

    @admin.display(description=gettext_lazy("what is held"))
    def what(self, hold: LegalHold) -> str:
        parts = [
            str(hold.get_data_class_display()) if hold.data_class else _("every class"),
            _("of customer %(key)s") % {"key": customer_name(hold.customer_id)}
            if hold.customer_id
            else _("of everybody"),
        ]
        if hold.since:
            parts.append(_("from %(day)s") % {"day": date_format(hold.since, "DATE_FORMAT")})
        if hold.until:
            parts.append(_("until %(day)s") % {"day": date_format(hold.until, "DATE_FORMAT")})
        return ", ".join(parts)

    @admin.display(description=gettext_lazy("state"))
    def standing(self, hold: LegalHold) -> str:
        if hold.released_at is not None:
            return _("released")
        if hold.approved_at is not None:
            return _("in force")
        if holds.is_lapsed(hold, timezone.now()):
            return _("lapsed, for nobody approved it")
        moment = timezone.localtime(hold.placed_at + HOLD_UNAPPROVED)
        return _("in force until %(moment)s unless somebody approves it") % {
            "moment": date_format(moment, "DATETIME_FORMAT")
        }

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        context = dict(extra_context or {})
        hold = self.get_object(request, unquote(object_id)) if object_id else None
        if hold is not None:
            user, now = cast("User", request.user), timezone.now()
            context |= {
                "hold": hold,
                "why_not_approve": holds.why_not_approve(hold, user, now=now),
                "why_not_release": holds.why_not_release(hold, user),
                "may_review": user.has_perm(holds.APPROVE) and hold.approved_at is not None,
                "step_urls": {
                    step: reverse("admin:retention_legalhold_step", args=[hold.pk, step])
                    for step in STEPS
                },
            }
        return super().changeform_view(request, object_id, form_url, context)

    # --- acting ------------------------------------------------------------------------------

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        values = dict(form.cleaned_data)
        placed = holds.place_hold(
            customer_id=values.pop("customer"),
            **values,
            actor=cast("User", request.user),
            now=timezone.now(),
        )
        obj.pk = placed.pk
        obj.refresh_from_db()

    def get_urls(self) -> list[URLPattern]:
        own = path(
            "<uuid:pk>/step/<slug:step>/",
            self.admin_site.admin_view(self.take_step),
            name="retention_legalhold_step",
        )
        return [own, *super().get_urls()]

    def take_step(self, request: HttpRequest, pk: uuid.UUID, step: str) -> HttpResponse:
        hold = self.get_object(request, str(pk))
        if step not in STEPS or hold is None:
            raise Http404
        if not self.has_view_permission(request, hold):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        try:
            said = STEPS[step](request, pk)
        except HoldRefused as refusal:
            messages.error(request, str(refusal))
        else:
            self.log_change(request, hold, said)
            messages.success(request, said)
        return redirect(reverse("admin:retention_legalhold_change", args=[pk]))

    # --- the first page ----------------------------------------------------------------------

    def work_list(self, request: HttpRequest) -> WorkList | None:
        """Holds that wait for a second person, and those to look at again."""
        if not self.has_view_permission(request):
            return None
        now = timezone.now()
        items = [
            WorkItem(
                title=hold.reference,
                url=reverse("admin:retention_legalhold_change", args=[hold.pk]),
                note=work_note(hold, is_lapsed=holds.is_lapsed(hold, now)),
                due=hold.review_on if hold.approved_at is not None else None,
            )
            for hold in holds.to_look_at(now)[:20]
        ]
        return WorkList(
            title=_("Legal holds to approve or to look at again"),
            items=items,
            empty=_("No legal hold waits for anybody."),
            url=reverse("admin:retention_legalhold_changelist"),
        )


def work_note(hold: LegalHold, *, is_lapsed: bool) -> str:
    if is_lapsed:
        return _("lapsed, for nobody approved it")
    if hold.approved_at is None:
        return _("to be approved by somebody else")
    return _("to be looked at again")


def customer_name(customer_id: uuid.UUID) -> str:
    """Masked: whoever must know more opens the customer, with a reason. In standstill by the key
    alone, for they may have been erased."""
    if standstill.why(pages=True):
        return str(customer_id)
    person = User.objects.filter(pk=customer_id).first()
    return str(customer_id) if person is None else f"{initials(person)} ({customer_id})"


# --- the buttons ---------------------------------------------------------------------------------


def approve(request: HttpRequest, pk: uuid.UUID) -> str:
    holds.approve_hold(pk, actor=cast("User", request.user), now=timezone.now())
    return _("Approved: it is in force until it is released.")


def review(request: HttpRequest, pk: uuid.UUID) -> str:
    try:
        day = forms.DateField().clean(request.POST.get("review_on"))
    except ValidationError as error:
        raise HoldRefused(" ".join(error.messages)) from None
    holds.review_hold(pk, review_on=day, actor=cast("User", request.user), now=timezone.now())
    return _("Still needed; to be looked at again on %(day)s.") % {
        "day": date_format(day, "DATE_FORMAT")
    }


def release(request: HttpRequest, pk: uuid.UUID) -> str:
    holds.release_hold(
        pk,
        reason=request.POST.get("reason", ""),
        actor=cast("User", request.user),
        now=timezone.now(),
    )
    return _("Released: what it held goes on.")


STEPS: dict[str, Callable[[HttpRequest, uuid.UUID], str]] = {
    "approve": approve,
    "review": review,
    "release": release,
}
