"""Takedowns: what must be gone by when, whose it is, and the proof that it is gone."""

import uuid
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin.door import CustomerDoor
from accounts.models import User
from accounts.models.access import Seen
from consent.admin.references.people import actor_of, masked, say_why
from consent.models import Takedown
from consent.reference.checking import addresses_of
from consent.reference.reminding import take_over
from consent.reference.services import ReferenceProgramError, record_removal
from consent.reference.words import proof_words
from foundation.staff import ReadOnlyAdmin, WorkItem, WorkList, shown

SHOWN = 10
SAID_AT_LEAST = 10


class OpenFilter(admin.SimpleListFilter):
    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("open", _("open")), ("late", _("late")), ("removed", _("removed"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Takedown]) -> QuerySet[Takedown]:
        if self.value() == "removed":
            return queryset.exclude(closed_at=None)
        if self.value() == "late":
            return queryset.filter(closed_at=None, due_at__lt=timezone.now())
        return queryset.filter(closed_at=None) if self.value() == "open" else queryset


class RemovalForm(forms.Form):
    checked = forms.CharField(
        label=gettext_lazy("What you looked at, and what you found"),
        min_length=SAID_AT_LEAST,
        max_length=300,
        help_text=gettext_lazy("The customer reads it as the proof that it is gone."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )


@admin.register(Takedown)
class TakedownAdmin(CustomerDoor, ReadOnlyAdmin):
    """Opened by a no, closed with proof; nothing else about it changes but who owns it."""

    seen = (Seen.REFERENCE,)
    change_form_template = "admin/consent/takedown/change_form.html"
    list_display = ("number", "activity", "place", "customer", "due_at", "owner", "closed_at")
    list_filter = (OpenFilter,)
    list_select_related = ("use__topic", "use__person", "owner")
    ordering = ("closed_at", "due_at")
    its_checked_at = shown("checked_at", gettext_lazy("checked"))
    fields = (
        "activity",
        "place",
        "where",
        "opened_at",
        "due_at",
        "owner",
        "proof",
        "its_checked_at",
        "closed_at",
    )
    readonly_fields = fields

    def person_of(self, obj: Any) -> uuid.UUID | None:
        return cast("uuid.UUID | None", obj.use.person_id)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Takedown]:
        found: QuerySet[Takedown] = super().get_queryset(request)
        return found.prefetch_related("use__topic__wordings")

    @admin.display(description=gettext_lazy("number"), ordering="opened_at")
    def number(self, takedown: Takedown) -> str:
        return str(takedown.pk)[-12:]

    @admin.display(description=gettext_lazy("activity"))
    def activity(self, takedown: Takedown) -> str:
        return takedown.use.topic.name

    @admin.display(description=gettext_lazy("where"), ordering="use__place")
    def place(self, takedown: Takedown) -> str:
        return str(takedown.use.get_place_display())

    @admin.display(description=gettext_lazy("customer"))
    def customer(self, takedown: Takedown) -> str:
        return masked(takedown.use.person)

    @admin.display(description=gettext_lazy("address, files and copies"))
    def where(self, takedown: Takedown) -> str:
        use = takedown.use
        return " · ".join(filter(None, (use.url, use.copies))) or self.place(takedown)

    @admin.display(description=gettext_lazy("what was checked"))
    def proof(self, takedown: Takedown) -> str:
        return proof_words(takedown) or "–"

    def may_close(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("consent.change_takedown"))

    def get_urls(self) -> list[URLPattern]:
        act = path(
            "<uuid:pk>/act/", self.admin_site.admin_view(self.act), name="consent_takedown_act"
        )
        return [act, *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        takedown = self.get_object(request, object_id)
        context: dict[str, Any] = {"title": _("Takedown")}
        if takedown is not None:
            context |= {
                "subtitle": takedown.use.topic.name,
                "takedown": takedown,
                "use": takedown.use,
                "removal": RemovalForm(),
                "may_close": self.may_close(request) and takedown.closed_at is None,
                "is_mine": takedown.owner_id == request.user.pk,
                "is_late": takedown.closed_at is None and takedown.due_at < timezone.now(),
                "looks_by_itself": bool(addresses_of(takedown.use)),
            }
        return super().change_view(request, object_id, form_url, context | (extra_context or {}))

    def act(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        """Take it over, or write down the proof that it is gone."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        takedown = self.get_object(request, str(pk))
        if takedown is None:
            raise Http404
        if not self.may_close(request):
            raise PermissionDenied
        page = redirect("admin:consent_takedown_change", pk)
        if "take" in request.POST:
            if take_over(takedown, actor=cast("User", request.user)):
                self.log_change(request, takedown, _("Took it over."))
            return page
        form = RemovalForm(request.POST)
        if not form.is_valid():
            messages.error(
                request, _("Nothing was saved: say in a few words what you looked at and found.")
            )
            return page
        try:
            closed = record_removal(
                takedown, **form.cleaned_data, actor=actor_of(request), now=timezone.now()
            )
        except ReferenceProgramError as refusal:
            say_why(request, refusal)
            return page
        if closed:
            self.log_change(request, takedown, _("Recorded the removal."))
        messages.success(request, _("It is gone, with proof. The customer is told."))
        return page

    def work_list(self, request: HttpRequest) -> WorkList | None:
        waiting = self.get_queryset(request).filter(closed_at=None).order_by("due_at")
        items = [
            WorkItem(
                title=f"{each.use.topic.name} · {each.use.get_place_display()}",
                url=reverse("admin:consent_takedown_change", args=[each.pk]),
                due=each.due_at,
                is_mine=each.owner_id == request.user.pk,
            )
            for each in waiting.select_related("use__topic")[:SHOWN]
        ]
        return WorkList(
            title=_("References to take down"),
            items=items,
            empty=_("Nothing has to be taken down."),
            count=waiting.count(),
            url=reverse("admin:consent_takedown_changelist") + "?state=open",
        )
