"""Campaigns: optional mail on one topic, perhaps to a segment of those who chose tailoring."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from consent.models import Topic
from foundation.staff import shown
from messaging.admin.forms import TopicField
from messaging.admin.mailings import MailingAdmin, title_of
from messaging.models import Campaign


class TopicFilter(admin.SimpleListFilter):
    """By the topic's name, as customers read it."""

    title = gettext_lazy("topic")
    parameter_name = "topic"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(topic.slug, topic.name) for topic in Topic.objects.mail().with_wording()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Campaign]) -> QuerySet[Campaign]:
        return queryset.filter(topic__slug=self.value()) if self.value() else queryset


@admin.register(Campaign)
class CampaignAdmin(MailingAdmin):
    list_display = ("running_number", "subject", "topic_name", "state", "send_at", "created")
    list_display_links = ("running_number", "subject")
    list_filter = ("state", TopicFilter)
    search_fields = ("subject_nb", "subject_en")
    running_number = shown("number", gettext_lazy("number"))
    list_select_related = ("topic",)
    readonly_fields = ("topic_name",)
    fieldsets = (
        (gettext_lazy("To whom"), {"fields": ("topic", "segment")}),
        MailingAdmin.texts,
        (gettext_lazy("When"), {"fields": ("send_at", "in_customers_zone")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Campaign]:
        return super().get_queryset(request).prefetch_related("topic__wordings")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """What can only be read names the topic as customers do."""
        if obj is None or self.has_change_permission(request, obj):
            return self.fieldsets
        whom = (gettext_lazy("To whom"), {"fields": ("topic_name", "segment")})
        return (whom, *self.fieldsets[1:])

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "topic":
            kwargs |= {"form_class": TopicField, "queryset": Topic.objects.mail().with_wording()}
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Topics and segments have pages of their own; beside the choice their icons distract."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and isinstance(field.widget, RelatedFieldWidgetWrapper):
            field.widget = field.widget.widget
        return field

    @admin.display(description=gettext_lazy("topic"), ordering="topic")
    def topic_name(self, campaign: Campaign) -> str:
        return campaign.topic.name

    @admin.display(description=gettext_lazy("subject"))
    def subject(self, campaign: Campaign) -> str:
        return title_of(campaign)
