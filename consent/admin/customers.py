"""The customer's page: profile, choices with their history, and the opt-out on the phone."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin import CustomerAdmin
from accounts.models import Seen, User
from consent.admin.history import STAFF, Standing, staff_history, standing_choices
from consent.models import Source, Topic
from consent.services import record_opt_out
from foundation.redaction import without_ips

if TYPE_CHECKING:
    Topics = forms.ModelMultipleChoiceField[Topic]
else:
    Topics = forms.ModelMultipleChoiceField


class TopicsField(Topics):
    """Each topic with what holds now."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.standing: dict[Any, Standing] = {}

    def label_from_instance(self, topic: Topic) -> str:
        now = self.standing[topic.pk]
        return f"{topic.name} – {now.state}{now.since and ', '}{now.since}"


class OptOutForm(forms.Form):
    """A no for somebody on the phone. There is no field for a yes: only its owner says that."""

    topics = TopicsField(
        Topic.objects.none(),
        label=gettext_lazy("No longer"),
        widget=forms.CheckboxSelectMultiple,
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=200,
        help_text=gettext_lazy(
            "How the customer asked, and when. The customer can read this in the history."
        ),
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
    )

    def __init__(self, data: Any, *, choices: Sequence[Standing]) -> None:
        super().__init__(data)
        topics = cast("TopicsField", self.fields["topics"])
        topics.queryset = Topic.objects.live().with_wording()
        topics.standing = {choice.topic.pk: choice for choice in choices}

    def clean_reason(self) -> str:
        """It stands beside the person, where no IP address may."""
        field = cast("forms.CharField", self.fields["reason"])
        return without_ips(self.cleaned_data["reason"])[: field.max_length]


@admin.register(User)
class CustomerWithChoicesAdmin(CustomerAdmin):
    change_form_template = "admin/accounts/user/change_form.html"

    def seen_on(self, request: HttpRequest, obj: User) -> tuple[Seen, ...]:
        if self.may_see_choices(request):
            return (*super().seen_on(request, obj), Seen.CHOICES)
        return super().seen_on(request, obj)

    def may_see_choices(self, request: HttpRequest) -> bool:
        return request.user.has_perm("consent.view_preference") or self.may_record_opt_out(request)

    def get_urls(self) -> list[URLPattern]:
        opt_out = path(
            "<uuid:person_id>/opt-out/",
            self.admin_site.admin_view(self.record_opt_out),
            name="accounts_user_opt_out",
        )
        return [opt_out, *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        customer = self.get_object(request, object_id)
        context: dict[str, Any] = {"title": _("Customer"), "subtitle": str(customer or "")}
        if customer is not None and self.may_see_choices(request):
            context |= {
                "may_see_choices": True,
                "choices": standing_choices(customer.pk, now=timezone.now()),
                "history": staff_history(customer.pk),
                "may_record_opt_out": self.may_record_opt_out(request),
            }
        return super().change_view(
            request, object_id, form_url, {**context, **(extra_context or {})}
        )

    def may_record_opt_out(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request) and request.user.has_perm(
            "consent.change_preference"
        )

    def record_opt_out(self, request: HttpRequest, person_id: Any) -> HttpResponse:
        """GET shows the form, POST records the no at once."""
        customer = self.get_object(request, str(person_id))
        if not self.may_record_opt_out(request):
            raise PermissionDenied
        if customer is None:
            raise Http404
        choices = standing_choices(customer.pk, now=timezone.now())
        form = OptOutForm(request.POST or None, choices=choices)
        if form.is_valid():
            changed = record_opt_out(
                customer.pk,
                [topic.pk for topic in form.cleaned_data["topics"]],
                source=Source.STAFF,
                actor=f"{STAFF}{request.user.pk}",
                now=timezone.now(),
                reason=form.cleaned_data["reason"],
            )
            if changed:
                self.log_change(request, customer, _("Recorded an opt-out."))
                messages.success(request, _("The opt-out is recorded and holds from now on."))
            else:
                messages.info(request, _("The customer had said no already. Nothing has changed."))
            return redirect(reverse("admin:accounts_user_change", args=[customer.pk]))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Record an opt-out"),
            "customer": customer,
            "form": form,
        }
        return TemplateResponse(request, "admin/accounts/user/opt_out.html", context)
