"""Campaigns and service announcements: write, preview, approve, send, watch.

Every step is a POST that calls one service; the service refuses what the state does not allow.
"""

import uuid
from typing import Any, ClassVar, cast

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import User
from foundation.staff import WorkItem, WorkList, shown
from messaging import services
from messaging.admin.checking import checklist_context
from messaging.admin.forms import EDITABLE, MailingForm, MomentField
from messaging.admin.pages import MailingPages
from messaging.admin.panel import STEPS
from messaging.admin.preview import preview_choices, preview_radios
from messaging.checklist import link_addresses
from messaging.link_checks import try_some
from messaging.models import Mailing
from messaging.rendering.blocks import EXAMPLES

OPEN = (
    Mailing.State.DRAFT,
    Mailing.State.APPROVED,
    Mailing.State.SENDING,
    Mailing.State.PAUSED,
)


class MailingAdmin(MailingPages):
    form = MailingForm
    change_form_template = "admin/messaging/mailing/change_form.html"
    actions = None
    list_filter: ClassVar[Any] = ("state",)
    formfield_overrides: ClassVar[Any] = {models.DateTimeField: {"form_class": MomentField}}
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
        return str(mailing.subject_nb or mailing.subject_en)

    # --- who may do what ---------------------------------------------------------------------

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What is being sent, or was, stays as it was sent."""
        editable = obj is None or obj.state in EDITABLE
        return editable and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only a draft may go, also one whose approval was taken back: nothing of it was sent.

        The database refuses the rest, should it be approved while somebody deletes it.
        """
        is_draft = obj is not None and obj.state == Mailing.State.DRAFT
        return is_draft and super().has_delete_permission(request, obj)

    # --- writing -----------------------------------------------------------------------------

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """The row is locked by the form; only what was edited is written, never the state.

        The approval is taken back first: the database lets nobody change approved words.
        """
        if not change:
            obj.author = request.user
            obj.save()
        elif form.changed_data:
            was_approved = obj.state == Mailing.State.APPROVED
            services.edited(obj, actor=cast("User", request.user), now=timezone.now())
            obj.save(update_fields=form.changed_data)
            if was_approved:
                messages.warning(
                    request, _("The text has changed, so its approval no longer holds.")
                )

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        view = self.admin_site.admin_view
        own = [
            path("draft/", view(self.show_draft), name=f"{name}_draft"),
            path("<uuid:pk>/preview/", view(self.show_preview), name=f"{name}_preview"),
            path("<uuid:pk>/preview/mail/", view(self.show_mail), name=f"{name}_preview_mail"),
            path("<uuid:pk>/progress/", view(self.show_progress), name=f"{name}_progress"),
            path("<uuid:pk>/report/", view(self.show_report), name=f"{name}_report"),
            path("<uuid:pk>/links/", view(self.try_links), name=f"{name}_links"),
            path("<uuid:pk>/step/<slug:step>/", view(self.take_step), name=f"{name}_step"),
        ]
        return [*own, *super().get_urls()]

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        mailing = self.get_object(request, unquote(object_id)) if object_id else None
        context = dict(extra_context or {})
        if mailing is not None:
            context |= self.panel(request, mailing)
            if request.method == "POST":
                # Shown again with what was typed: the saved text is not what is read here.
                context["read"] = request.POST.get("version", "")
            if mailing.state == Mailing.State.DRAFT:
                context |= checklist_context(mailing)
        if mailing is None or self.has_change_permission(request, mailing):
            context |= {
                "draft_url": self.address("draft"),
                "radios": preview_radios(preview_choices(request.POST, "look_")),
                "examples": EXAMPLES,
            }
        return super().changeform_view(request, object_id, form_url, context)

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
            elif step == "approve":
                # What is approved is what stood on the page that was read.
                if (read := request.POST.get("read")) is None:
                    raise services.WrongState(_("Open the page, read the text, and approve there."))
                services.approve(mailing, actor=actor, now=now, read=read)
            else:
                getattr(services, step)(mailing, actor=actor, now=now)
        except services.WrongState as refusal:
            messages.error(request, str(refusal))
        else:
            self.log_change(request, mailing, str(STEPS[step].done))
            messages.success(request, str(STEPS[step].done))
        return redirect(self.addresses(mailing)["change"])

    def try_links(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        """Follows every link of the saved texts once; the checklist then says what it knows."""
        mailing = self.mailing_or_404(request, pk)
        if not self.may_act(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        left = try_some(link_addresses(mailing))
        messages.info(request, _("The links were tried. The checklist says what we found."))
        if left:
            words = ngettext(
                "%(number)d link is left: press again to try it.",
                "%(number)d links are left: press again to try them.",
                left,
            )
            messages.warning(request, words % {"number": left})
        return redirect(f"{self.addresses(mailing)['change']}#checklist")

    # --- the first page ----------------------------------------------------------------------

    def work_list(self, request: HttpRequest) -> WorkList:
        found: QuerySet[Any] = self.get_queryset(request).filter(state__in=OPEN)
        return WorkList(
            title=str(self.opts.verbose_name_plural),
            items=[
                WorkItem(
                    title=title_of(mailing),
                    url=self.address("change", mailing.pk),
                    note=work_note(mailing),
                )
                for mailing in found.order_by("-created_at")[:10]
            ],
            empty=_("Nothing is being written or sent."),
            url=self.address("changelist"),
        )


def title_of(mailing: Mailing) -> str:
    """Its subject; in the other language while this one is not written yet."""
    return mailing.subject or mailing.subject_nb or mailing.subject_en or "–"


def work_note(mailing: Mailing) -> str:
    state = mailing.get_state_display()
    if mailing.state == Mailing.State.APPROVED and mailing.send_at:
        moment = date_format(timezone.localtime(mailing.send_at), "DATETIME_FORMAT")
        return _("%(state)s, goes out %(moment)s") % {"state": state, "moment": moment}
    return str(state)
