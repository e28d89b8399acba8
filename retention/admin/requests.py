"""Deletion requests with their steps: begun for those who ask by phone, and looked after."""

import uuid
from collections.abc import Collection, Iterable
from datetime import date
from typing import Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.db.models.expressions import Combinable
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access.services import staff_key
from accounts.access.work import Work, register_work
from accounts.admin.door import CustomerDoor
from accounts.models import Basis, Seen, User
from foundation.staff import ReadOnlyAdmin, WorkItem, WorkList
from retention import services
from retention.asking import staff_name
from retention.models import DeletionRequest, DeletionStep, Scope
from retention.querysets import LAW_DAY
from retention.schedule import ENTRIES
from retention.wish_forms import IdentityForm, StartForm
from retention.words import human_day

OPEN_SHOWN = 20
ADDRESS = "admin:retention_deletionrequest"
START, CHECK = "retention.add_deletionrequest", "retention.change_deletionrequest"
State = DeletionRequest.State


class StepInline(admin.TabularInline[DeletionStep, DeletionRequest]):
    model = DeletionStep
    fields = ("class_of_data", "removed", "blanked", "finished_at")
    readonly_fields = fields
    can_delete = False
    extra = 0

    @admin.display(description=gettext_lazy("class of data"))
    def class_of_data(self, step: DeletionStep) -> str:
        return title_of(step.name)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class DueFilter(admin.SimpleListFilter):
    """By the law's month: what is late, and what will be."""

    title = gettext_lazy("the law's month")
    parameter_name = "due"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("late", _("late")),
            ("soon", _("due soon")),
            ("open", _("under way")),
            ("lapsed", _("lapsed unconfirmed")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        requests, today = DeletionRequest.objects.all(), timezone.localdate()
        match self.value():
            case "late":
                chosen = requests.late(today)
            case "soon":
                chosen = requests.due_soon(today)
            case "open":
                chosen = requests.under_way()
            case "lapsed":
                chosen = requests.lapsed()
            case _:
                return queryset
        return queryset.filter(pk__in=chosen.order_by().values("pk"))


@admin.register(DeletionRequest)
class DeletionRequestAdmin(CustomerDoor, ReadOnlyAdmin):
    seen = (Seen.REQUESTS,)
    change_list_template = "retention/admin/requests.html"
    change_form_template = "retention/admin/request.html"
    list_display = (
        "reference",
        "scope",
        "standing",
        "source",
        "requested_at",
        "due",
        "lateness",
    )
    list_filter = (DueFilter, "state", "scope", "source")
    date_hierarchy = "requested_at"
    fields = (
        "reference",
        "scope",
        "since",
        "until",
        "standing",
        "source",
        "actor",
        "person_id",
        "requested_at",
        "begins_at",
        "due_on",
        "due_by_law",
        "finished_at",
        "checked_by",
        "checked_again_by",
        "check_note",
        "deleted",
        "still_kept",
    )
    readonly_fields = ("standing", "deleted", "still_kept")
    inlines = (StepInline,)

    def person_of(self, obj: DeletionRequest) -> uuid.UUID | None:
        """Nobody once it is done: the request names nobody then."""
        return obj.person_id

    def get_ordering(self, request: HttpRequest) -> tuple[str | Combinable, ...]:
        """By their month, what is due first stands first."""
        by_month = DueFilter.parameter_name in request.GET
        return (LAW_DAY, "requested_at") if by_month else ("-requested_at",)

    @admin.display(description=gettext_lazy("state"), ordering="state")
    def standing(self, wish: DeletionRequest) -> str:
        return wish.standing

    @admin.display(description=gettext_lazy("due"), ordering=LAW_DAY)
    def due(self, wish: DeletionRequest) -> date | None:
        return wish.law_day

    @admin.display(description=gettext_lazy("late"), boolean=True)
    def lateness(self, wish: DeletionRequest) -> bool | None:
        """Only what is late has a mark: a row of ticks would hide it."""
        return False if is_late(wish) else None

    @admin.display(description=gettext_lazy("deleted, per class"))
    def deleted(self, wish: DeletionRequest) -> str:
        if wish.removed is None:
            return _("Not recorded")
        rows = [f"{title_of(model)}: {count}" for model, count in wish.removed.items()]
        return "; ".join(rows) or "–"

    @admin.display(description=gettext_lazy("kept, per class"))
    def still_kept(self, wish: DeletionRequest) -> str:
        if wish.kept is None:
            return _("Not recorded")
        rows = [f"{title_of(row['model'])}: {row['count']} ({row['until']})" for row in wish.kept]
        return "; ".join(rows) or "–"

    def work_list(self, request: HttpRequest) -> WorkList | None:
        """Under way, what is due first above: the worker ends them, so one that stays needs a look.

        Those that wait for the customer or for a second check say how they end without either,
        and are whose who began them.
        """
        under_way = DeletionRequest.objects.under_way()
        shown = list(under_way[:OPEN_SHOWN])
        unreached = unreached_of(shown)
        me = staff_name(cast("User", request.user))
        items = [
            WorkItem(
                title=f"{wish.get_scope_display()}: {wish.get_state_display()}",
                url=reverse(f"{ADDRESS}_change", args=[wish.pk]),
                note=note_of(wish, unreached),
                due=wish.law_day,
                is_mine=wish.state == State.UNCONFIRMED and wish.actor == me,
            )
            for wish in shown
        ]
        return WorkList(
            title=_("Deletions under way"),
            items=items,
            empty=_("No deletion is under way."),
            url=reverse(f"{ADDRESS}_changelist"),
            count=under_way.count(),
        )

    # --- acting ------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path("start/", view(self.start), name="retention_deletionrequest_start"),
            path(
                "<uuid:pk>/check/",
                view(self.check_identity),
                name="retention_deletionrequest_check",
            ),
        ]
        return [*own, *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        more = {"may_start": request.user.has_perm(START), "start_url": reverse(f"{ADDRESS}_start")}
        return super().changelist_view(request, {**more, **(extra_context or {})})

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        wish = self.get_object(request, object_id)
        waits = wish is not None and wish.state == State.UNCONFIRMED
        more: dict[str, Any] = {
            "waits": waits and request.user.has_perm(CHECK),
            "check_url": reverse(f"{ADDRESS}_check", args=[wish.pk]) if wish else "",
            "identity_form": IdentityForm(),
            "wish": wish,
        }
        return super().change_view(request, object_id, form_url, {**more, **(extra_context or {})})

    def start(self, request: HttpRequest) -> HttpResponse:
        """GET shows the form, POST begins it: nothing runs before somebody confirms."""
        if not request.user.has_perm(START):
            raise PermissionDenied
        given = request.POST if request.method == "POST" else None
        form = StartForm(
            given,
            staff=cast("User", request.user),
            initial={"customer": request.GET.get("customer", "")},
        )
        if form.is_valid():
            cleaned = form.cleaned_data
            now = timezone.now()
            wish = services.request_for_customer(
                cleaned["customer"].pk,
                actor=cast("User", request.user),
                now=now,
                scope=Scope(cleaned["scope"]),
                contact_list_id=cleaned["contact_list"],
                since=cleaned["since"],
                until=cleaned["until"],
                wait=cleaned["wait"],
            )
            if wish.requested_at == now:
                self.log_addition(request, wish, _("Began a deletion for a customer."))
            else:
                self.log_change(request, wish, _("Asked once more for a customer."))
                messages.warning(
                    request,
                    _(
                        "There is a deletion that covers this already. It stays as it was asked "
                        "for; what you chose now changes nothing."
                    ),
                )
            if wish.state == State.UNCONFIRMED:
                messages.success(request, waits_for(cleaned["customer"]))
            return redirect(f"{ADDRESS}_change", wish.pk)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Begin a deletion for a customer"),
            "form": form,
        }
        return TemplateResponse(request, "retention/admin/start.html", context)

    def check_identity(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        """One member of staff says how they checked; with the second it runs."""
        if not request.user.has_perm(CHECK):
            raise PermissionDenied
        wish = get_object_or_404(DeletionRequest, pk=pk)
        back = redirect(f"{ADDRESS}_change", pk)
        if request.method != "POST":
            return back
        form = IdentityForm(request.POST)
        if not form.is_valid():
            if wish.state != State.UNCONFIRMED:
                messages.error(request, _("It waits for no check any more."))
                return back
            context = {
                **self.admin_site.each_context(request),
                "opts": self.opts,
                "title": _("Who is asking?"),
                "wish": wish,
                "check_url": request.path,
                "identity_form": form,
            }
            return TemplateResponse(request, "retention/admin/check.html", context)
        try:
            wish = services.record_identity_check(
                wish,
                actor=cast("User", request.user),
                note=form.cleaned_data["note"],
                now=timezone.now(),
            )
        except services.SamePersonError:
            said = _("You have recorded a check already. Somebody else must, too.")
            messages.error(request, said)
        except services.TooLateError:
            messages.error(request, _("It waits for no check any more."))
        except services.StaffStaysError:
            messages.error(request, _("This is a staff account. End the staff access first."))
        else:
            self.log_change(request, wish, _("Recorded an identity check."))
            messages.success(request, recorded_words(wish))
        return back


def waits_for(customer: User) -> str:
    """Who must act before it runs. Nobody is written to whose address was never confirmed."""
    if customer.is_confirmed:
        return _(
            "It waits for the customer: we wrote to the confirmed address. Or record, both of you, "
            "how you checked who is asking."
        )
    return _(
        "No email went out, for the address was never confirmed. Record, both of you, how you "
        "checked who is asking."
    )


def recorded_words(wish: DeletionRequest) -> str:
    if wish.state == State.UNCONFIRMED:
        return _("Recorded. It waits for a second check by somebody else.")
    if wish.state == State.SCHEDULED and wish.begins_at is not None:
        return _("Recorded. The deletion begins on %(day)s.") % {"day": human_day(wish.begins_at)}
    return _("Recorded. The deletion runs.")


def unreached_of(wishes: Iterable[DeletionRequest]) -> set[uuid.UUID]:
    """Whom no mail asks to confirm what staff began, for their address was never confirmed."""
    asked = [wish.person_id for wish in wishes if wish.state == State.UNCONFIRMED]
    nobody = User.objects.filter(pk__in=asked, email_confirmed_at=None)
    return set(nobody.values_list("pk", flat=True)) if asked else set()


def note_of(wish: DeletionRequest, unreached: Collection[uuid.UUID]) -> str:
    """What a colleague must know of it beside its state and its day."""
    if wish.due_on is None:
        return due_words(wish)
    if wish.state != State.UNCONFIRMED:
        return ""
    if wish.person_id in unreached:
        return _("lapses after its day unless two of you check who asks: no email went out")
    return _("lapses after its day unless it is confirmed, or two of you check who asks")


def is_late(wish: DeletionRequest) -> bool:
    return (
        wish.law_day is not None
        and wish.law_day < timezone.localdate()
        and wish.state not in (State.FINISHED, State.WITHDRAWN)
    )


def due_words(wish: DeletionRequest) -> str:
    if wish.law_day is None:
        return f"{wish.requested_at:%Y-%m-%d %H:%M}"
    day = human_day(wish.law_day)
    if is_late(wish):
        return _("late since %(day)s") % {"day": day}
    return _("due on %(day)s") % {"day": day}


def title_of(model: str) -> str:
    entry = ENTRIES.get(model)
    return model if entry is None else str(entry.title)


@register_work
def deletions_about(person_id: uuid.UUID) -> list[Work]:
    """What is under way; whoever began it or checked who is asking handles it."""
    return [
        Work(
            basis=Basis.DELETION,
            reference=str(wish.reference),
            label=_("The deletion request of %(day)s: %(what)s")
            % {"day": human_day(wish.requested_at), "what": wish.get_scope_display()},
            rights=(CHECK,),
            handled_by=handlers(wish),
        )
        for wish in DeletionRequest.objects.under_way().filter(person_id=person_id)
    ]


def handlers(wish: DeletionRequest) -> frozenset[uuid.UUID]:
    """A customer who asked on the page handles nothing."""
    keys = map(staff_key, (wish.actor, wish.checked_by, wish.checked_again_by))
    return frozenset(key for key in keys if key is not None)
