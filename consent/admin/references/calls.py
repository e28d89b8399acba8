"""Sales calls: asked of a customer who takes them, answered by them, noted once it took place."""

import uuid
from datetime import datetime, time
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from consent.admin.references.adding import AddedOnce
from consent.admin.references.people import (
    TEXT,
    CustomerField,
    masked,
    person_who_granted,
    say_why,
)
from consent.history import human_date
from consent.models import SalesCall, Topic
from consent.reference import services
from consent.reference.words import SALES_CALL
from foundation.staff import WorkItem, WorkList, choice_filter

if TYPE_CHECKING:
    BaseForm = forms.ModelForm[SalesCall]
else:
    BaseForm = forms.ModelForm

Answer = SalesCall.Answer
ONE_BUTTON = {"show_save_and_add_another": False, "show_save_and_continue": False}
SHOWN = 10


class AskForm(BaseForm):
    """Set by the page, which knows who asks."""

    request: HttpRequest

    customer = CustomerField()
    answer_until = forms.DateField(
        label=gettext_lazy("Answer until"), widget=forms.DateInput(attrs={"type": "date"})
    )

    class Meta:
        model = SalesCall
        fields = ("customer", "with_whom", "about")
        widgets = {"with_whom": forms.TextInput(attrs=TEXT), "about": forms.TextInput(attrs=TEXT)}

    def clean_answer_until(self) -> datetime:
        """Until the end of that day, which must not be over."""
        day = self.cleaned_data["answer_until"]
        if day <= timezone.localdate():
            raise forms.ValidationError(_("Give the customer at least until tomorrow."))
        return timezone.make_aware(datetime.combine(day, time.max))

    def clean_customer(self) -> str:
        topic = Topic.objects.get(slug=SALES_CALL)
        self.person = person_who_granted(self.cleaned_data["customer"], topic, self.request)
        return str(self.cleaned_data["customer"])


@admin.register(SalesCall)
class SalesCallAdmin(AddedOnce):
    form = AskForm
    change_form_template = "admin/consent/salescall/change_form.html"
    list_display = ("number", "customer", "answer", "asked_at", "answer_until", "made_at")
    list_filter = (("answer", choice_filter(gettext_lazy("answer"))),)
    list_select_related = ("person",)
    ordering = ("-asked_at",)
    facts = (
        "who",
        "with_whom",
        "about",
        "asked_at",
        "answer_until",
        "answer",
        "answered_at",
        "made_at",
    )

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("customer", "with_whom", "about", "answer_until") if obj is None else self.facts

    @admin.display(description=gettext_lazy("number"), ordering="asked_at")
    def number(self, call: SalesCall) -> str:
        return str(call.pk)[-12:]

    @admin.display(description=gettext_lazy("customer"))
    def customer(self, call: SalesCall) -> str:
        return masked(call.person)

    @admin.display(description=gettext_lazy("customer"))
    def who(self, call: SalesCall) -> str:
        """Behind the door: whoever asked for the call has to be able to make it."""
        person = call.person
        reached = str(person.phone or person.email)
        return f"{person.get_full_name() or person.username} · {reached}"

    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Refused by the customer's own number of calls a year, or by a no that came meanwhile."""
        try:
            return super().add_view(request, form_url, {**ONE_BUTTON, **(extra_context or {})})
        except services.ReferenceProgramError as refusal:
            say_why(request, refusal)
            return redirect("admin:consent_salescall_add")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        said = form.cleaned_data
        made = services.ask_for_call(
            form.person,
            about=said["about"],
            with_whom=said["with_whom"],
            staff=cast("User", request.user),
            answer_until=said["answer_until"],
            now=timezone.now(),
        )
        obj.pk, obj._state.adding = made.pk, False
        obj.refresh_from_db()

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        messages.success(request, _("The customer is asked, and answers on their own page."))
        return redirect("admin:consent_salescall_change", obj.pk)

    def may_note(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("consent.change_salescall"))

    def get_urls(self) -> list[URLPattern]:
        made = path(
            "<uuid:pk>/made/", self.admin_site.admin_view(self.made), name="consent_salescall_made"
        )
        return [made, *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        call = self.get_object(request, object_id)
        context: dict[str, Any] = {"title": _("Sales call"), "subtitle": None}
        if call is not None:
            context |= {
                "call": call,
                "may_note": self.may_note(request)
                and call.answer == Answer.ACCEPTED
                and call.made_at is None,
            }
        return super().change_view(request, object_id, form_url, context | (extra_context or {}))

    def made(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        """The call took place; only an accepted one can have."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        call = self.get_object(request, str(pk))
        if call is None:
            raise Http404
        if not self.may_note(request):
            raise PermissionDenied
        try:
            services.record_call_made(call, now=timezone.now())
        except services.ReferenceProgramError as refusal:
            say_why(request, refusal)
        else:
            self.log_change(request, call, _("The call took place."))
            messages.success(request, _("It is noted that the call took place."))
        return redirect("admin:consent_salescall_change", pk)

    def work_list(self, request: HttpRequest) -> WorkList | None:
        """Accepted, and not made yet."""
        waiting = SalesCall.objects.filter(answer=Answer.ACCEPTED, made_at=None)
        items = [
            WorkItem(
                title=_("Accepted on %(day)s") % {"day": human_date(call.answered_at)},
                url=reverse("admin:consent_salescall_change", args=[call.pk]),
                is_mine=call.asked_by_id == request.user.pk,
            )
            for call in waiting.order_by("answered_at")[:SHOWN]
            if call.answered_at is not None
        ]
        return WorkList(
            title=_("Sales calls to make"),
            items=items,
            empty=_("No call waits to be made."),
            count=waiting.count(),
            url=reverse("admin:consent_salescall_changelist") + "?answer__exact=accepted",
        )
