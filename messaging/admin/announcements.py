"""Service announcements: strictly service, and never by one pair of eyes."""

import uuid
from datetime import date
from typing import Any, ClassVar, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from foundation.staff import WorkItem, WorkList
from messaging import announcing
from messaging.admin.forms import MailingForm
from messaging.admin.mailings import OPEN, MailingAdmin, title_of, work_note
from messaging.admin.second_pair import marketing_rows, pair_context, review_context
from messaging.models import Mailing, ServiceAnnouncement
from messaging.refusals import WrongState


class AnnouncementForm(MailingForm):
    def clean(self) -> dict[str, Any]:
        """What a standing text is for is said beside its field; the database holds it too."""
        cleaned = super().clean()
        if cleaned.get("is_standing"):
            if cleaned.get("category") != ServiceAnnouncement.Category.INCIDENT:
                self.add_error("is_standing", _("Only texts about incidents can be standing ones."))
            if cleaned.get("send_at"):
                self.add_error("send_at", _("A standing text has no time: a copy of it is sent."))
        return cleaned


@admin.register(ServiceAnnouncement)
class ServiceAnnouncementAdmin(MailingAdmin):
    form = AnnouncementForm
    change_form_template = "admin/messaging/serviceannouncement/change_form.html"
    extra_panel_template = "admin/messaging/serviceannouncement/second_pair.html"
    list_display = ("subject", "category", "state", "is_standing", "send_at", "created")
    list_filter = ("state", "category", "is_standing")
    search_fields = ("subject_nb", "subject_en")
    fieldsets = (
        (
            None,
            {
                "fields": ("category", "is_standing"),
                "description": gettext_lazy(
                    "A service announcement reaches every active customer, whatever they chose. "
                    "It is for what they must know to use their account, and never advertises."
                ),
            },
        ),
        MailingAdmin.texts,
        MailingAdmin.when,
    )
    list_select_related: ClassVar[Any] = False

    @admin.display(description=gettext_lazy("subject"))
    def subject(self, announcement: ServiceAnnouncement) -> str:
        return title_of(announcement)

    # --- who may do what ---------------------------------------------------------------------

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever approves, or is on call at night, must get to the page with their button."""
        return super().has_view_permission(request, obj) or any(
            request.user.has_perm(name) for name in (announcing.APPROVE, announcing.SEND_STANDING)
        )

    def may_write(self, request: HttpRequest) -> bool:
        return super().may_act(request)

    def may_act(self, request: HttpRequest) -> bool:
        """Writing and approving are two permissions: the second pair of eyes need not write."""
        return self.may_write(request) or request.user.has_perm(announcing.APPROVE)

    def extra_panel(self, request: HttpRequest, mailing: Mailing) -> dict[str, Any]:
        announcement = cast("ServiceAnnouncement", mailing)
        user = cast("User", request.user)
        now = timezone.now()
        context = pair_context(announcement, user, now=now)
        if announcement.prepared_from_id is not None:
            context |= review_context(announcement, user, now=now)
        return {
            **context,
            "approve_url": self.address("step", announcement.pk, "approve"),
            "send_standing_url": self.address("send_standing", announcement.pk),
            "review_url": self.address("review", announcement.pk),
        }

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """The checklist must not say that nothing stops the approval of what advertises."""
        if "stops" in context:
            context["stops"] += marketing_rows(context.get("findings", ()))
        return super().render_change_form(request, context, *args, **kwargs)

    def panel(self, request: HttpRequest, mailing: Mailing) -> dict[str, Any]:
        """Approving and sending a standing text stand with their reasons, not among the buttons.

        A standing text is never under way, so there is nothing to cancel.
        """
        context = super().panel(request, mailing)
        standing = cast("Any", mailing).is_standing
        elsewhere = ("approve", "start", "cancel") if standing else ("approve",)
        may_write = self.may_write(request)
        context["steps"] = [
            (step, url)
            for step, url in context["steps"]
            if may_write and step.name not in elsewhere
        ]
        return context

    # --- acting ------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        view = self.admin_site.admin_view
        own = [
            path(
                "<uuid:pk>/send-standing/",
                view(self.send_standing),
                name=f"{name}_send_standing",
            ),
            path("<uuid:pk>/review/", view(self.review), name=f"{name}_review"),
        ]
        return [*own, *super().get_urls()]

    def take_step(self, request: HttpRequest, pk: uuid.UUID, step: str) -> HttpResponse:
        if step != "approve" and not self.may_write(request):
            raise PermissionDenied
        return super().take_step(request, pk, step)

    def send_standing(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        text = self.mailing_or_404(request, pk)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        user, now = cast("User", request.user), timezone.now()
        try:
            copy = announcing.send_standing(text, actor=user, now=now)
        except WrongState as refusal:
            messages.error(request, str(refusal))
            return redirect(self.address("change", pk))
        said = _("Sent on call. Somebody else reviews it until %(day)s.") % {
            "day": date_format(announcing.review_until(copy.resolved_at or now), "DATE_FORMAT")
        }
        self.log_change(request, copy, said)
        messages.success(request, said)
        return redirect(self.address("change", copy.pk))

    def review(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        announcement = self.mailing_or_404(request, pk)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        user, note = cast("User", request.user), request.POST.get("note", "")[:5_000]
        try:
            announcing.review(announcement, actor=user, note=note, now=timezone.now())
        except WrongState as refusal:
            messages.error(request, str(refusal))
        else:
            self.log_change(request, announcement, _("Reviewed."))
            messages.success(request, _("Reviewed."))
        return redirect(self.address("change", pk))

    # --- the first page ----------------------------------------------------------------------

    def work_list(self, request: HttpRequest) -> WorkList:
        """First what was sent at night and waits for its review, then what is under way."""
        waiting = announcing.to_review()
        open_ones = (
            self.get_queryset(request)
            .filter(state__in=OPEN)
            .exclude(Q(is_standing=True, state=Mailing.State.APPROVED) | Q(pk__in=waiting))
        )
        return WorkList(
            title=str(self.opts.verbose_name_plural),
            items=[
                *(self.work_item(each, _("sent on call"), review_day(each)) for each in waiting),
                *(
                    self.work_item(each, work_note(each))
                    for each in open_ones.order_by("-created_at")[:10]
                ),
            ],
            empty=_("Nothing is being written or sent."),
            url=self.address("changelist"),
        )

    def work_item(
        self, announcement: ServiceAnnouncement, note: str, due: date | None = None
    ) -> WorkItem:
        return WorkItem(
            title=title_of(announcement),
            url=self.address("change", announcement.pk),
            note=note,
            due=due,
        )


def review_day(announcement: ServiceAnnouncement) -> date:
    assert announcement.resolved_at is not None
    return announcing.review_until(announcement.resolved_at)
