"""What one looks at beside a mailing's own page: previews, progress, the report."""

import uuid
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from consent.models import Topic
from foundation.staff import BaseAdmin
from messaging.admin.chart import Chart
from messaging.admin.forms import TEXTS
from messaging.admin.panel import Line, lines, panel
from messaging.admin.preview import (
    mail_document,
    preview_choices,
    preview_links,
    text_document,
)
from messaging.admin.words import reason_words
from messaging.models import Campaign, Mailing
from messaging.rendering import render_preview
from messaging.rendering.errors import CannotCompose
from messaging.report import Report, report

# More than any mail that may be approved; drawn at every pause in typing.
DRAFT_LENGTH = 100_000
PAGES = ("change", "preview", "preview_mail", "progress", "report", "links")


class NoDraftError(Exception):
    """What is written cannot be shown as a mail yet; the message says what is missing."""


class MailingPages(BaseAdmin):
    """The addresses of one mailing, and those that show and change nothing."""

    # A kind of mailing that has more to say in the panel names a template here.
    extra_panel_template = ""

    def may_act(self, request: HttpRequest) -> bool:
        return super().has_change_permission(request)

    def address(self, page: str, *arguments: Any) -> str:
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_{page}"
        return reverse(name, args=arguments)

    def addresses(self, mailing: Mailing) -> dict[str, str]:
        return {page: self.address(page, mailing.pk) for page in PAGES}

    def mailing_or_404(self, request: HttpRequest, pk: uuid.UUID) -> Any:
        mailing = self.get_object(request, str(pk))
        if not self.has_view_permission(request, mailing):
            raise PermissionDenied
        if mailing is None:
            raise Http404
        return mailing

    def panel(self, request: HttpRequest, mailing: Mailing) -> dict[str, Any]:
        context = panel(mailing, may_act=self.may_act(request), now=timezone.now())
        return {
            **context,
            "extra_panel_template": self.extra_panel_template,
            "opts": self.opts,
            "mailing_urls": self.addresses(mailing),
            "steps": [
                (step, self.address("step", mailing.pk, step.name)) for step in context["steps"]
            ],
            **self.extra_panel(request, mailing),
        }

    def extra_panel(self, request: HttpRequest, mailing: Mailing) -> dict[str, Any]:
        """What a kind of mailing adds to the panel, for its `extra_panel_template`."""
        return {}

    def page_context(self, request: HttpRequest, mailing: Mailing, title: str) -> dict[str, Any]:
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": title,
            "mailing": mailing,
            "mailing_urls": self.addresses(mailing),
        }

    def show_progress(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        """The panel alone, for htmx; without JavaScript one reloads the page."""
        mailing = self.mailing_or_404(request, pk)
        if mailing.state == Mailing.State.APPROVED:
            # It still waits for its hour; to count the audience again for that costs seconds.
            return HttpResponse(status=204)
        return TemplateResponse(
            request, "admin/messaging/mailing/panel.html", self.panel(request, mailing)
        )

    def show_preview(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        mailing = self.mailing_or_404(request, pk)
        look = preview_choices(request.GET)
        context = {
            **self.page_context(request, mailing, _("Preview")),
            "mail": render_preview(mailing, look["language"]),
            "preheader": mailing.text("preheader", look["language"]),
            "look": look,
            "choices": preview_links(look),
        }
        return TemplateResponse(request, "admin/messaging/mailing/preview.html", context)

    def show_mail(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        mailing = self.mailing_or_404(request, pk)
        look = preview_choices(request.GET)
        rendered = render_preview(mailing, look["language"])
        return mail_document(rendered.html, dark=look["scheme"] == "dark")

    def show_draft(self, request: HttpRequest) -> HttpResponse:
        """The texts as they stand in the form, unsaved: nothing is kept, nothing else is read."""
        if not (self.has_add_permission(request) or self.may_act(request)):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        look = preview_choices(request.POST, "look_")
        dark = look["scheme"] == "dark"
        try:
            mailing = self.draft_of(request)
            mail = render_preview(mailing, look["language"])
        # What cannot be written as a mail yet is said where the mail would stand.
        except (NoDraftError, CannotCompose) as error:
            page = render_to_string("admin/messaging/mailing/no_draft.html", {"why": str(error)})
            return mail_document(page, dark=dark)
        if look["width"] == "text":
            return text_document(mail.text, language=look["language"], dark=dark)
        return mail_document(mail.html, dark=dark)

    def draft_of(self, request: HttpRequest) -> Mailing:
        texts = {name: request.POST.get(name, "")[:DRAFT_LENGTH] for name in TEXTS}
        draft: Mailing = self.model(**texts)
        if hasattr(draft, "category"):
            draft.category = request.POST.get("category", "")
        if isinstance(draft, Campaign):
            draft.topic_id = _topic_of(request.POST.get("topic", ""))
        return draft

    def show_report(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        mailing = self.mailing_or_404(request, pk)
        found = report(mailing)
        context = {
            **self.page_context(request, mailing, _("Report")),
            "report": found,
            "figures": figures(found),
            "withheld": lines(found.withheld),
            "failed": [
                Line(words=reason_words(why) or _("no reason was given"), number=number)
                for why, number in found.failed.items()
            ],
            "chart": Chart(found.over_time, found.width) if len(found.over_time) > 1 else None,
            "single": found.over_time[0] if len(found.over_time) == 1 else None,
            "width": _width_words(found),
            "is_campaign": isinstance(mailing, Campaign),
        }
        return TemplateResponse(request, "admin/messaging/mailing/report.html", context)


def figures(found: Report) -> list[tuple[str, str, str]]:
    """Per row of the table: what it is, how many, and what that number means."""
    rows = [
        (_("Sent"), found.sent, _("accepted by the next mail server")),
        (
            _("Delivered"),
            found.delivered,
            _("the mail provider told so")
            if found.delivered is not None
            else _("nobody tells: over SMTP the next server's yes is all there is"),
        ),
        (
            _("Bounced"),
            found.bounced,
            _("came back, or was refused for good at once (then also under Failed)"),
        ),
        (_("Complained"), found.complained, _("reported as unwanted")),
        (_("Withheld"), sum(found.withheld.values()), _("not sent, for the reasons below")),
        (_("Failed"), sum(found.failed.values()), _("refused for good by the mail server")),
        (_("In doubt"), found.in_doubt, _("the connection was lost; not sent again")),
        (_("Waiting"), found.waiting, _("not handed over yet")),
    ]
    if found.opted_out is not None:
        words = _("unsubscribed by a link or a button of this campaign")
        rows.append((_("Opted out"), found.opted_out, words))
    return [(title, "–" if number is None else str(number), words) for title, number, words in rows]


def _width_words(found: Report) -> str:
    seconds = int(found.width.total_seconds())
    if seconds < 60:
        return ngettext("%(n)d second", "%(n)d seconds", seconds) % {"n": seconds}
    minutes = seconds // 60
    if minutes < 60:
        return ngettext("%(n)d minute", "%(n)d minutes", minutes) % {"n": minutes}
    hours = minutes // 60
    if hours < 24:
        return ngettext("%(n)d hour", "%(n)d hours", hours) % {"n": hours}
    return ngettext("%(n)d day", "%(n)d days", hours // 24) % {"n": hours // 24}


def _topic_of(asked: str) -> uuid.UUID:
    """The footer names the topic, so without one there is no mail to show."""
    try:
        found = Topic.objects.mail().filter(pk=uuid.UUID(asked)).first()
    except ValueError:
        found = None
    if found is None:
        raise NoDraftError(_("Choose a topic first: the end of the email names it."))
    pk: uuid.UUID = found.pk
    return pk
