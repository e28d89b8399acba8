"""Requests about personal data, as the privacy officer answers them in time."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, time
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Case, QuerySet, Value, When
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access.work import Work, register_work
from accounts.admin.door import CustomerDoor
from accounts.models import Basis, Seen, SupportQuestion, User
from accounts.services import display_name
from foundation.staff import ReadOnlyAdmin, WorkItem, WorkList
from retention import desk
from retention.desk import AnswerRefused
from retention.desk.authorities import authority_for
from retention.desk.requests import SIGNED_IN
from retention.desk_forms import EnterForm, NoteForm, PassOnForm, RefusalForm, WordsForm
from retention.models import PrivacyRequest
from retention.words import human_day

State = PrivacyRequest.State
ENTER, ANSWER = "retention.add_privacyrequest", "retention.change_privacyrequest"
ADDRESS = "admin:retention_privacyrequest"
SHOWN = 20


@admin.register(PrivacyRequest)
class PrivacyRequestAdmin(CustomerDoor, ReadOnlyAdmin):
    """Nothing is edited: a request moves by steps, each once, and is closed."""

    seen = (Seen.REQUESTS,)
    change_list_template = "retention/admin/desk/requests.html"
    change_form_template = "retention/admin/desk/request.html"
    list_display = ("short", "kind", "state", "source", "received_on", "due_on", "assigned_to")
    list_filter = ("state", "kind", "source")
    search_fields = ("=reference", "=id")
    search_help_text = gettext_lazy("The reference of the request.")
    list_select_related = ("assigned_to",)
    fields = ("reference", "kind", "state", "source", "received_on", "due_on", "assigned_to")

    def person_of(self, obj: PrivacyRequest) -> uuid.UUID | None:
        """Nobody where a stranger asked."""
        return obj.person_id

    def shows_stranger(self, obj: PrivacyRequest) -> bool:
        return obj.person_id is None and bool(obj.name or obj.email)

    def get_queryset(self, request: HttpRequest) -> QuerySet[PrivacyRequest]:
        """What waits for us first, what is due first at the top."""
        waiting = Case(When(state=State.OPEN, then=Value(0)), default=Value(1))
        rows: QuerySet[PrivacyRequest] = super().get_queryset(request)
        return rows.annotate(waits=waiting).order_by("waits", "due_on", "received_at")

    @admin.display(description=gettext_lazy("request"))
    def short(self, wish: PrivacyRequest) -> str:
        return str(wish.reference)[:8]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path("enter/", view(self.enter), name="retention_privacyrequest_enter"),
            path(
                "from-question/",
                view(self.take_from_question),
                name="retention_privacyrequest_from_question",
            ),
            path(
                "<uuid:pk>/step/<slug:step>/",
                view(self.take_step),
                name="retention_privacyrequest_step",
            ),
        ]
        return [*own, *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        more = {"may_enter": request.user.has_perm(ENTER), "enter_url": reverse(f"{ADDRESS}_enter")}
        return super().changelist_view(request, {**more, **(extra_context or {})})

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        wish = self.get_object(request, object_id)
        more = {} if wish is None else self.panel(request, wish)
        return super().change_view(request, object_id, form_url, {**more, **(extra_context or {})})

    def panel(self, request: HttpRequest, wish: PrivacyRequest) -> dict[str, Any]:
        person = User.objects.filter(pk=wish.person_id).first() if wish.person_id else None
        today = desk.day_of(wish, timezone.now())
        return {
            "wish": wish,
            "person": person,
            "who": display_name(person) if person else wish.name,
            "identity_words": identity_words(wish),
            "may_act": wish.is_open
            and request.user.has_perm(ANSWER)
            and wish.person_id != request.user.pk,
            "is_late": wish.is_open and wish.due_on < today,
            "may_extend": wish.extended_at is None and today <= wish.due_on,
            "grounds": PrivacyRequest.Ground.choices,
            "is_erasure": wish.kind == PrivacyRequest.Kind.ERASURE,
            "authority": authority_for(wish.legal_entity),
            "steps": {step: reverse(f"{ADDRESS}_step", args=[wish.pk, step]) for step in STEPS},
        }

    # --- acting ------------------------------------------------------------------------------

    def enter(self, request: HttpRequest) -> HttpResponse:
        """What came by letter, phone or email. GET shows the form, POST registers it."""
        if not request.user.has_perm(ENTER):
            raise PermissionDenied
        staff, now = cast("User", request.user), timezone.now()
        given = request.POST if request.method == "POST" else None
        form = EnterForm(given, staff=staff, today=timezone.localdate(now))
        if form.is_valid():
            cleaned = dict(form.cleaned_data)
            person, day = cleaned.pop("customer"), cleaned.pop("received_on")
            try:
                wish = desk.open_request(
                    person=person,
                    source=PrivacyRequest.Source.STAFF,
                    actor=f"staff:{staff.pk}",
                    now=now,
                    received_at=min(now, datetime.combine(day, time(12), UTC)),
                    received_on=day,
                    **cleaned,
                )
            except AnswerRefused as refusal:
                form.add_error("customer", str(refusal))
            else:
                self.log_addition(request, wish, _("Registered a request."))
                messages.success(request, registered_words(wish))
                if not self.has_view_permission(request):
                    return redirect("admin:index")
                return redirect(f"{ADDRESS}_change", wish.pk)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Register a request about personal data"),
            "form": form,
        }
        return TemplateResponse(request, "retention/admin/desk/enter.html", context)

    def take_from_question(self, request: HttpRequest) -> HttpResponse:
        """A question to us that is a request about personal data: the law's month runs for it."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not request.user.has_perm(ENTER) or not request.user.has_perm(
            "accounts.change_supportquestion"
        ):
            raise PermissionDenied
        try:
            key = uuid.UUID(request.POST.get("question", ""))
        except ValueError:
            raise Http404 from None
        question = get_object_or_404(SupportQuestion, pk=key)
        back = redirect("admin:accounts_supportquestion_change", question.pk)
        kind = request.POST.get("kind", "")
        if kind not in PrivacyRequest.Kind.values:
            messages.error(request, _("Say what is asked for."))
            return back
        staff, now = cast("User", request.user), timezone.now()
        try:
            wish = desk.open_from_question(question, kind=kind, actor=staff, now=now)
        except AnswerRefused as refusal:
            messages.error(request, str(refusal))
        else:
            self.log_addition(request, wish, _("Registered a request."))
            messages.success(request, registered_words(wish))
        return back

    def take_step(self, request: HttpRequest, pk: uuid.UUID, step: str) -> HttpResponse:
        if step not in STEPS:
            raise Http404
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not request.user.has_perm(ANSWER):
            raise PermissionDenied
        wish = get_object_or_404(PrivacyRequest, pk=pk)
        try:
            said = STEPS[step](request, wish)
        except AnswerRefused as refusal:
            return self.nothing_done(request, wish, [str(refusal)])
        except BadStep as bad:
            return self.nothing_done(request, wish, bad.errors)
        self.log_change(request, wish, said)
        messages.success(request, said)
        return redirect(f"{ADDRESS}_change", pk)

    def nothing_done(
        self, request: HttpRequest, wish: PrivacyRequest, errors: list[str]
    ) -> HttpResponse:
        """Why, and the words that were written, so that they are not lost."""
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Nothing was done"),
            "errors": errors,
            "text": request.POST.get("text", ""),
            "back": reverse(f"{ADDRESS}_change", args=[wish.pk]),
        }
        return TemplateResponse(
            request, "retention/admin/desk/nothing_done.html", context, status=422
        )

    # --- the first page ----------------------------------------------------------------------

    def work_list(self, request: HttpRequest) -> WorkList | None:
        """What is open, what is due first above."""
        if not self.has_view_permission(request):
            return None
        waiting = PrivacyRequest.objects.filter(state=State.OPEN).order_by("due_on", "received_at")
        items = [
            WorkItem(
                title=str(wish.get_kind_display()),
                url=reverse(f"{ADDRESS}_change", args=[wish.pk]),
                note="" if wish.identity_at else _("who is asking is not checked yet"),
                due=wish.due_on,
                is_mine=wish.assigned_to_id == request.user.pk,
            )
            for wish in waiting[:SHOWN]
        ]
        return WorkList(
            title=_("Requests about personal data"),
            items=items,
            empty=_("No request waits for an answer."),
            url=reverse(f"{ADDRESS}_changelist"),
            count=waiting.count(),
        )


def registered_words(wish: PrivacyRequest) -> str:
    return _("Registered: to be answered by %(day)s.") % {"day": human_day(wish.due_on)}


def identity_words(wish: PrivacyRequest) -> str:
    if wish.identity_at is None:
        return ""
    if wish.identity_how == SIGNED_IN:
        return _("signed in when they asked")
    return wish.identity_how


# --- the steps -----------------------------------------------------------------------------------


class BadStep(Exception):
    def __init__(self, form: forms.Form) -> None:
        self.errors = [str(each) for errors in form.errors.values() for each in errors]
        super().__init__()


def checked[F: forms.Form](form: F) -> F:
    if not form.is_valid():
        raise BadStep(form)
    return form


def who(request: HttpRequest) -> dict[str, Any]:
    return {"actor": cast("User", request.user), "now": timezone.now()}


def take(request: HttpRequest, wish: PrivacyRequest) -> str:
    desk.take_request(wish, actor=cast("User", request.user))
    return _("The request is yours.")


def check(request: HttpRequest, wish: PrivacyRequest) -> str:
    how = checked(NoteForm(request.POST)).cleaned_data["text"]
    desk.check_identity(wish, how=how, **who(request))
    return _("It is recorded how you made sure of who is asking.")


def extend(request: HttpRequest, wish: PrivacyRequest) -> str:
    because = checked(NoteForm(request.POST)).cleaned_data["text"]
    desk.extend_request(wish, because=because, **who(request))
    return _("Extended by two months; whoever asked has been told why.")


def answer(request: HttpRequest, wish: PrivacyRequest) -> str:
    text = checked(WordsForm(request.POST)).cleaned_data["text"]
    desk.answer_request(wish, text=text, **who(request))
    return _("Answered.")


def refuse(request: HttpRequest, wish: PrivacyRequest) -> str:
    cleaned = checked(RefusalForm(request.POST)).cleaned_data
    desk.refuse_request(wish, ground=cleaned["ground"], text=cleaned["text"], **who(request))
    return _("Refused; whoever asked has been told why, and where to complain.")


def name_owner(request: HttpRequest, wish: PrivacyRequest) -> str:
    named = checked(NoteForm(request.POST)).cleaned_data["text"][:150]
    desk.name_list_owner(wish, named=named, actor=cast("User", request.user))
    return _("Whose list it is, by their own words, is recorded.")


def pass_on(request: HttpRequest, wish: PrivacyRequest) -> str:
    form = checked(PassOnForm(request.POST, staff=cast("User", request.user)))
    cleaned = form.cleaned_data
    desk.pass_on(wish, owner=cleaned["owner"], text=cleaned["text"], **who(request))
    return _("Passed on to the owner of the list; both have been told.")


def delete(request: HttpRequest, wish: PrivacyRequest) -> str:
    desk.start_deletion(wish, **who(request))
    return _("The deletion is begun; the customer confirms it, or two of you do.")


STEPS: dict[str, Callable[[HttpRequest, PrivacyRequest], str]] = {
    "take": take,
    "check": check,
    "extend": extend,
    "answer": answer,
    "refuse": refuse,
    "name_owner": name_owner,
    "pass_on": pass_on,
    "delete": delete,
}


@register_work
def requests_about(person_id: uuid.UUID) -> list[Work]:
    """What somebody has asked about their data; whoever took it needs no other reason."""
    return [
        Work(
            basis=Basis.REQUEST,
            reference=str(wish.reference),
            label=_("The request of %(day)s: %(kind)s")
            % {"day": human_day(wish.received_on), "kind": wish.get_kind_display()},
            rights=(ANSWER,),
            handled_by=frozenset({wish.assigned_to_id} if wish.assigned_to_id else ()),
        )
        for wish in PrivacyRequest.objects.filter(person_id=person_id, state=State.OPEN)
    ]
