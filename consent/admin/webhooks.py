"""Webhooks and their deliveries: made, paused, tried, and what could not be delivered."""

import json
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.admin.door import CustomerDoor
from accounts.models import Seen
from consent.models import Delivery, Webhook
from consent.webhooks import services
from consent.webhooks.addresses import check_url
from consent.webhooks.messages import type_of
from consent.webhooks.sending import deliver_again
from foundation.staff import BaseAdmin, ReadOnlyAdmin, WorkItem, WorkList, choice_filter, shown

if TYPE_CHECKING:
    BaseForm = forms.ModelForm[Webhook]
else:
    BaseForm = forms.ModelForm

STEPS = ("pause", "resume", "rotate", "test")


class WebhookForm(BaseForm):
    url = forms.URLField(
        label=gettext_lazy("Address"),
        max_length=300,
        assume_scheme="https",
        widget=forms.URLInput(attrs={"class": "vURLField"}),
        validators=[check_url],
        help_text=gettext_lazy("Begins with https:// and leads to the public internet."),
    )
    events = forms.MultipleChoiceField(
        label=gettext_lazy("Tell it when"),
        choices=Webhook.Event.choices,
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        model = Webhook
        fields = ("name", "url", "events")


@admin.register(Webhook)
class WebhookAdmin(BaseAdmin):
    form = WebhookForm
    actions = None
    change_form_template = "admin/consent/webhook/change_form.html"
    list_display = ("name", "its_url", "its_state", "waiting", "dead")
    # Not the field itself, which would be a link away from our pages.
    its_url = shown("url", gettext_lazy("address"))
    fields = ("name", "url", "events")

    def history_name(self, webhook: Webhook) -> str:
        """A webhook names nobody."""
        return webhook.name

    def get_queryset(self, request: HttpRequest) -> QuerySet[Webhook]:
        found: QuerySet[Webhook] = (
            super()
            .get_queryset(request)
            .annotate(
                waiting_count=Count("deliveries", Q(deliveries__state="waiting")),
                dead_count=Count("deliveries", Q(deliveries__state="dead")),
            )
            .order_by("name")
        )
        return found

    @admin.display(description=gettext_lazy("state"))
    def its_state(self, webhook: Webhook) -> str:
        return _("paused") if webhook.paused_at else _("told at once")

    @admin.display(description=gettext_lazy("waiting"))
    def waiting(self, webhook: Any) -> int:
        return int(webhook.waiting_count)

    @admin.display(description=gettext_lazy("given up"))
    def dead(self, webhook: Any) -> int:
        return int(webhook.dead_count)

    # --- making ------------------------------------------------------------------------------

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change:
            obj.save(update_fields=form.changed_data or ["name"])
            return
        made, obj.shown_secret = services.create_webhook(
            name=obj.name, url=obj.url, events=form.cleaned_data["events"]
        )
        obj.pk = made.pk
        obj._state.adding = False

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        """The answer itself shows the secret: it stands in no session, message or address."""
        return self.show_secret(request, obj, obj.shown_secret)

    def show_secret(self, request: HttpRequest, webhook: Webhook, secret: str) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("The secret, shown once"),
            "webhook": webhook,
            "secret": secret,
        }
        response = TemplateResponse(request, "admin/consent/webhook/secret.html", context)
        add_never_cache_headers(response)
        return response

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[Any]]:
        """Its deliveries go with it, though nobody may delete one by itself."""
        number = Delivery.objects.filter(webhook__in=[each.pk for each in objs]).count()
        counts = {str(Delivery._meta.verbose_name_plural): number}
        return [str(each) for each in objs], counts, set(), []

    # --- acting ------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        step = path(
            "<uuid:pk>/step/<slug:step>/",
            self.admin_site.admin_view(self.take_step),
            name="consent_webhook_step",
        )
        return [step, *super().get_urls()]

    def take_step(self, request: HttpRequest, pk: uuid.UUID, step: str) -> HttpResponse:
        webhook = self.get_object(request, str(pk))
        if webhook is None or step not in STEPS:
            raise Http404
        if not self.has_change_permission(request, webhook):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        now = timezone.now()
        if step == "rotate":
            secret = services.rotate_secret(pk, now=now)
            self.log_change(request, webhook, _("Rotated the secret."))
            return self.show_secret(request, webhook, secret)
        done: dict[str, tuple[Callable[[], object], str]] = {
            "pause": (lambda: services.pause(pk, now=now), _("Paused. Nothing is sent.")),
            "resume": (
                lambda: services.resume(pk),
                _("Resumed. It is now told of what happened meanwhile."),
            ),
            "test": (
                lambda: services.send_test(pk, now=now),
                _("A test message is on its way. Its answer stands among the deliveries."),
            ),
        }
        act, said = done[step]
        if act() is not False:
            self.log_change(request, webhook, said)
        messages.success(request, said)
        return redirect("admin:consent_webhook_change", pk)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        webhook = self.get_object(request, object_id)
        context = dict(extra_context or {})
        if webhook is not None:
            context |= {
                "webhook": webhook,
                "now": timezone.now(),
                "may_act": self.has_change_permission(request, webhook),
                "newest": newest_deliveries(webhook),
            }
        return super().change_view(request, object_id, form_url, context)


def newest_deliveries(webhook: Webhook) -> list[Delivery]:
    return list(webhook.deliveries.order_by("-made_at", "-pk")[:5])


@admin.register(Delivery)
class DeliveryAdmin(CustomerDoor, ReadOnlyAdmin):
    """With the filter on "given up" this is the dead-letter page; one names a customer."""

    seen = (Seen.CHOICES,)

    actions: Any = ("send_again",)
    list_display = ("its_type", "webhook", "its_state", "its_answer", "its_attempts", "its_made_at")
    list_filter = (("state", choice_filter(gettext_lazy("state"))), "webhook")
    list_select_related = ("webhook",)
    ordering = ("-made_at", "-id")
    its_state = shown("state", gettext_lazy("state"))
    its_answer = shown("answer", gettext_lazy("answer or reason"))
    its_attempts = shown("attempts", gettext_lazy("attempts"))
    its_made_at = shown("made_at", gettext_lazy("since"))
    its_not_before = shown("not_before", gettext_lazy("next attempt"))
    its_finished_at = shown("finished_at", gettext_lazy("over since"))
    fields = (
        "webhook",
        "its_type",
        "its_state",
        "its_answer",
        "its_attempts",
        "its_made_at",
        "its_not_before",
        "its_finished_at",
        "what_is_told",
    )
    readonly_fields = fields

    def person_of(self, obj: Delivery) -> uuid.UUID | None:
        return obj.person_id

    @admin.display(description=gettext_lazy("message"))
    def its_type(self, delivery: Delivery) -> str:
        return type_of(delivery.body)

    @admin.display(description=gettext_lazy("what is told"))
    def what_is_told(self, delivery: Delivery) -> str:
        if not delivery.body:
            return _("The customer is erased, and so is what was told.")
        return json.dumps(json.loads(delivery.body), indent=2, ensure_ascii=False)

    def has_send_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("consent.change_delivery")

    @admin.action(description=gettext_lazy("Deliver again what was given up"), permissions=["send"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        number = deliver_again(list(queryset.values_list("pk", flat=True)), now=timezone.now())
        messages.success(
            request,
            ngettext(
                "%(number)d message is sent again.", "%(number)d messages are sent again.", number
            )
            % {"number": number},
        )

    def work_list(self, request: HttpRequest) -> WorkList:
        """Systems of ours that do not know what they should."""
        page = reverse("admin:consent_delivery_changelist")
        return WorkList(
            title=_("Other systems that were not told"),
            items=[
                WorkItem(
                    title=webhook.name,
                    url=f"{page}?state__exact=dead&webhook__id__exact={webhook.pk}"
                    if webhook.dead_count
                    else reverse("admin:consent_webhook_change", args=[webhook.pk]),
                    note=work_note(webhook),
                )
                for webhook in troubled()
            ],
            empty=_("Every system has been told of every choice."),
            url=page,
        )


def troubled() -> QuerySet[Any]:
    return (
        Webhook.objects.annotate(dead_count=Count("deliveries", Q(deliveries__state="dead")))
        .filter(Q(dead_count__gt=0) | Q(paused_at__isnull=False))
        .order_by("name")
    )


def work_note(webhook: Any) -> str:
    notes = [_("paused")] if webhook.paused_at else []
    if webhook.dead_count:
        notes.append(
            ngettext(
                "%(number)d message given up", "%(number)d messages given up", webhook.dead_count
            )
            % {"number": webhook.dead_count}
        )
    return ", ".join(notes)
