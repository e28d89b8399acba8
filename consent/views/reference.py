"""`/reference-program/`: what we may show of whom, where we do, and in which words."""

import uuid
from contextlib import suppress
from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import User
from consent.history import recent_history
from consent.models import ReferenceText, ReferenceUse, SalesCall, Source, Topic
from consent.policy import TAKEDOWN_WITHIN
from consent.reference import services
from consent.reference.forms import ActivityForm, AnswerForm, LimitForm, WordsForm
from consent.reference.program import part_of, recent_calls
from consent.services import SELF, record_choices, record_opt_out, takes_part
from consent.tokens import RecipientToken, read_token
from consent.views.common import broken_link, private_link, shown_on_page, topic_rows

SOURCE = Source.PREFERENCES
FROM_MAIL = Source.MAIL_PREFERENCES


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def reference_program(request: HttpRequest) -> HttpResponse:
    person = cast("User", request.user)
    if request.method == "POST":
        return _choose(request, person)
    now = timezone.now()
    rows = topic_rows(person.pk, source=SOURCE, now=now, kind=Topic.Kind.REFERENCE)
    return render(
        request,
        "consent/reference.html",
        {
            "rows": rows,
            "any_yes": takes_part(person.pk),
            "takes_calls": any(row.is_yes for row in rows if row.topic.slug == services.SALES_CALL),
            "changed": request.GET.get("changed", ""),
            "takedown_days": TAKEDOWN_WITHIN.days,
            "part": part_of(person, now=now),
            "history": recent_history(person.pk, about=services.reference_topics()),
        },
    )


def _choose(request: HttpRequest, person: User) -> HttpResponse:
    form = ActivityForm(request.POST)
    if not form.is_valid():
        return _not_changed(request)
    now, shown = timezone.now(), shown_on_page(wording=form.wording_shown())
    topic: Topic | None = form.cleaned_data["topic"]
    if form.cleaned_data["choice"] == "yes":
        assert topic is not None
        record_choices(person.pk, {topic.pk: True}, source=SOURCE, now=now, shown=shown)
    elif topic is None:
        services.leave_program(person.pk, source=SOURCE, now=now, shown=shown)
        messages.success(request, _("Saved. You take no part in the reference program any more."))
    else:
        record_opt_out(person.pk, [topic.pk], source=SOURCE, now=now, shown=shown, received_at=now)
    where = reverse("reference_program")
    return redirect(
        where if topic is None else f"{where}?changed={topic.number}#topic-{topic.number}"
    )


@login_required
@require_POST
def reference_words(request: HttpRequest, text_id: uuid.UUID) -> HttpResponse:
    """Yes or no to the newest words, or other words instead."""
    person, now = cast("User", request.user), timezone.now()
    text = get_object_or_404(
        ReferenceText.objects.select_related("use"), pk=text_id, use__person=person
    )
    try:
        if "text_nb" in request.POST or "text_en" in request.POST:
            written = WordsForm(request.POST)
            if not written.is_valid():
                messages.error(request, _("Write the text in at least one language."))
                return _back(text.use)
            services.write_text(
                text.use,
                nb=written.cleaned_data["text_nb"],
                en=written.cleaned_data["text_en"],
                by_customer=True,
                actor=SELF,
                now=now,
            )
            messages.success(request, _("Saved. Your words count once we have said yes to them."))
            return _back(text.use)
        form = AnswerForm(request.POST)
        if not form.is_valid():
            return _not_changed(request)
        if form.cleaned_data["answer"] == "yes":
            services.approve_text(text, by_customer=True, actor=SELF, now=now)
            messages.success(request, _("Saved. You have approved these words."))
        else:
            services.decline_text(text, remark=form.cleaned_data["remark"], now=now)
            messages.success(request, _("Saved. These words are not used."))
    except services.ReferenceProgramError:
        _too_late(request)
    return _back(text.use)


@login_required
@require_POST
def reference_use(request: HttpRequest, use_id: uuid.UUID) -> HttpResponse:
    """This one goes, the activity stays granted."""
    use = get_object_or_404(ReferenceUse, pk=use_id, person=cast("User", request.user))
    services.withdraw_use(use, now=timezone.now())
    messages.success(request, _("Saved. This one is taken down."))
    return _back(use)


@login_required
@require_POST
def reference_call(request: HttpRequest, call_id: uuid.UUID) -> HttpResponse:
    """Accept or decline one call."""
    call = get_object_or_404(SalesCall, pk=call_id, person=cast("User", request.user))
    form = AnswerForm(request.POST)
    if not form.is_valid():
        return _not_changed(request)
    accept = form.cleaned_data["answer"] == "yes"
    try:
        services.answer_call(call, accept=accept, now=timezone.now())
    except services.ReferenceProgramError:
        _too_late(request)
    else:
        messages.success(
            request,
            _("Saved. You said yes to this call.") if accept else _("Saved. No call is made."),
        )
    return redirect(reverse("reference_program") + "#calls")


@login_required
@require_POST
def reference_call_limit(request: HttpRequest) -> HttpResponse:
    """At most so many requests a year."""
    form = LimitForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Nothing was changed: write a number from 0 to 12."))
    else:
        services.set_call_limit(cast("User", request.user), form.cleaned_data["a_year"])
        messages.success(request, _("Saved."))
    return redirect(reverse("reference_program") + "#calls")


@require_http_methods(["GET", "HEAD", "POST"])
@private_link
def reference_from_mail(request: HttpRequest, token: str) -> HttpResponse:
    """The program from a mail's link: no to one activity, to all of it, or to a call.

    Mails get forwarded, so it shows no words about anyone, and a yes needs a sign-in.
    """
    read = read_token(token)
    if read is None:
        return broken_link(request)
    if request.method == "POST":
        _refuse(request, read)
        return redirect("reference_from_mail", token=token)
    now = timezone.now()
    rows = topic_rows(read.person_id, source=FROM_MAIL, now=now, kind=Topic.Kind.REFERENCE)
    calls = recent_calls(read.person_id, now=now)
    return render(
        request,
        "consent/reference_from_mail.html",
        {
            "rows": rows,
            "any_yes": takes_part(read.person_id),
            "call": next((each for each in calls if each.answer == SalesCall.Answer.OPEN), None),
        },
    )


def _refuse(request: HttpRequest, token: RecipientToken) -> None:
    now, shown, person_id = timezone.now(), shown_on_page(token), token.person_id
    if "call" in request.POST:
        call = SalesCall.objects.filter(person_id=person_id, answer=SalesCall.Answer.OPEN).first()
        if call is not None and str(call.pk) == request.POST["call"]:
            # Too late to answer is a no as well.
            with suppress(services.ReferenceProgramError):
                services.answer_call(call, accept=False, now=now)
        messages.success(request, _("Saved. No call is made."))
        return
    form = ActivityForm(request.POST)
    if not form.is_valid() or form.cleaned_data["choice"] != "no":
        _say_nothing_changed(request)
        return
    topic: Topic | None = form.cleaned_data["topic"]
    if topic is None:
        services.leave_program(person_id, source=FROM_MAIL, now=now, shown=shown)
        messages.success(request, _("Saved. You take no part in the reference program any more."))
    else:
        record_opt_out(
            person_id, [topic.pk], source=FROM_MAIL, now=now, shown=shown, received_at=now
        )
        messages.success(request, _("Saved. What we show of it is taken down."))


def _back(use: ReferenceUse) -> HttpResponse:
    return redirect(reverse("reference_program") + f"#use-{use.pk}")


def _not_changed(request: HttpRequest) -> HttpResponse:
    _say_nothing_changed(request)
    return redirect("reference_program")


def _say_nothing_changed(request: HttpRequest) -> None:
    messages.error(request, _("Nothing was changed: choose one of the buttons on the page."))


def _too_late(request: HttpRequest) -> None:
    messages.error(
        request, _("Nothing was changed: this has been decided or replaced meanwhile. See below.")
    )
