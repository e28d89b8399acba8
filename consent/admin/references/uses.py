"""Uses of references: planned for a granted activity, worded by both sides, published, ended."""

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from consent.admin.references.adding import AddedOnce
from consent.admin.references.people import (
    CustomerField,
    actor_of,
    masked,
    not_granted,
    person_who_granted,
    say_why,
)
from consent.models import ReferenceText, ReferenceUse, Topic
from consent.reference import services
from consent.reference.words import SALES_CALL, WORDLESS
from foundation.staff import WorkItem, WorkList, choice_filter, shown

if TYPE_CHECKING:
    BaseForm = forms.ModelForm[ReferenceUse]
    Activities = forms.ModelChoiceField[Topic]
else:
    BaseForm = forms.ModelForm
    Activities = forms.ModelChoiceField

State = ReferenceUse.State
OUR_PAGE = ReferenceUse.Place.REFERENCES
SHOWN = 10


# For whoever plans; the page of a use that stands has no need of them.
HELP = {
    "title": gettext_lazy(
        "As it is shown, such as the name of the company. The customer reads it, and it stays as "
        "it is."
    ),
    "url": gettext_lazy("Where it will stand, if it is a web page."),
    "copies": gettext_lazy("Which files, which print run, and who has them."),
}
# One at a time, and then its own page.
ONE_BUTTON = {"show_save_and_add_another": False, "show_save_and_continue": False}


class ActivityField(Activities):
    def label_from_instance(self, topic: Topic) -> str:
        return topic.name


class PlanForm(BaseForm):
    """Set by the page, which knows who asks."""

    request: HttpRequest

    customer = CustomerField()
    topic = ActivityField(Topic.objects.none(), label=gettext_lazy("Activity"))

    class Meta:
        model = ReferenceUse
        fields = ("customer", "topic", "place", "title", "url", "copies")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in HELP.keys() & self.fields.keys():
            self.fields[name].help_text = HELP[name]
        topics = Topic.objects.live().filter(kind=Topic.Kind.REFERENCE).exclude(slug=SALES_CALL)
        cast("ActivityField", self.fields["topic"]).queryset = topics.with_wording()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        is_found = cleaned.get("url") or cleaned.get("copies")
        if cleaned.get("place") == OUR_PAGE and is_found:
            # The portal's look at our page closes the takedown, and would close them with it.
            self.add_error(
                None,
                _(
                    "Our page of references needs no address. "
                    "Plan other places as uses of their own."
                ),
            )
        if cleaned.get("place", OUR_PAGE) != OUR_PAGE and not is_found and not self.errors:
            # Django leaves the constraint out, for it names fields that no form has.
            self.add_error(None, _("Say where it is: an address, or which files and copies."))
        if cleaned.get("customer") and cleaned.get("topic"):
            try:
                self.person = person_who_granted(
                    cleaned["customer"], cleaned["topic"], self.request
                )
            except forms.ValidationError as refusal:
                self.add_error("customer", refusal)
        return cleaned


class WordsForm(forms.Form):
    nb = forms.CharField(
        label=gettext_lazy("In Norwegian"),
        required=False,
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 5, "lang": "nb"}),
    )
    en = forms.CharField(
        label=gettext_lazy("In English"),
        required=False,
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 5, "lang": "en"}),
    )
    remark = forms.CharField(
        label=gettext_lazy("Remark for the customer"),
        required=False,
        max_length=300,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )


@admin.register(ReferenceUse)
class ReferenceUseAdmin(AddedOnce):
    """Nothing is edited: what is planned stands, words grow by versions, and a no ends it."""

    form = PlanForm
    change_form_template = "admin/consent/referenceuse/change_form.html"
    list_display = ("number", "activity", "place", "state", "customer", "since", "responsible")
    list_filter = (
        ("state", choice_filter(gettext_lazy("state"))),
        ("place", choice_filter(gettext_lazy("where"))),
    )
    list_select_related = ("person", "topic", "responsible")
    ordering = ("-planned_at",)
    its_planned_at = shown("planned_at", gettext_lazy("planned"))
    facts = (
        "activity",
        "place",
        "title",
        "url",
        "copies",
        "state",
        "its_planned_at",
        "published_at",
        "removed_at",
        "responsible",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReferenceUse]:
        found: QuerySet[ReferenceUse] = super().get_queryset(request)
        return found.prefetch_related("topic__wordings")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return PlanForm.Meta.fields if obj is None else self.facts

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Also for those who work with it: they see what they change."""
        return bool(request.user.has_perm("consent.view_referenceuse"))

    @admin.display(description=gettext_lazy("number"), ordering="planned_at")
    def number(self, use: ReferenceUse) -> str:
        return str(use.pk)[-12:]

    @admin.display(description=gettext_lazy("activity"), ordering="topic__position")
    def activity(self, use: ReferenceUse) -> str:
        return use.topic.name

    @admin.display(description=gettext_lazy("customer"))
    def customer(self, use: ReferenceUse) -> str:
        return masked(use.person)

    @admin.display(description=gettext_lazy("since"), ordering="published_at")
    def since(self, use: ReferenceUse) -> Any:
        return use.published_at

    # --- planning ----------------------------------------------------------------------------

    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """A no that came in between the form and the row is a no."""
        try:
            return super().add_view(request, form_url, {**ONE_BUTTON, **(extra_context or {})})
        except services.ReferenceProgramError:
            messages.error(request, not_granted())
            return redirect("admin:consent_referenceuse_add")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        said = form.cleaned_data
        made = services.plan_use(
            form.person,
            said["topic"],
            place=said["place"],
            title=said["title"],
            url=said["url"],
            copies=said["copies"],
            responsible=cast("User", request.user),
            now=timezone.now(),
        )
        obj.pk, obj._state.adding = made.pk, False
        obj.refresh_from_db()

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        messages.success(request, _("It is planned. Nothing of it is shown yet."))
        return redirect("admin:consent_referenceuse_change", obj.pk)

    # --- words, publication and the end ------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        act = path(
            "<uuid:pk>/act/",
            self.admin_site.admin_view(self.act),
            name="consent_referenceuse_act",
        )
        return [act, *super().get_urls()]

    def may(self, request: HttpRequest, what: str) -> bool:
        return bool(request.user.has_perm(f"consent.{what}_referenceuse"))

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        use = self.get_object(request, object_id)
        context: dict[str, Any] = {"title": _("Use of a reference")}
        if use is not None:
            texts = list(use.texts.all())
            newest = texts[0] if texts else None
            is_worded = use.topic.slug not in WORDLESS
            agreed = newest is not None and newest.staff_approved_at and newest.customer_approved_at
            lives = use.state in (State.PLANNED, State.PUBLISHED)
            context |= {
                "subtitle": use.topic.name,
                "use": use,
                "texts": texts,
                "is_worded": is_worded,
                "words": WordsForm(),
                "may_word": lives and is_worded and self.may(request, "change"),
                "may_approve": lives
                and self.may(request, "change")
                and newest is not None
                and not newest.staff_approved_at
                and not newest.customer_declined_at,
                "may_publish": use.state == State.PLANNED
                and self.may(request, "publish")
                and (agreed or not is_worded),
                "may_end": lives and self.may(request, "publish"),
                "takedown": getattr(use, "takedown", None),
            }
        return super().change_view(request, object_id, form_url, context | (extra_context or {}))

    def act(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        """One step with one use: write words, approve the customer's, publish, end, take over."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        use = self.get_object(request, str(pk))
        if use is None:
            raise Http404
        steps: dict[str, tuple[str, Callable[[HttpRequest, ReferenceUse], str]]] = {
            "write": ("change", self.write),
            "approve": ("change", self.approve),
            "take": ("change", self.take),
            "publish": ("publish", self.publish),
            "end": ("publish", self.end),
        }
        step = next((name for name in steps if name in request.POST), "")
        if not step or not self.may(request, steps[step][0]):
            raise PermissionDenied
        try:
            done = steps[step][1](request, use)
        except services.ReferenceProgramError as refusal:
            say_why(request, refusal)
        else:
            messages.success(request, done)
            self.log_change(request, use, done)
        return redirect("admin:consent_referenceuse_change", pk)

    def write(self, request: HttpRequest, use: ReferenceUse) -> str:
        form = WordsForm(request.POST)
        if not form.is_valid() or use.topic.slug in WORDLESS:
            raise services.NotApprovedError("no words")
        services.write_text(
            use, **form.cleaned_data, by_customer=False, actor=actor_of(request), now=timezone.now()
        )
        return _("The words are with the customer, who approves or changes them.")

    def approve(self, request: HttpRequest, use: ReferenceUse) -> str:
        """The version that was read, and not one that came meanwhile."""
        read = request.POST.get("version")
        text = next((each for each in use.texts.all() if str(each.version) == read), None)
        if text is None:
            raise services.AlreadyDecidedError("no such version")
        services.approve_text(text, by_customer=False, actor=actor_of(request), now=timezone.now())
        return _("The words are approved by both sides.")

    def take(self, request: HttpRequest, use: ReferenceUse) -> str:
        ReferenceUse.objects.filter(pk=use.pk).update(responsible=cast("User", request.user))
        return _("You answer for this use now.")

    def publish(self, request: HttpRequest, use: ReferenceUse) -> str:
        services.publish_use(use, actor=actor_of(request), now=timezone.now())
        return _("It is published. The customer is told.")

    def end(self, request: HttpRequest, use: ReferenceUse) -> str:
        services.withdraw_use(use, now=timezone.now())
        if use.state == State.TAKING_DOWN:
            return _("It is shown no more, and has to be taken down wherever it stands.")
        return _("It is dropped. Nothing of it was shown.")

    def work_list(self, request: HttpRequest) -> WorkList | None:
        """What is planned and waits for us: words of the customer's, or to be published."""
        waiting = waiting_for_us(self.get_queryset(request))
        items = [
            WorkItem(
                title=f"{use.topic.name} · {use.get_place_display()}",
                url=reverse("admin:consent_referenceuse_change", args=[use.pk]),
                is_mine=use.responsible_id == request.user.pk,
            )
            for use in waiting.select_related("topic").order_by("planned_at")[:SHOWN]
        ]
        return WorkList(
            title=_("References in preparation"),
            items=items,
            empty=_("No reference waits for us."),
            count=waiting.count(),
            url=reverse("admin:consent_referenceuse_changelist"),
        )


def waiting_for_us(uses: QuerySet[ReferenceUse]) -> QuerySet[ReferenceUse]:
    """Planned, without words or with their answer to the newest: not where they have the word."""
    newer = ReferenceText.objects.filter(use=OuterRef("use"), version__gt=OuterRef("version"))
    with_them = ReferenceText.objects.filter(
        ~Exists(newer), use=OuterRef("pk"), customer_approved_at=None, customer_declined_at=None
    )
    return uses.filter(~Exists(with_them), state=State.PLANNED)
