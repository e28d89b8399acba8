"""Questions as staff answer them: through the channel that was asked for, and no other."""

import uuid
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Case, QuerySet, Value, When
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import support
from accounts.access.work import Work, register_work
from accounts.admin.door import CustomerDoor
from accounts.models import Basis, Seen, SupportChannel, SupportQuestion, User
from accounts.policy import ANSWER_WITHIN, QUESTION_LENGTH
from accounts.services import display_name
from foundation.staff import ReadOnlyAdmin, WorkItem, WorkList, shown

State = SupportQuestion.State
BILLING = SupportQuestion.Topic.BILLING
EVERY, ANSWER = "accounts.view_every_question", "accounts.change_supportquestion"
SHOWN = 10


class CallForm(forms.Form):
    """`form` makes pressing twice the same as pressing once."""

    form = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)


class AnswerForm(CallForm):
    text = forms.CharField(max_length=QUESTION_LENGTH, widget=forms.Textarea(attrs={"rows": 8}))


class WhoseFilter(admin.SimpleListFilter):
    title = gettext_lazy("assigned to")
    parameter_name = "whose"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("mine", _("me")), ("nobody", _("nobody"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "mine":
                return queryset.filter(assigned_to=request.user.pk)
            case "nobody":
                return queryset.filter(assigned_to=None)
            case _:
                return queryset


@admin.register(SupportQuestion)
class QuestionAdmin(CustomerDoor, ReadOnlyAdmin):
    """Nothing is edited: a thread grows by entries, and is closed."""

    seen = (Seen.QUESTION,)

    change_form_template = "admin/accounts/supportquestion/change_form.html"
    list_display = ("short", "state", "topic", "channel", "asked_at", "moved_at", "taken_by")
    list_filter = ("state", WhoseFilter, "topic", "channel")
    search_fields = ("=reference", "=id")
    search_help_text = gettext_lazy("The reference of the question.")
    list_select_related = ("assigned_to",)
    fields = ("topic", "channel", "state", "asked_at", "taken_by", "number")
    readonly_fields = ("taken_by", "number")
    number = shown("reference", gettext_lazy("reference"))

    def person_of(self, obj: SupportQuestion) -> uuid.UUID | None:
        """A stranger's question shows what they wrote, and no account."""
        return obj.customer_id

    def shows_stranger(self, obj: SupportQuestion) -> bool:
        return obj.customer_id is None

    def visible_to(self, request: HttpRequest) -> QuerySet[SupportQuestion]:
        """Whoever works on invoices has the questions about them, and no other."""
        if request.user.has_perm(EVERY):
            return SupportQuestion.objects.all()
        return SupportQuestion.objects.filter(topic=BILLING)

    def get_queryset(self, request: HttpRequest) -> QuerySet[SupportQuestion]:
        """What waits for us first, the oldest at the top."""
        waiting = Case(When(state=State.OPEN, then=Value(0)), default=Value(1))
        rows = self.visible_to(request)
        return rows.annotate(waits=waiting).order_by("waits", "moved_at")

    @admin.display(description=gettext_lazy("question"))
    def short(self, question: SupportQuestion) -> str:
        return str(question.reference)[:8]

    @admin.display(description=gettext_lazy("assigned to"), ordering="assigned_to")
    def taken_by(self, question: SupportQuestion) -> str:
        return "–" if question.assigned_to is None else display_name(question.assigned_to)

    def may_answer(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(ANSWER))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = path("<uuid:pk>/act/", view(self.act), name="accounts_supportquestion_act")
        return [own, *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        question = self.get_object(request, object_id)
        context: dict[str, Any] = {"may_answer": self.may_answer(request)}
        if question is not None:
            context |= {
                "question": question,
                "entries": question.entries.select_related("written_by"),
                "answer": AnswerForm(),
                "by_phone": question.channel == SupportChannel.PHONE,
                "is_closed": question.state == State.CLOSED,
                "is_mine": question.assigned_to_id == request.user.pk,
            }
        return super().change_view(request, object_id, form_url, context | (extra_context or {}))

    def act(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        """Take it, answer it the one way there is, note the call, or close it."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.may_answer(request):
            raise PermissionDenied
        question = get_object_or_404(self.visible_to(request), pk=pk)
        actor, now = cast("User", request.user), timezone.now()
        page = redirect("admin:accounts_supportquestion_change", pk)
        if "take" in request.POST:
            support.assign(question, actor=actor)
            return page
        if "close" in request.POST:
            support.close(question, now=now)
            return page
        if "nobody" in request.POST:
            self.note_no_answer(request, question)
            return page
        form = AnswerForm(request.POST)
        if not form.is_valid():
            messages.error(request, _("Nothing was sent: the answer was empty or too long."))
            return page
        by_phone = question.channel == SupportChannel.PHONE
        say = support.note_call if by_phone else support.answer_by_email
        try:
            say(question, actor=actor, now=now, **form.cleaned_data)
        except (support.ClosedError, support.WrongChannelError):
            messages.error(request, _("Nothing was sent: the question has changed meanwhile."))
        else:
            done = _("The call is noted.") if by_phone else _("The answer is on its way.")
            messages.success(request, done)
        return page

    def note_no_answer(self, request: HttpRequest, question: SupportQuestion) -> None:
        form = CallForm(request.POST)
        try:
            support.note_no_answer(
                question,
                actor=cast("User", request.user),
                form=form.cleaned_data["form"] if form.is_valid() else uuid.uuid4(),
                now=timezone.now(),
            )
        except (support.ClosedError, support.WrongChannelError):
            messages.error(request, _("Nothing was sent: the question has changed meanwhile."))
        else:
            messages.success(request, _("Noted. The question still waits."))

    def work_list(self, request: HttpRequest) -> WorkList | None:
        """Who waits for us, the longest first, with the way they want to be answered."""
        waiting = self.visible_to(request).filter(state=State.OPEN).order_by("moved_at")
        items = [
            WorkItem(
                title=f"{question.get_topic_display()} · {question.get_channel_display()}",
                url=reverse("admin:accounts_supportquestion_change", args=[question.pk]),
                due=question.moved_at + ANSWER_WITHIN,
                is_mine=question.assigned_to_id == request.user.pk,
            )
            for question in waiting[:SHOWN]
        ]
        return WorkList(
            title=_("Questions to answer"),
            items=items,
            empty=_("Nobody waits for an answer."),
            count=waiting.count(),
            url=reverse("admin:accounts_supportquestion_changelist"),
        )


@register_work
def questions_about(person_id: uuid.UUID) -> list[Work]:
    """What somebody has asked and is not over; while it waits, whoever took it needs no other
    reason. Answered, it is one to pick."""
    asked = SupportQuestion.objects.filter(customer=person_id).exclude(state=State.CLOSED)
    return [
        Work(
            basis=Basis.QUESTION,
            reference=str(question.reference),
            label=_("The question of %(day)s: %(topic)s")
            % {
                "day": date_format(timezone.localtime(question.asked_at), "DATE_FORMAT"),
                "topic": question.get_topic_display(),
            },
            rights=(ANSWER,) if question.topic == BILLING else (ANSWER, EVERY),
            handled_by=frozenset(
                [question.assigned_to_id]
                if question.assigned_to_id and question.state == State.OPEN
                else []
            ),
        )
        for question in asked.order_by("-moved_at")
    ]
