"""Ask us, and read what was answered."""

import uuid

from allauth.core import ratelimit
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts import support
from accounts.models import SupportQuestion
from accounts.support_forms import CustomerQuestionForm, EntryForm, StrangerQuestionForm
from accounts.views.private import secret_address, signed_in_person
from foundation.addresses import normalise_address

TOO_MANY = "too_many"


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def support_page(request: HttpRequest) -> HttpResponse:
    """A customer's questions, and a form for a new one."""
    person = signed_in_person(request)
    form = CustomerQuestionForm(request.POST if request.method == "POST" else None, user=person)
    if form.is_valid() and not too_many(request, form, action="question", key=str(person.pk)):
        question = support.ask(
            customer=person,
            language=get_language() or "nb",
            now=timezone.now(),
            **form.cleaned_data,
        )
        messages.success(request, _("We have your question, and a confirmation is on its way."))
        return redirect("account_support_thread", reference=question.reference)
    questions = SupportQuestion.objects.filter(customer=person)
    context = {"form": form, "questions": questions}
    return render(request, "accounts/support.html", context, status=status_of(form))


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def support_thread(request: HttpRequest, reference: uuid.UUID) -> HttpResponse:
    person = signed_in_person(request)
    question = get_object_or_404(SupportQuestion, reference=reference, customer=person)
    return thread(request, question, "accounts/support_thread.html")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def contact(request: HttpRequest) -> HttpResponse:
    """How to reach us, and a form for whoever is not signed in."""
    if request.method == "POST" and request.user.is_authenticated:
        return support_page(request)
    form = StrangerQuestionForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and not too_many(
        request, form, action="contact", key=normalise_address(form.cleaned_data["email"])
    ):
        support.ask(
            customer=None, language=get_language() or "nb", now=timezone.now(), **form.cleaned_data
        )
        return redirect("contact_sent")
    return render(request, "accounts/contact.html", {"form": form}, status=status_of(form))


@require_http_methods(["GET", "HEAD"])
def contact_sent(request: HttpRequest) -> HttpResponse:
    return render(request, "accounts/contact_sent.html")


@secret_address
@require_http_methods(["GET", "HEAD", "POST"])
def contact_thread(request: HttpRequest, reference: uuid.UUID) -> HttpResponse:
    """A stranger's, by the address in their mail; a customer's own needs the sign-in."""
    question = get_object_or_404(SupportQuestion, reference=reference, customer=None)
    return thread(request, question, "accounts/contact_thread.html")


def thread(request: HttpRequest, question: SupportQuestion, template: str) -> HttpResponse:
    """Everything that was said, and saying more or that it is over."""
    now = timezone.now()
    if request.method == "POST" and "close" in request.POST:
        support.close(question, now=now)
        return redirect(request.path)
    form = EntryForm(request.POST if request.method == "POST" else None)
    form.fields["text"].label = _("Say more")
    if form.is_valid() and not too_many(
        request, form, action="question_more", key=str(question.pk)
    ):
        try:
            support.add(question, now=now, **form.cleaned_data)
        except support.ClosedError:
            messages.warning(request, _("This question is closed. Ask a new one."))
        return redirect(request.path)
    context = {"question": question, "entries": question.entries.all(), "form": form}
    return render(request, template, context, status=status_of(form))


def too_many(request: HttpRequest, form: EntryForm, *, action: str, key: str) -> bool:
    """Whether it is refused for now; what was written stays in the form."""
    if ratelimit.consume(request, action=action, key=key):
        return False
    form.add_error(
        None,
        ValidationError(
            _(
                "That was much in a short time. Nothing was sent: send it again in an hour, or "
                "call us."
            ),
            code=TOO_MANY,
        ),
    )
    return True


def status_of(form: EntryForm) -> int:
    return 429 if form.has_error(NON_FIELD_ERRORS, TOO_MANY) else 200
