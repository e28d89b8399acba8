"""`/u/<token>/`: GET shows, POST acts, for people and for mail programs (RFC 8058)."""

import uuid
from dataclasses import replace
from datetime import datetime

from django.contrib import messages
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.multipartparser import MultiPartParserError
from django.http.request import UnreadablePostError
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from consent import services
from consent.models import Source, State, Topic
from consent.services import Shown
from consent.tokens import RecipientToken, read_token
from consent.topics import topic_id
from consent.views.common import broken_link, private_link, shown_on_page

ONE_CLICK = ("List-Unsubscribe", "One-Click")


@csrf_exempt  # a mail program has no cookie; the token is the authority
@require_http_methods(["GET", "HEAD", "POST"])
@private_link
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    received_at = timezone.now()
    read = read_token(token)
    if read is None:
        # Nothing was done, and a mail program must not tell its user otherwise.
        return broken_link(request, status=404 if request.method == "POST" else 200)
    if request.method != "POST":
        return show_choice(request, read, now=received_at)
    fields = posted(request)
    if is_mail_program(fields):
        opt_out(read, everything=False, source=Source.ONE_CLICK, received_at=received_at)
        return HttpResponse("OK", content_type="text/plain")
    if fields.get("action") == "undo":
        if services.undo_latest(
            read.person_id, source=Source.LINK, now=received_at, shown=shown_on_page(read)
        ):
            messages.success(request, _("Undone. Everything is as it was before."))
    else:
        everything = fields.get("scope") == "all"
        opt_out(read, everything=everything, source=Source.LINK, received_at=received_at)
        if everything:
            read = replace(read, topic=0)
    return show_choice(request, read, now=timezone.now())


def posted(request: HttpRequest) -> QueryDict:
    """The fields of the body; none where Django cannot read it, such as a charset other than UTF-8.

    Whoever posts to this address wants out, and must not be told that their program is at fault.
    """
    try:
        return request.POST
    except (BadRequest, SuspiciousOperation, MultiPartParserError, UnreadablePostError):
        return QueryDict()


def is_mail_program(fields: QueryDict) -> bool:
    """RFC 8058, section 3.2, or anything else that no button of our page sends."""
    return fields.get(ONE_CLICK[0]) == ONE_CLICK[1] or not fields.keys() & {"action", "scope"}


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@private_link
def broken_unsubscribe(request: HttpRequest, rest: str) -> HttpResponse:
    """A link with something stuck to it, such as the bracket behind it in a header."""
    return broken_link(request, status=404 if request.method == "POST" else 200)


def opt_out(
    token: RecipientToken, *, everything: bool, source: Source, received_at: datetime
) -> list[uuid.UUID]:
    """The one door, with what the person saw: the wording their mail was about."""
    named = topic_id(token.topic)
    topics = [] if named is None else [named]
    if everything or named is None:
        # What the mail is about is in it, whatever its kind.
        topics = list({*services.everything_optional(token.person_id), *topics})
    shown = (
        Shown(wording_version=token.wording_version or None, mailing=token.mailing)
        if source == Source.ONE_CLICK
        else shown_on_page(token)
    )
    return services.record_opt_out(
        token.person_id,
        topics,
        source=source,
        now=timezone.now(),
        shown=shown,
        received_at=received_at,
    )


def show_choice(request: HttpRequest, token: RecipientToken, *, now: datetime) -> HttpResponse:
    """Asks while there is something to stop; afterwards says what stopped, what still comes, undo.

    For someone who does not exist there is nothing to stop: the page of someone who said no.
    """
    preferences = services.current_preferences(token.person_id)
    changes = services.last_changes(token.person_id)
    asked = Q(kind=Topic.Kind.MAIL) | Q(number=token.topic, kind=Topic.Kind.REFERENCE)
    topics = list(Topic.objects.filter(asked).with_wording())

    def is_yes(topic: Topic) -> bool:
        preference = preferences.get(topic.pk)
        return preference is not None and preference.state == State.GRANTED

    named = next((topic for topic in topics if topic.number == token.topic), None)
    mails = [topic for topic in topics if topic.kind == Topic.Kind.MAIL]
    coming = [topic for topic in mails if is_yes(topic) and topic.retired_at is None]
    in_program = services.takes_part(token.person_id)
    asking = is_yes(named) if named is not None else bool(coming) or in_program
    return render(
        request,
        "consent/unsubscribe.html" if asking else "consent/unsubscribed.html",
        {
            "topic": named,
            "program": named is not None and named.kind == Topic.Kind.REFERENCE,
            "in_program": in_program,
            "coming": [topic for topic in coming if topic != named],
            "can_undo": any(
                services.can_undo(last, source=Source.LINK, now=now) for last in changes.values()
            ),
            "preferences_token": request.path.rstrip("/").rpartition("/")[2],
        },
    )
