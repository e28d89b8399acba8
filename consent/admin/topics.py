"""Topics and suppressed addresses, to look at."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from consent.models import Suppression, Topic
from foundation.staff import ReadOnlyAdmin, choice_filter, shown


@admin.register(Topic)
class TopicAdmin(ReadOnlyAdmin):
    list_display = ("name", "its_kind", "its_number", "its_wording_version", "is_live")
    list_filter = (("kind", choice_filter(_("kind"))),)
    its_kind = shown("kind", _("kind"))
    its_number = shown("number", _("number in links"))
    its_slug = shown("slug", _("short name"))
    its_wording_version = shown("wording_version", _("version of the wording"))
    its_created_at = shown("created_at", _("since"))
    its_retired_at = shown("retired_at", _("not used since"))
    fields = (
        "name",
        "description",
        "its_kind",
        "its_number",
        "its_slug",
        "its_wording_version",
        "its_created_at",
        "its_retired_at",
    )
    readonly_fields = fields

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

    list_display = ("its_reason", "its_since", "its_review_on", "its_key_id")
    list_filter = (("reason", choice_filter(_("reason"))),)
    its_reason = shown("reason", _("reason"))
    its_since = shown("since", _("since"))
    its_review_on = shown("review_on", _("to be reviewed on"))
    its_key_id = shown("key_id", _("number of the key"))
    date_hierarchy = "since"
    fields = ("its_reason", "its_since", "its_review_on", "its_key_id")
    readonly_fields = fields
    ordering = ("-since",)
