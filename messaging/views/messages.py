"""A customer's messages: looked up, taken along, deleted."""

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from foundation.tenants import as_tenant
from messaging import policy
from messaging.content import services
from messaging.content.downloads import stream_csv
from messaging.content.forms import MessageForm
from messaging.content.querysets import (
    Message,
    MessageFilter,
    TooWide,
    find_messages,
    in_pieces,
    page_of,
    patiently,
    up_to,
    with_content,
)
from messaging.content.signals import ContentHeld
from messaging.models import MessageRecord
from messaging.views.lists import held_words, in_background_words, key_in
from messaging.views.own import country_of, own_page

# The columns of a download; ClickSend's names.
RECORD = ("message_id", "kind", "direction", "status", "message_parts", "message_price", "currency",
          "country", "carrier")  # fmt: skip
CONTENT = ("sent_from", "sent_to", "body", "first_name", "last_name", "custom_string")
NAMES = ("date", *RECORD, "from", "to", *CONTENT[2:])


@require_safe
@own_page
def show_messages(request: HttpRequest, person: User) -> HttpResponse:
    form, wanted = asked_for(request.GET, person)
    shown: list[Message] = []
    older = None
    too_wide = False
    if wanted is not None:
        found = find_messages(wanted, customer_id=person.pk)
        try:
            with as_tenant(person.pk):
                records, older = patiently(lambda: page_of(found, key_in(request)))
                shown = with_content(records)
        except TooWide:
            too_wide = True
    context = {
        "form": form,
        "shown": shown,
        "older": older,
        "is_first": key_in(request) is None,
        "too_wide": too_wide,
        "months": policy.MESSAGE_CONTENT_MONTHS,
        "years": policy.MESSAGE_RECORD_MONTHS // 12,
        "query": urlencode(chosen(request.GET)),
        "is_filtered": bool(chosen(request.GET)),
        "section": "messages",
    }
    return render(request, "messaging/content/messages.html", context)


@require_safe
@own_page
def export_messages(request: HttpRequest, person: User) -> HttpResponseBase:
    """What the page shows, all of it; what was said is empty where it is no longer kept."""
    _form, wanted = asked_for(request.GET, person)
    found = find_messages(wanted or MessageFilter(), customer_id=person.pk)

    def rows() -> Iterator[list[object]]:
        for message in in_pieces(found, with_content, customer_id=person.pk):
            record, content = message.record, message.content
            yield [
                record.date.isoformat(),
                *(getattr(record, name) for name in RECORD),
                *(getattr(content, name) if content else "" for name in CONTENT),
            ]

    return stream_csv("messages", NAMES, rows())


@require_http_methods(["GET", "HEAD", "POST"])
@own_page
def delete_messages(request: HttpRequest, person: User) -> HttpResponse:
    """GET says how many go; POST deletes those, in batches, if they are still as many. What is too
    much for that goes by a worker, from the page of such requests.

    A message reported meanwhile may bear any date, for its key says when it was sent and not when
    it came: where the count differs, what would go is shown anew.
    """
    form, wanted = asked_for(asked_in(request), person)
    if wanted is None:
        return redirect("messages")
    if request.method != "POST":
        return confirm_deletion(request, person, wanted)
    found = find_messages(wanted, customer_id=person.pk)
    try:
        with as_tenant(person.pk):
            size = patiently(lambda: up_to(found, policy.DELETED_AT_ONCE))
    except TooWide:
        return to_shorter_period(request)
    if size > policy.DELETED_AT_ONCE:
        return to_background(request)
    if size != form.cleaned_data["size"]:
        messages.warning(request, _("Your messages have changed meanwhile. Look at it once more."))
        return confirm_deletion(request, person, replace(wanted, newest=None))
    try:
        gone = services.delete_messages(wanted, customer_id=person.pk, now=timezone.now())
    except ContentHeld:
        messages.warning(request, held_words())
        return redirect("messages")
    said = ngettext("One message is deleted.", "%(number)s messages are deleted.", gone)
    messages.success(request, said % {"number": gone})
    return redirect("messages")


def confirm_deletion(request: HttpRequest, person: User, wanted: MessageFilter) -> HttpResponse:
    found = find_messages(wanted, customer_id=person.pk)
    newest: MessageRecord | None = None
    size: int | None = None
    try:
        with as_tenant(person.pk):
            newest = patiently(found.first)
            size = patiently(lambda: up_to(found, policy.DELETED_AT_ONCE))
    except TooWide:
        return to_shorter_period(request)
    if size > policy.DELETED_AT_ONCE:
        return to_background(request)
    context = {
        "size": size,
        "newest": newest,
        "chosen": chosen(asked_in(request)).items(),
        "is_filtered": bool(chosen(asked_in(request))),
        "section": "messages",
    }
    return render(request, "messaging/content/messages_delete.html", context)


def to_background(request: HttpRequest) -> HttpResponse:
    """A worker deletes whole days; what was chosen by words or status must become less first."""
    asked = chosen(asked_in(request))
    if "q" in asked or "status" in asked:
        number = number_format(policy.DELETED_AT_ONCE, force_grouping=True)
        messages.warning(request, too_many_words() % {"number": number})
        return redirect(f"{reverse('messages')}?{urlencode(asked)}")
    messages.info(request, in_background_words())
    return redirect(f"{reverse('messages_deletion')}?{urlencode({'look': 1} | asked)}")


def too_many_words() -> str:
    return _(
        "More than %(number)s messages fit: too many to delete at once by words or status. Choose "
        "a shorter period, or leave out words and status: all messages of a period are deleted in "
        "the background."
    )


def to_shorter_period(request: HttpRequest) -> HttpResponse:
    messages.warning(request, _("That search takes too long. Choose a shorter period."))
    return redirect(f"{reverse('messages')}?{urlencode(chosen(asked_in(request)))}")


def asked_in(request: HttpRequest) -> QueryDict:
    return request.POST if request.method == "POST" else request.GET


def asked_for(data: QueryDict, person: User) -> tuple[MessageForm, MessageFilter | None]:
    """None where the question makes no sense; the form says why."""
    form = MessageForm(data)
    return form, form.wanted(country=country_of(person)) if form.is_valid() else None


def chosen(data: QueryDict) -> dict[str, str]:
    """What somebody chose of the form, for the next page's address."""
    return {name: str(data[name]) for name in ("q", "since", "until", "status") if data.get(name)}
