"""`/p/<token>/`: the preference centre from a mail, without a sign-in.

Mails get forwarded, so this door says no, pauses, and undoes that within the hour; a yes goes
through a mail of its own.
"""

from allauth.core import ratelimit
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from consent import services
from consent.choices import FromMailForm
from consent.models import Source, State, Topic
from consent.policy import CONFIRM_YES_PERIOD, PAUSE_MONTHS
from consent.tokens import Purpose, RecipientToken, read_token
from consent.topics import topic_id
from consent.views.common import broken_link, private_link, shown_on_page, topic_rows


@require_http_methods(["GET", "HEAD", "POST"])
@private_link
def preferences_from_mail(request: HttpRequest, token: str) -> HttpResponse:
    read = read_token(token)
    if read is None:
        return broken_link(request)
    if request.method == "POST":
        act(request, read)
        return redirect("preferences_from_mail", token=token)
    now = timezone.now()
    rows = topic_rows(read.person_id, source=Source.MAIL_PREFERENCES, now=now)
    return render(
        request,
        "consent/preferences_from_mail.html",
        {
            "rows": rows,
            "in_program": services.takes_part(read.person_id),
            "can_undo": any(
                services.can_undo(last, source=Source.MAIL_PREFERENCES, now=now)
                for last in services.last_changes(read.person_id).values()
            ),
            "pause_months": PAUSE_MONTHS,
        },
    )


def act(request: HttpRequest, token: RecipientToken) -> None:
    form = FromMailForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Nothing was changed: choose one of the buttons on the page."))
        return
    now, shown = timezone.now(), shown_on_page(token)
    source, person = Source.MAIL_PREFERENCES, token.person_id
    action, topic = form.cleaned_data["action"], form.cleaned_data["topic"]
    if action == "no":
        topics = [topic.pk] if topic else services.everything_optional(person)
        services.record_opt_out(
            person, topics, source=source, now=now, shown=shown, received_at=now
        )
        messages.success(request, _("Saved. Nothing more of this will be sent."))
    elif action == "pause":
        services.record_pause(
            person,
            services.everything_optional(person),
            months=form.cleaned_data["months"],
            source=source,
            now=now,
            shown=shown,
        )
        messages.success(request, _("Saved. Optional email rests until the date shown."))
    elif action == "undo":
        services.undo_latest(person, source=source, now=now, shown=shown)
        messages.success(request, _("Undone. Everything is as it was before."))
    else:
        if ratelimit.consume(request, action="confirm_yes", key=str(person)):
            services.ask_to_confirm_yes(person, topic, now=now)
        messages.info(
            request,
            _(
                "We have sent an email with a link that confirms your yes. "
                "Nothing changes before you use it."
            ),
        )


@require_http_methods(["GET", "HEAD", "POST"])
@private_link
def confirm_choice(request: HttpRequest, token: str) -> HttpResponse:
    """The link of the confirmation mail: GET asks, POST says yes."""
    now = timezone.now()
    read = read_token(token, purpose=Purpose.CONFIRM_YES)
    named = None if read is None else topic_id(read.topic)
    if read is None or named is None or now - read.issued_at >= CONFIRM_YES_PERIOD:
        return broken_link(request)
    topic = Topic.objects.with_wording().get(pk=named)
    if topic.retired_at is not None:  # nobody is asked for it any more
        return broken_link(request)
    standing = services.current_preferences(read.person_id).get(named)
    done = True if standing is not None and standing.state == State.GRANTED else None
    if request.method == "POST":
        done = services.confirm_yes(
            read.person_id,
            named,
            version=read.choice_version,
            now=now,
            shown=shown_on_page(),
        )
    return render(
        request,
        "consent/confirm_choice.html",
        {"topic": topic, "done": done, "is_mail": topic.kind == Topic.Kind.MAIL},
    )
