"""One list filter per topic: who said yes, who said no, who was never asked."""

from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from consent.models import Preference, State, Topic


class ChoiceFilter(admin.SimpleListFilter):
    """The standing choice on one topic; `choice_filters` makes one class for each."""

    topic: Topic

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("yes", _("Yes")),
            ("paused", _("Paused")),
            ("no", _("No")),
            ("not_asked", _("Not asked")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> QuerySet[User]:
        standing = Preference.objects.filter(topic=self.topic, person=OuterRef("pk"))
        resting = Q(paused_until__gt=timezone.now())
        match self.value():
            case "yes":
                return queryset.filter(Exists(standing.filter(~resting, state=State.GRANTED)))
            case "paused":
                return queryset.filter(Exists(standing.filter(resting, state=State.GRANTED)))
            case "no":
                return queryset.filter(Exists(standing.exclude(state=State.GRANTED)))
            case "not_asked":
                return queryset.exclude(Exists(standing))
        return queryset


def choice_filters() -> list[type[ChoiceFilter]]:
    return [
        type(
            "TopicChoiceFilter",
            (ChoiceFilter,),
            {"topic": topic, "title": topic.name, "parameter_name": f"choice_{topic.slug}"},
        )
        for topic in Topic.objects.mail().with_wording()
    ]
