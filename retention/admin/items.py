"""The register of paper, disks and tapes: what is due, and who signed for its end."""

import uuid
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from accounts.masking import initials
from accounts.models import User
from foundation.staff import BaseAdmin, WorkItem, WorkList
from retention import items
from retention.item_forms import CountersignForm, ItemForm, SignForm
from retention.models import Destruction, PhysicalItem
from retention.papers.certificate import certificate
from retention.words import human_day

SIGN = "retention.add_destruction"
# What falls due within a month stands on the first page.
SOON = timedelta(days=30)


class StateFilter(admin.SimpleListFilter):
    """The list opens with what is still here."""

    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("overdue", _("overdue")),
            ("held", _("kept for a legal hold")),
            ("half", _("waits for the second signature")),
            ("destroyed", _("destroyed")),
        ]

    def choices(self, changelist: Any) -> Any:
        first, *others = super().choices(changelist)
        yield {**first, "display": _("still here")}
        yield from others

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        destroyed = Q(destruction__countersigned_at__isnull=False)
        match self.value():
            case "destroyed":
                return queryset.filter(destroyed).order_by("-destruction__destroyed_on")
            case "overdue":
                return queryset.filter(pk__in=items.overdue(timezone.now()).values("pk"))
            case "held":
                free = items.free(items.still_here(), now=timezone.now())
                return queryset.exclude(destroyed).exclude(pk__in=free.values("pk"))
            case "half":
                return queryset.exclude(destroyed).filter(destruction__isnull=False)
            case _:
                return queryset.exclude(destroyed)


@admin.register(PhysicalItem)
class PhysicalItemAdmin(BaseAdmin):
    form = ItemForm
    actions = None
    change_form_template = "retention/admin/items/change_form.html"
    list_display = ("name", "kind", "serial", "place", "due", "state")
    list_filter = (StateFilter, "kind")
    search_fields = ("name", "serial", "place", "contains")
    list_select_related = ("destruction",)
    fieldsets = (
        (
            None,
            {
                "fields": ("name", "kind", "serial", "contains", "customer", "place"),
                "description": gettext_lazy(
                    "Everything with customers' data on it that can be held in a hand: paper, "
                    "disks, tapes, telephones. Say of what is on it no more than is needed to know "
                    "it."
                ),
            },
        ),
        (gettext_lazy("How long"), {"fields": ("kept_since", "due_on")}),
    )

    def history_name(self, item: PhysicalItem) -> str:
        """An item names nobody."""
        return item.serial

    @admin.display(description=gettext_lazy("must be destroyed by"), ordering="due_on")
    def due(self, item: PhysicalItem) -> str:
        day = items.today(timezone.now())
        return human_day(item.due_on) if held_for(item) else due_words(item, day)

    @admin.display(description=gettext_lazy("state"))
    def state(self, item: PhysicalItem) -> str:
        destruction = destruction_of(item)
        if destruction is not None and destruction.countersigned_at is not None:
            return _("destroyed")
        if held_for(item):
            return _("kept for the legal hold %(reference)s") % {"reference": held_for(item)}
        return _("still here") if destruction is None else _("waits for the second signature")

    @admin.display(description=gettext_lazy("whose"))
    def whose(self, item: PhysicalItem) -> str:
        """Masked, where they are still a customer."""
        if item.customer_id is None:
            return "–"
        person = User.objects.filter(pk=item.customer_id).first()
        return f"{initials(person)} ({person.pk})" if person else str(item.customer_id)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """What is kept for a hold is looked up once for the page, not for each line."""
        found: Any = super().get_changelist_instance(request)
        held = items.held_for([item.pk for item in found.result_list], now=timezone.now())
        for item in found.result_list:
            item.held_for = held.get(item.pk, "")
        return found

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, *args, **kwargs)
        form.staff = request.user
        return form

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None or self.has_change_permission(request, obj):
            return super().get_fieldsets(request, obj)
        looked_at = ("name", "kind", "serial", "contains", "whose", "place", "kept_since", "due_on")
        return [(None, {"fields": looked_at})]

    # --- who may do what ---------------------------------------------------------------------

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What is signed for is looked at, by whoever it is."""
        signed = obj is not None and destruction_of(obj) is not None
        return not signed and super().has_change_permission(request, obj)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) or request.user.has_perm(SIGN)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing leaves the register but by its destruction; a wrong line is made right."""
        return False

    # --- acting ------------------------------------------------------------------------------

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            obj.registered_by = cast("User", request.user)
        super().save_model(request, obj, form, change)

    def get_urls(self) -> list[URLPattern]:
        steps: list[tuple[str, Callable[..., HttpResponse], str]] = [
            ("sign", self.sign, "sign"),
            ("countersign", self.countersign, "countersign"),
            ("take-back", self.take_back, "take_back"),
            ("certificate.pdf", self.download_certificate, "certificate"),
        ]
        own = [
            path(
                f"<uuid:pk>/{step}{'' if '.' in step else '/'}",
                self.admin_site.admin_view(view),
                name=f"retention_physicalitem_{name}",
            )
            for step, view, name in steps
        ]
        return [*own, *super().get_urls()]

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """With the panel above the form: how it ends, and whose turn it is."""
        if (item := context.get("original")) is not None:
            context |= self.panel(request, item)
        return super().render_change_form(request, context, *args, **kwargs)

    def panel(self, request: HttpRequest, item: Any) -> dict[str, Any]:
        destruction = destruction_of(item)
        day = items.today(timezone.now())
        return {
            "item": item,
            "destruction": destruction,
            "is_overdue": item.due_on < day,
            "held_for": items.held_for([item.pk], now=timezone.now()).get(item.pk, ""),
            "due_words": due_words(item, day),
            "may_sign": request.user.has_perm(SIGN),
            "is_signer": destruction is not None and destruction.signed_by_id == request.user.pk,
            "countersign_form": CountersignForm(),
        }

    def item_or_404(self, request: HttpRequest, pk: uuid.UUID) -> PhysicalItem:
        item = self.get_object(request, str(pk))
        if item is None:
            raise Http404
        return cast("PhysicalItem", item)

    def to_sign(self, request: HttpRequest, pk: uuid.UUID) -> PhysicalItem:
        if not request.user.has_perm(SIGN):
            raise PermissionDenied
        return self.item_or_404(request, pk)

    def sign(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        item = self.to_sign(request, pk)
        user = cast("User", request.user)
        form = SignForm(request.POST or None, initial={"performed_by": user.get_full_name()})
        if request.method == "POST" and form.is_valid():
            try:
                items.sign_destruction(item.pk, **form.cleaned_data, actor=user, now=timezone.now())
            except items.SignatureRefused as refusal:
                form.add_error(None, str(refusal))
            else:
                return self.done(request, item, _("Signed. Somebody else must sign as well."))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Sign for the destruction"),
            "item": item,
            "form": form,
            "media": self.media + form.media,
        }
        return TemplateResponse(request, "retention/admin/items/sign.html", context)

    def countersign(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        item = self.to_sign(request, pk)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        form, destruction = CountersignForm(request.POST), destruction_of(item)
        if destruction is None or not form.is_valid():
            messages.error(request, _("Write your full name to sign."))
            return self.back(item)
        try:
            items.countersign_destruction(
                destruction.pk,
                verified_by=form.cleaned_data["verified_by"],
                actor=cast("User", request.user),
                now=timezone.now(),
            )
        except items.SignatureRefused as refusal:
            messages.error(request, str(refusal))
            return self.back(item)
        return self.done(request, item, _("Signed by two. The certificate is ready."))

    def take_back(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        item = self.to_sign(request, pk)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        destruction = destruction_of(item)
        try:
            items.take_back_signature(
                destruction.pk if destruction else uuid.UUID(int=0),
                actor=cast("User", request.user),
            )
        except items.SignatureRefused as refusal:
            messages.error(request, str(refusal))
            return self.back(item)
        return self.done(request, item, _("The signature is taken back; the item is there again."))

    def download_certificate(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        """Only of what two people signed for."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        destruction = get_object_or_404(
            Destruction.objects.select_related("item"),
            item_id=pk,
            countersigned_at__isnull=False,
        )
        name = f"certificate-{destruction.item.serial}".encode("ascii", "ignore").decode()
        name = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in name)
        return HttpResponse(
            certificate(destruction, language=get_language() or "nb"),
            content_type="application/pdf",
            headers={"Content-Disposition": f'attachment; filename="{name}.pdf"'},
        )

    def done(self, request: HttpRequest, item: PhysicalItem, said: str) -> HttpResponse:
        self.log_change(request, item, said)
        messages.success(request, said)
        return self.back(item)

    def back(self, item: PhysicalItem) -> HttpResponse:
        return redirect(address("change", item.pk))

    # --- the first page ----------------------------------------------------------------------

    def work_list(self, request: HttpRequest) -> WorkList | None:
        """What must be destroyed soonest at the top; what is past its day says so.

        What a legal hold keeps is not to be destroyed.
        """
        if not self.has_view_permission(request):
            return None
        now = timezone.now()
        soon = items.free(items.still_here(), now=now).filter(
            Q(due_on__lte=items.today(now) + SOON) | Q(destruction__isnull=False)
        )
        return WorkList(
            title=_("Paper, disks and tapes to destroy"),
            items=[
                WorkItem(
                    title=str(item),
                    url=address("change", item.pk),
                    note=work_note(item),
                    due=item.due_on,
                )
                for item in soon.select_related("destruction")[:10]
            ],
            count=soon.count(),
            empty=_("Nothing falls due within 30 days."),
            url=address("changelist"),
        )


def address(page: str, *args: Any) -> str:
    return reverse(f"admin:retention_physicalitem_{page}", args=args)


def destruction_of(item: Any) -> Destruction | None:
    return getattr(item, "destruction", None)


def held_for(item: Any) -> str:
    """On the list alone, where `get_changelist_instance` has looked."""
    return str(getattr(item, "held_for", ""))


def work_note(item: PhysicalItem) -> str:
    return _("waits for the second signature") if destruction_of(item) is not None else ""


def due_words(item: PhysicalItem, day: date) -> str:
    """12 March 2026; marked when that is past and it is still here."""
    destruction = destruction_of(item)
    late = (day - item.due_on).days
    if late <= 0 or (destruction is not None and destruction.countersigned_at is not None):
        return human_day(item.due_on)
    words = ngettext("%(day)s, %(n)d day overdue", "%(day)s, %(n)d days overdue", late)
    said = words % {"day": human_day(item.due_on), "n": late}
    return format_html('<strong class="portal-late">{}</strong>', said)
