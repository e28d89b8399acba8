"""A customer's contact lists, and the contacts in one of them."""

import uuid
from collections.abc import Iterator
from urllib.parse import urlencode

from django.contrib import messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from foundation.tenants import as_tenant
from messaging import policy
from messaging.content import services
from messaging.content.columns import FIELDS
from messaging.content.downloads import stream_csv
from messaging.content.forms import ContactForm, ListForm, SearchForm, as_sentence
from messaging.content.querysets import (
    TooWide,
    find_contacts,
    in_pieces,
    lists_of,
    lists_with,
    opted_out,
    page_of,
    patiently,
    said_no,
    up_to,
    with_sizes,
)
from messaging.content.signals import ContentHeld
from messaging.models import (
    Contact,
    ContactList,
    ContactOptOut,
    ListUpload,
    UploadPart,
    UploadProblem,
)
from messaging.views.own import country_of, own_content, own_page


@require_http_methods(["GET", "HEAD", "POST"])
@own_content
def show_lists(request: HttpRequest, person: User) -> HttpResponse:
    """GET shows them, or those that a contact is in; POST makes an empty one."""
    form = ListForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        name = form.cleaned_data["list_name"]
        made = services.make_list(name, customer_id=person.pk, now=timezone.now())
        return redirect("list", list_id=made.pk)
    search, words = asked_for(request)
    lists: QuerySet[ContactList] | None = lists_of(person.pk)
    if words:
        lists = lists_with(words, customer_id=person.pk, country=country_of(person))
    context = {
        "lists": [] if lists is None else with_sizes(lists),
        "is_understood": lists is not None,
        "words": words,
        "search": search,
        "uploads": ListUpload.objects.filter(customer=person)[:5],
        "opt_outs": ContactOptOut.objects.filter(customer=person).count(),
        "form": form,
        "section": "lists",
    }
    return render(request, "messaging/content/lists.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@own_content
def show_list(request: HttpRequest, person: User, list_id: uuid.UUID) -> HttpResponse:
    """GET browses and searches; POST adds a contact."""
    contact_list = own_list(person, list_id)
    form = ContactForm(
        request.POST if request.method == "POST" else None, country=country_of(person)
    )
    if form.is_valid():
        try:
            services.add_contact(contact_list, form.cleaned_data, now=timezone.now())
        except services.Refused as refused:
            form.add_error(refused.field, as_sentence(refused.reason))
        else:
            messages.success(request, _("The contact is in the list."))
            return redirect("list", list_id=list_id)
    search, words = asked_for(request)
    found = find_contacts(contact_list, words, country=country_of(person))
    before = key_in(request)
    is_whole = before is None and not words
    contacts: list[Contact] = []
    older = size = None
    too_wide = False
    try:
        # A step of its own within the page's: what takes too long ends that alone.
        with transaction.atomic():
            contacts, older = patiently(lambda: page_of(found, before))
            # Shown where the list begins, and counted nowhere else.
            size = patiently(found.count) if is_whole else None
    except TooWide:
        too_wide = True
    context = {
        "list": contact_list,
        "size": size,
        "is_empty": is_whole and not contacts and not too_wide,
        "too_wide": too_wide,
        "contacts": contacts,
        "opted_out": said_no(contacts, customer_id=person.pk),
        "older": older,
        "is_first": before is None,
        "words": words,
        "query": urlencode({"q": words} if words else {}),
        "search": search,
        "form": form,
        "section": "lists",
    }
    return render(request, "messaging/content/list.html", context)


@own_content
@require_POST
def remove_contact(
    request: HttpRequest, person: User, list_id: uuid.UUID, contact_id: uuid.UUID
) -> HttpResponse:
    contact = get_object_or_404(Contact, customer=person, contact_list_id=list_id, pk=contact_id)
    try:
        services.remove_contact(contact, now=timezone.now())
    except ContentHeld:
        messages.warning(request, held_words())
    else:
        messages.success(request, _("%(contact)s is out of the list.") % {"contact": contact})
    return redirect("list", list_id=list_id)


@require_safe
@own_page
def export_list(request: HttpRequest, person: User, list_id: uuid.UUID) -> HttpResponseBase:
    """The names of the columns are ClickSend's, and our own upload knows them again.

    Whoever said no and is still held is no part of it: the file is for sending.
    """
    with as_tenant(person.pk):
        contact_list = own_list(person, list_id)
    found = find_contacts(contact_list, "", country="").exclude(opted_out())

    def rows() -> Iterator[list[str]]:
        for contact in in_pieces(found, list, customer_id=person.pk):
            yield [getattr(contact, name) for name in FIELDS]

    return stream_csv("contacts", FIELDS, rows())


@require_http_methods(["GET", "HEAD", "POST"])
@own_page
def delete_list(request: HttpRequest, person: User, list_id: uuid.UUID) -> HttpResponse:
    """GET says what goes; POST deletes it, in batches. A large one goes by a worker, from the page
    of such requests."""
    with as_tenant(person.pk):
        contact_list = own_list(person, list_id)
        size = up_to(contact_list.contacts.all(), policy.DELETED_AT_ONCE)
        uploads = ListUpload.objects.filter(customer=person, contact_list=contact_list)
        files = uploads.count()
        rows = size + sum(
            up_to(model.objects.filter(upload__in=uploads), policy.DELETED_AT_ONCE)
            for model in (UploadProblem, UploadPart)
        )
    if rows > policy.DELETED_AT_ONCE:
        messages.info(request, in_background_words())
        return redirect(f"{reverse('list_deletion')}?look=1&contact_list={list_id}")
    if request.method != "POST":
        context = {"list": contact_list, "size": size, "files": files, "section": "lists"}
        return render(request, "messaging/content/list_delete.html", context)
    try:
        gone = services.delete_list(list_id, customer_id=person.pk, now=timezone.now())
    except ContentHeld:
        messages.warning(request, held_words())
        return redirect("list", list_id=list_id)
    said = ngettext(
        "“%(name)s” and its one contact are deleted.",
        "“%(name)s” and its %(number)s contacts are deleted.",
        gone,
    )
    messages.success(request, said % {"name": contact_list.list_name, "number": gone})
    return redirect("lists")


def own_list(person: User, list_id: uuid.UUID) -> ContactList:
    found: ContactList = get_object_or_404(ContactList, customer=person, pk=list_id)
    return found


def asked_for(request: HttpRequest) -> tuple[SearchForm, str]:
    search = SearchForm(request.GET)
    return search, search.cleaned_data["q"].strip() if search.is_valid() else ""


def key_in(request: HttpRequest) -> uuid.UUID | None:
    """Where the page begins; the beginning when the address was mangled."""
    try:
        return uuid.UUID(request.GET.get("before", ""))
    except ValueError:
        return None


def held_words() -> str:
    return _(
        "This cannot be deleted now: it must be kept for a dispute or an authority. Ask us, and we "
        "say more."
    )


def in_background_words() -> str:
    return _(
        "So much is deleted in the background: you see how far it is, and get a receipt by email."
    )
