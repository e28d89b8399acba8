"""Segments: put together from the profile, counted while one chooses, and left alone once used."""

from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.admin.widgets import AdminDateWidget
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_countries import countries

from accounts.forms import country_choices
from foundation.days import DayField
from foundation.staff import BaseAdmin, shown
from messaging.models import Segment
from messaging.segments import (
    Criteria,
    campaigns_using,
    count_segment,
    in_use_words,
    shown_words,
    why_too_few,
)

if TYPE_CHECKING:
    BaseForm = forms.ModelForm[Segment]
else:
    BaseForm = forms.ModelForm

CRITERIA = ("countries", "languages", "since_from", "since_until")
COUNT = "_count"


def named_countries() -> list[tuple[str, str]]:
    return [choice for choice in country_choices() if choice[0]]


def day(label: Any, help_text: Any = "") -> forms.DateField:
    return DayField(
        label=capfirst(label), required=False, widget=AdminDateWidget(), help_text=help_text
    )


class SegmentForm(BaseForm):
    """With the button "Count" nothing is kept: one looks before one leaps."""

    countries = forms.MultipleChoiceField(
        label=capfirst(gettext_lazy("countries")),
        choices=named_countries,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("None chosen: every country."),
    )
    languages = forms.MultipleChoiceField(
        label=capfirst(gettext_lazy("languages")),
        choices=settings.LANGUAGES,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("The language we write to them in. None chosen: both."),
    )
    since_from = day(gettext_lazy("customer since, from"))
    since_until = day(
        gettext_lazy("customer since, until"), gettext_lazy("Both days included, by UTC.")
    )

    class Meta:
        model = Segment
        fields = ("name", *CRITERIA)

    @property
    def only_counts(self) -> bool:
        return COUNT in self.data

    def is_valid(self) -> bool:
        return super().is_valid() and not self.only_counts

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        self._hold()
        if any(name in self.errors for name in CRITERIA):
            return cleaned
        if not any(cleaned[name] for name in CRITERIA):
            self.add_error(
                "countries", _("Choose at least one country or language, or one of the two days.")
            )
        elif self._ends_before_it_begins(cleaned):
            self.add_error(
                "since_until", _("This day is before the first one. Choose that day or a later.")
            )
        elif not self.only_counts and (why := why_too_few(criteria(self), now=timezone.now())):
            self.add_error(None, why)
        return cleaned

    def _ends_before_it_begins(self, cleaned: dict[str, Any]) -> bool:
        first, last = cleaned["since_from"], cleaned["since_until"]
        return bool(first and last and last < first)

    def _hold(self) -> None:
        """Until it is saved: an approval of its campaign must not come in between."""
        if self.instance._state.adding:
            return
        segment = Segment.objects.select_for_update().get(pk=self.instance.pk)
        if using := campaigns_using(segment):
            raise ValidationError(_("Nothing was saved.") + " " + in_use_words(using))


def criteria(form: SegmentForm) -> Criteria:
    return Criteria(**{name: form.cleaned_data[name] for name in CRITERIA})


def count_words(form: SegmentForm | None, segment: Segment | None) -> str:
    """How many it would reach, as it stands in the form or in the database; empty: not said."""
    now = timezone.now()
    if form is None:
        return shown_words(count_segment(segment, now=now)) if segment else ""
    form.is_valid()
    if any(name in form.errors for name in CRITERIA):
        return ""
    return shown_words(count_segment(criteria(form), now=now))


@admin.register(Segment)
class SegmentAdmin(BaseAdmin):
    form = SegmentForm
    actions = None
    change_form_template = "admin/messaging/segment/change_form.html"
    list_display = ("name", "its_countries", "its_languages", "its_since", "its_created_at")
    search_fields = ("name",)
    its_created_at = shown("created_at", gettext_lazy("begun"))
    facts = ("name", "its_countries", "its_languages", "its_since")
    readonly_fields = ("its_countries", "its_languages", "its_since")
    explained = gettext_lazy(
        "Only customers who chose tailoring belong to a segment, and only by their profile: never "
        "by what they do. Fewer than 20 are never written to."
    )

    def history_name(self, segment: Segment) -> str:
        """A segment names nobody."""
        return segment.name

    # --- who may do what ---------------------------------------------------------------------

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What a campaign was approved with stays until that campaign is over."""
        allowed = super().has_change_permission(request, obj)
        return allowed and not (obj is not None and campaigns_using(obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_delete_permission(request, obj)
        return allowed and not (obj is not None and campaigns_using(obj))

    # --- writing -----------------------------------------------------------------------------

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None or self.has_change_permission(request, obj):
            days = ("since_from", "since_until")
            fields: tuple[Any, ...] = ("name", "countries", "languages", days)
        else:
            fields = self.facts
        return ((None, {"fields": fields, "description": self.explained}),)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            obj.created_by = request.user
        super().save_model(request, obj, form, change)

    # --- counting ----------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        count = self.admin_site.admin_view(self.show_count)
        return [path("count/", count, name="messaging_segment_count"), *super().get_urls()]

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        segment = self.get_object(request, unquote(object_id)) if object_id else None
        form = bound_form(request) if request.method == "POST" and COUNT in request.POST else None
        using = campaigns_using(segment) if segment else []
        may_write = (
            self.has_change_permission(request, segment)
            if segment
            else self.has_add_permission(request)
        )
        context = {
            **(extra_context or {}),
            "count": count_words(form, segment) if request.method == "GET" or form else "",
            "why_fixed": in_use_words(using) if using else "",
            "may_write": may_write,
        }
        return super().changeform_view(request, object_id, form_url, context)

    def show_count(self, request: HttpRequest) -> HttpResponse:
        """The words alone, for htmx; without JavaScript the button "Count" tells them."""
        if not (self.has_add_permission(request) or self.has_change_permission(request)):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        context = {"count": count_words(bound_form(request), None)}
        return TemplateResponse(request, "admin/messaging/segment/count.html", context)

    # --- looking -----------------------------------------------------------------------------

    @admin.display(description=gettext_lazy("countries"))
    def its_countries(self, segment: Segment) -> str:
        return ", ".join(str(countries.name(code) or code) for code in segment.countries) or "–"

    @admin.display(description=gettext_lazy("languages"))
    def its_languages(self, segment: Segment) -> str:
        names = dict(settings.LANGUAGES)
        return ", ".join(str(names.get(code, code)) for code in segment.languages) or "–"

    @admin.display(description=gettext_lazy("customer since"))
    def its_since(self, segment: Segment) -> str:
        first, last = (
            each and date_format(each) for each in (segment.since_from, segment.since_until)
        )
        return f"{first or '…'} – {last or '…'}" if first or last else "–"


def bound_form(request: HttpRequest) -> SegmentForm:
    """For counting only: whatever the button was, nothing of it is kept."""
    data = request.POST.copy()
    data[COUNT] = "1"
    return SegmentForm(cast("Any", data))
