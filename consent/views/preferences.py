"""`/preferences/`: the preference centre of a signed-in person."""

from datetime import datetime
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.models import User
from consent import services
from consent.choices import SignedInForm
from consent.gpc import asks_for_privacy, varies_on_gpc
from consent.history import recent_history
from consent.models import Source, Topic
from consent.policy import PAUSE_MONTHS
from consent.views.common import shown_on_page, topic_rows

SOURCE = Source.PREFERENCES


@never_cache
@varies_on_gpc
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def preferences(request: HttpRequest) -> HttpResponse:
    assert isinstance(request.user, User)
    if request.method == "POST":
        return act(request, request.user)
    now = timezone.now()
    rows = topic_rows(request.user.pk, source=SOURCE, now=now)
    program = topic_rows(request.user.pk, source=SOURCE, now=now, kind=Topic.Kind.REFERENCE)
    in_program = services.takes_part(request.user.pk)
    return render(
        request,
        "consent/preferences.html",
        {
            "rows": rows,
            "tailoring": topic_rows(
                request.user.pk, source=SOURCE, now=now, kind=Topic.Kind.TAILORING
            ),
            "gpc": asks_for_privacy(request),
            "changed": request.GET.get("changed", ""),
            "any_yes": in_program or any(row.is_yes for row in rows),
            "any_open": in_program or any(not row.is_no for row in rows),
            "in_program": in_program,
            "paused_until": max((row.paused_until for row in (*rows, *program)), default=""),
            "pause_months": PAUSE_MONTHS,
            "history": recent_history(request.user.pk),
        },
    )


def act(request: HttpRequest, person: User) -> HttpResponse:
    form = SignedInForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Nothing was changed: choose one of the buttons on the page."))
        return redirect("preferences")
    changed = apply(person, form, now=timezone.now())
    topic: Topic | None = form.cleaned_data["topic"]
    if request.htmx and topic is not None:  # type: ignore[attr-defined]
        return show_row(request, person, topic)
    where = reverse("preferences")
    if changed and topic is not None:
        where += "?" + urlencode({"changed": topic.number}) + f"#topic-{topic.number}"
    elif changed:
        where += "?" + urlencode({"changed": form.cleaned_data["action"]})
    return redirect(where)


def apply(person: User, form: SignedInForm, *, now: datetime) -> bool:
    """What the form asked for; whether anything changed."""
    shown = shown_on_page(wording=form.wording_shown())
    action, topic = form.cleaned_data["action"], form.cleaned_data["topic"]
    if action == "undo" and topic is None:
        return bool(services.undo_latest(person.pk, source=SOURCE, now=now, shown=shown))
    if action == "undo":
        return services.undo_last(person.pk, topic.pk, source=SOURCE, now=now, shown=shown)
    if action == "yes":
        return bool(
            services.record_choices(
                person.pk, {topic.pk: True}, source=SOURCE, now=now, shown=shown
            )
        )
    if action == "no":
        topics = [topic.pk] if topic else services.everything_optional(person.pk)
        return bool(
            services.record_opt_out(
                person.pk, topics, source=SOURCE, now=now, shown=shown, received_at=now
            )
        )
    return bool(
        services.record_pause(
            person.pk,
            services.everything_optional(person.pk),
            months=form.cleaned_data["months"],
            source=SOURCE,
            now=now,
            shown=shown,
        )
    )


def show_row(request: HttpRequest, person: User, topic: Topic) -> HttpResponse:
    """The one row that changed, with its undo, and the history it is now part of."""
    rows = topic_rows(person.pk, source=SOURCE, now=timezone.now(), kind=Topic.Kind(topic.kind))
    row = next(row for row in rows if row.topic == topic)
    return render(
        request,
        "consent/partials/changed_row.html",
        {
            "row": row,
            "changed": str(topic.number),
            "history": recent_history(person.pk),
        },
    )
