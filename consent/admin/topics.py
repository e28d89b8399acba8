"""Topics and suppressed addresses, to look at."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from consent.models import Suppression, Topic
from foundation.staff import ReadOnlyAdmin


@admin.register(Topic)
class TopicAdmin(ReadOnlyAdmin):
    list_display = ("name", "kind", "number", "wording_version", "is_live")
    list_filter = ("kind",)
    fields = (
        "name",
        "description",
        "kind",
        "number",
        "slug",
        "wording_version",
        "created_at",
        "retired_at",
    )
    readonly_fields = ("name", "description")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Topic]:
        found: QuerySet[Topic] = Topic.objects.with_wording()
        return found

    @admin.display(description=_("name"))
    def name(self, topic: Topic) -> str:
        return topic.name

    @admin.display(description=_("what people read when asked"))
    def description(self, topic: Topic) -> str:
        return topic.description

    @admin.display(description=_("in use"), boolean=True)
    def is_live(self, topic: Topic) -> bool:
        return topic.retired_at is None


@admin.register(Suppression)
class SuppressionAdmin(ReadOnlyAdmin):
    """Why and since when; the address itself is only a keyed hash, which nobody needs to read."""

    list_display = ("reason", "since", "review_on", "key_id")
    list_filter = ("reason",)
    date_hierarchy = "since"
    fields = ("reason", "since", "review_on", "key_id")
    ordering = ("-since",)
