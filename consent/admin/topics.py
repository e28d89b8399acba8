"""Topics: added, given new words, retired. And suppressed addresses, to look at."""

import uuid
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from consent.models import Suppression, Topic
from consent.topic_services import Words, add_topic, reach_of, retire_topic, reword_topic
from foundation.staff import BaseAdmin, ReadOnlyAdmin, choice_filter, shown

if TYPE_CHECKING:
    BaseForm = forms.ModelForm[Topic]
else:
    BaseForm = forms.ModelForm

LANGUAGES = ("portal-languages",)
WORDS = ("name_nb", "name_en", "description_nb", "description_en")


def words_field(label: Any, language: str, *, length: int, help_text: Any = "") -> forms.CharField:
    widget: forms.Widget = forms.TextInput(attrs={"class": "vTextField", "lang": language})
    if length > 100:
        widget = forms.Textarea(
            attrs={"class": "vLargeTextField portal-short", "rows": 3, "lang": language}
        )
    return forms.CharField(label=label, max_length=length, widget=widget, help_text=help_text)


class WordingForm(BaseForm):
    """What people read when asked. Saved, it is a new version; the older ones stay."""

    name_nb = words_field(gettext_lazy("Name in Norwegian"), "nb", length=80)
    name_en = words_field(gettext_lazy("Name in English"), "en", length=80)
    description_nb = words_field(
        gettext_lazy("Description in Norwegian"),
        "nb",
        length=300,
        help_text=gettext_lazy("What one gets, and how often."),
    )
    description_en = words_field(gettext_lazy("Description in English"), "en", length=300)
    seen = forms.IntegerField(widget=forms.HiddenInput, required=False)

    class Meta:
        model = Topic
        fields = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            for name in WORDS:
                self.initial[name] = getattr(self.instance.wording, name)
            self.initial["seen"] = self.instance.wording_version

    def clean(self) -> dict[str, Any]:
        """Holds the row until it is saved: two people's words must not overwrite each other."""
        cleaned = super().clean() or {}
        if not self.instance._state.adding:
            topic = Topic.objects.select_for_update().get(pk=self.instance.pk)
            if topic.retired_at is not None or topic.wording_version != cleaned.get("seen"):
                raise ValidationError(
                    _("Nothing was saved: somebody else has changed this topic. Open it anew.")
                )
        return cleaned

    def words(self) -> Words:
        return Words(**{name: self.cleaned_data[name] for name in WORDS})


@admin.register(Topic)
class TopicAdmin(BaseAdmin):
    form = WordingForm
    actions = None
    change_form_template = "admin/consent/topic/change_form.html"
    list_display = ("name", "its_kind", "its_number", "its_wording_version", "is_live")
    list_filter = (("kind", choice_filter(gettext_lazy("kind"))),)
    its_kind = shown("kind", gettext_lazy("kind"))
    its_number = shown("number", gettext_lazy("number in links"))
    its_slug = shown("slug", gettext_lazy("short name"))
    its_wording_version = shown("wording_version", gettext_lazy("version of the wording"))
    its_created_at = shown("created_at", gettext_lazy("since"))
    its_retired_at = shown("retired_at", gettext_lazy("not used since"))
    facts = (
        "its_kind",
        "its_number",
        "its_slug",
        "its_wording_version",
        "its_created_at",
        "its_retired_at",
    )
    readonly_fields = ("name", "description", *facts)

    def history_name(self, topic: Topic) -> str:
        """A topic names nobody."""
        return topic.slug

    def get_queryset(self, request: HttpRequest) -> QuerySet[Topic]:
        found: QuerySet[Topic] = Topic.objects.with_wording()
        return found

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        words = ((*WORDS[:2],), (*WORDS[2:],), "seen")
        if obj is None:
            asked = gettext_lazy(
                "Everybody is asked from now on, in the preference centre and at sign-up. "
                "Nobody gets anything before their own yes."
            )
            return ((None, {"fields": words, "description": asked, "classes": LANGUAGES}),)
        if self.has_change_permission(request, obj):
            kept = gettext_lazy(
                "New words are a new version. Whoever has said yes keeps that yes, "
                "with the words they read."
            )
            return (
                (None, {"fields": words, "description": kept, "classes": LANGUAGES}),
                (gettext_lazy("Facts"), {"fields": self.facts}),
            )
        return ((None, {"fields": ("name", "description", *self.facts)}),)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A retired topic stays as it was when it was last asked."""
        live = obj is None or obj.retired_at is None
        return live and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never: choices and links refer to it. One retires it."""
        return False

    def may_retire(self, request: HttpRequest, topic: Topic) -> bool:
        return topic.kind == Topic.Kind.MAIL and self.has_change_permission(request, topic)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        now = timezone.now()
        if change:
            if reword_topic(obj.pk, form.words(), seen=form.cleaned_data["seen"], now=now):
                messages.info(request, _("The new words are shown from now on."))
            return
        added = add_topic(form.words(), now=now)
        obj.pk = added.pk
        obj._state.adding = False
        obj.refresh_from_db()

    def get_urls(self) -> list[URLPattern]:
        retire = path(
            "<uuid:pk>/retire/",
            self.admin_site.admin_view(self.retire),
            name="consent_topic_retire",
        )
        return [retire, *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        topic = self.get_object(request, object_id)
        context = dict(extra_context or {})
        if topic is not None:
            context["subtitle"] = topic.name
            context["may_retire"] = self.may_retire(request, topic)
            context["wordings"] = sorted(topic.wordings.all(), key=lambda each: -each.version)
        return super().change_view(request, object_id, form_url, context)

    def retire(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        """GET says what would stop, POST stops it."""
        topic = self.get_object(request, str(pk))
        if topic is None:
            raise Http404
        page = reverse("admin:consent_topic_change", args=[pk])
        if topic.retired_at is not None and self.has_view_permission(request, topic):
            return redirect(page)
        if not self.may_retire(request, topic):
            raise PermissionDenied
        if request.method == "POST":
            if retire_topic(pk, now=timezone.now()):
                self.log_change(request, topic, _("Retired the topic."))
                messages.success(
                    request, _("The topic is retired. Nothing of it is asked or sent any more.")
                )
            return redirect(page)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Retire the topic"),
            "topic": topic,
            "reach": reach_of(pk),
        }
        return TemplateResponse(request, "admin/consent/topic/retire.html", context)

    @admin.display(description=gettext_lazy("name"))
    def name(self, topic: Topic) -> str:
        return topic.name

    @admin.display(description=gettext_lazy("what people read when asked"))
    def description(self, topic: Topic) -> str:
        return topic.description

    @admin.display(description=gettext_lazy("in use"), boolean=True)
    def is_live(self, topic: Topic) -> bool:
        return topic.retired_at is None


@admin.register(Suppression)
class SuppressionAdmin(ReadOnlyAdmin):
    """Why and since when; the address itself is only a keyed hash, which nobody needs to read."""

    list_display = ("its_reason", "its_since", "its_review_on", "its_key_id")
    list_filter = (("reason", choice_filter(gettext_lazy("reason"))),)
    its_reason = shown("reason", gettext_lazy("reason"))
    its_since = shown("since", gettext_lazy("since"))
    its_review_on = shown("review_on", gettext_lazy("to be reviewed on"))
    its_key_id = shown("key_id", gettext_lazy("number of the key"))
    date_hierarchy = "since"
    fields = ("its_reason", "its_since", "its_review_on", "its_key_id")
    readonly_fields = fields
    ordering = ("-since",)
