"""Campaigns and service announcements: write, preview, approve, send, watch.

Every step is a POST that calls one service; the service refuses what the state does not allow.
"""

import uuid
from typing import Any, ClassVar, cast

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from consent.models import Topic
from foundation.staff import BaseAdmin, WorkItem, WorkList, shown
from messaging import services
from messaging.admin.forms import EDITABLE, MailingForm, TopicField
from messaging.admin.panel import STEPS, panel
from messaging.admin.preview import mail_document
from messaging.models import Campaign, Mailing, ServiceAnnouncement
from messaging.render import render_preview

LANGUAGES = ("nb", "en")
OPEN = (
    Mailing.State.DRAFT,
    Mailing.State.APPROVED,
    Mailing.State.SENDING,
    Mailing.State.PAUSED,
)


class MailingAdmin(BaseAdmin):
    form = MailingForm
    change_form_template = "admin/messaging/mailing/change_form.html"
    actions = None
    list_filter: ClassVar[Any] = ("state",)
    texts: ClassVar[Any] = (
        gettext_lazy("Text"),
        {
            "fields": (
                ("subject_nb", "subject_en"),
                ("preheader_nb", "preheader_en"),
                ("body_nb", "body_en"),
            ),
            "classes": ("portal-languages",),
        },
    )
    created = shown("created_at", gettext_lazy("begun"))
    when: ClassVar[Any] = (gettext_lazy("When"), {"fields": ("send_at",)})

    def history_name(self, mailing: Mailing) -> str:
        """Only keys and our own texts: a mailing names nobody."""
        return str(mailing.subject_nb)

    # --- who may do what ---------------------------------------------------------------------

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What is being sent, or was, stays as it was sent."""
        editable = obj is None or obj.state in EDITABLE
        return editable and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A draft may go; whatever was approved once stays to be looked up."""
        is_draft = obj is not None and obj.state == Mailing.State.DRAFT
        return is_draft and super().has_delete_permission(request, obj)

    def may_act(self, request: HttpRequest) -> bool:
        return super().has_change_permission(request)

    # --- writing -----------------------------------------------------------------------------

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """The row is locked by the form; only what was edited is written, never the state."""
        if not change:
            obj.author = request.user
            obj.save()
        elif form.changed_data:
            was_approved = obj.state == Mailing.State.APPROVED
            obj.save(update_fields=form.changed_data)
            services.edited(obj)
            if was_approved:
                messages.warning(
                    request, _("The text has changed, so its approval no longer holds.")
                )

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        view = self.admin_site.admin_view
        own = [
            path("<uuid:pk>/preview/", view(self.show_preview), name=f"{name}_preview"),
            path("<uuid:pk>/preview/mail/", view(self.show_mail), name=f"{name}_preview_mail"),
            path("<uuid:pk>/progress/", view(self.show_progress), name=f"{name}_progress"),
            path("<uuid:pk>/step/<slug:step>/", view(self.take_step), name=f"{name}_step"),
        ]
        return [*own, *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        mailing = self.get_object(request, unquote(object_id))
        context = dict(extra_context or {})
        if mailing is not None:
            context |= self.panel(request, mailing)
        return super().change_view(request, object_id, form_url, context)

    def panel(self, request: HttpRequest, mailing: Mailing) -> dict[str, Any]:
        context = panel(mailing, may_act=self.may_act(request), now=timezone.now())
        step_url = f"admin:{self.opts.app_label}_{self.opts.model_name}_step"
        return {
            **context,
            "opts": self.opts,
            "mailing_urls": self.addresses(mailing),
            "steps": [
                (step, reverse(step_url, args=[mailing.pk, step.name])) for step in context["steps"]
            ],
        }

    def addresses(self, mailing: Mailing) -> dict[str, str]:
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}"
        return {
            each: reverse(f"{name}_{each}", args=[mailing.pk])
            for each in ("change", "preview", "preview_mail", "progress")
        }

    def mailing_or_404(self, request: HttpRequest, pk: uuid.UUID) -> Any:
        mailing = self.get_object(request, str(pk))
        if not self.has_view_permission(request, mailing):
            raise PermissionDenied
        if mailing is None:
            raise Http404
        return mailing

    # --- looking -----------------------------------------------------------------------------

    def show_progress(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        """The panel alone, for htmx; without JavaScript one reloads the page."""
        mailing = self.mailing_or_404(request, pk)
        return TemplateResponse(
            request, "admin/messaging/mailing/panel.html", self.panel(request, mailing)
        )

    def show_preview(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        mailing = self.mailing_or_404(request, pk)
        look = preview_choices(request)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Preview"),
            "mailing": mailing,
            "mailing_urls": self.addresses(mailing),
            "mail": render_preview(mailing, look["language"]),
            "preheader": mailing.text("preheader", look["language"]),
            "look": look,
            "choices": preview_links(look),
        }
        return TemplateResponse(request, "admin/messaging/mailing/preview.html", context)

    def show_mail(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        mailing = self.mailing_or_404(request, pk)
        look = preview_choices(request)
        rendered = render_preview(mailing, look["language"])
        return mail_document(rendered.html, dark=look["scheme"] == "dark")

    # --- acting ------------------------------------------------------------------------------

    def take_step(self, request: HttpRequest, pk: uuid.UUID, step: str) -> HttpResponse:
        mailing = self.mailing_or_404(request, pk)
        if step not in STEPS:
            raise Http404
        if not self.may_act(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        actor, now = cast("User", request.user), timezone.now()
        try:
            if step == "test":
                services.send_test(mailing, to=actor, now=now)
            else:
                getattr(services, step)(mailing, actor=actor, now=now)
        except services.WrongState as refusal:
            messages.error(request, str(refusal))
        else:
            self.log_change(request, mailing, str(STEPS[step].done))
            messages.success(request, str(STEPS[step].done))
        return redirect(self.addresses(mailing)["change"])

    # --- the first page ----------------------------------------------------------------------

    def work_list(self, request: HttpRequest) -> WorkList:
        found: QuerySet[Any] = self.get_queryset(request).filter(state__in=OPEN)
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}"
        return WorkList(
            title=str(self.opts.verbose_name_plural),
            items=[
                WorkItem(
                    title=mailing.subject,
                    url=reverse(f"{name}_change", args=[mailing.pk]),
                    note=work_note(mailing),
                )
                for mailing in found.order_by("-created_at")[:10]
            ],
            empty=_("Nothing is being written or sent."),
            url=reverse(f"{name}_changelist"),
        )


def work_note(mailing: Mailing) -> str:
    state = mailing.get_state_display()
    if mailing.state == Mailing.State.APPROVED and mailing.send_at:
        moment = date_format(timezone.localtime(mailing.send_at), "DATETIME_FORMAT")
        return _("%(state)s, goes out %(moment)s") % {"state": state, "moment": moment}
    return str(state)


LOOKS = {"language": LANGUAGES, "width": ("desktop", "phone", "text"), "scheme": ("light", "dark")}
LOOK_WORDS = {
    "nb": gettext_lazy("Norwegian Bokmål"),
    "en": gettext_lazy("English"),
    "desktop": gettext_lazy("Wide screen"),
    "phone": gettext_lazy("Phone"),
    "text": gettext_lazy("Text only"),
    "light": gettext_lazy("Light"),
    "dark": gettext_lazy("Dark"),
}


def preview_choices(request: HttpRequest) -> dict[str, str]:
    """What the address asks for; anything else is the first choice."""
    asked = {name: request.GET.get(name, "") for name in LOOKS}
    return {
        name: asked[name] if asked[name] in known else known[0] for name, known in LOOKS.items()
    }


def preview_links(look: dict[str, str]) -> list[list[dict[str, Any]]]:
    """One row of links per question, each changing only its own answer."""
    return [
        [
            {
                "label": LOOK_WORDS[value],
                "query": "&".join(f"{k}={v}" for k, v in {**look, name: value}.items()),
                "current": look[name] == value,
            }
            for value in known
        ]
        for name, known in LOOKS.items()
    ]


class TopicFilter(admin.SimpleListFilter):
    """By the topic's name, as customers read it."""

    title = gettext_lazy("topic")
    parameter_name = "topic"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(topic.slug, topic.name) for topic in Topic.objects.mail().with_wording()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Campaign]) -> QuerySet[Campaign]:
        return queryset.filter(topic__slug=self.value()) if self.value() else queryset


@admin.register(Campaign)
class CampaignAdmin(MailingAdmin):
    list_display = ("running_number", "subject", "topic_name", "state", "send_at", "created")
    list_display_links = ("running_number", "subject")
    list_filter = ("state", TopicFilter)
    search_fields = ("subject_nb", "subject_en")
    running_number = shown("number", gettext_lazy("number"))
    list_select_related = ("topic",)
    readonly_fields = ("topic_name",)
    fieldsets = (
        (None, {"fields": ("topic",)}),
        MailingAdmin.texts,
        MailingAdmin.when,
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Campaign]:
        return super().get_queryset(request).prefetch_related("topic__wordings")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """What can only be read names the topic as customers do."""
        if obj is None or self.has_change_permission(request, obj):
            return self.fieldsets
        return ((None, {"fields": ("topic_name",)}), *self.fieldsets[1:])

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "topic":
            kwargs |= {"form_class": TopicField, "queryset": Topic.objects.mail().with_wording()}
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    @admin.display(description=gettext_lazy("topic"), ordering="topic")
    def topic_name(self, campaign: Campaign) -> str:
        return campaign.topic.name

    @admin.display(description=gettext_lazy("subject"))
    def subject(self, campaign: Campaign) -> str:
        return campaign.subject


@admin.register(ServiceAnnouncement)
class ServiceAnnouncementAdmin(MailingAdmin):
    list_display = ("subject", "category", "state", "send_at", "created")
    list_filter = ("state", "category")
    search_fields = ("subject_nb", "subject_en")
    fieldsets = (
        (
            None,
            {
                "fields": ("category",),
                "description": gettext_lazy(
                    "A service announcement reaches every active customer, whatever they chose. "
                    "It is for what they must know to use their account, and never advertises."
                ),
            },
        ),
        MailingAdmin.texts,
        MailingAdmin.when,
    )

    @admin.display(description=gettext_lazy("subject"))
    def subject(self, announcement: ServiceAnnouncement) -> str:
        return announcement.subject
