"""What the staff pages of every app share: looking without changing, and the list of work."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.utils import display_for_value
from django.http import HttpRequest

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    BaseAdmin = admin.ModelAdmin[Any]
else:
    BaseAdmin = admin.ModelAdmin


class ReadOnlyAdmin(BaseAdmin):
    """Staff look; what changes these rows is a service of ours, never a form."""

    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def shown(field: str, label: "str | _StrPromise") -> Callable[[Any, Any], Any]:
    """A column for a field whose model has no words for it.

    Its name must not be the field's: admin would take the field's own words.
    """

    @admin.display(description=label, ordering=field)
    def show(_page: Any, row: Any) -> Any:
        words = getattr(row, f"get_{field}_display", None)
        value = getattr(row, field) if words is None else words()
        # The page of one row would print these as Python does.
        if value is None or isinstance(value, datetime):
            return display_for_value(value, "–")
        return value

    return show


def choice_filter(label: "str | _StrPromise") -> type[admin.ChoicesFieldListFilter]:
    """A filter on a field with choices, under a translated title."""

    class LabelledFilter(admin.ChoicesFieldListFilter):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.title = label

    return LabelledFilter


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkItem:
    """One thing that waits for somebody."""

    title: str
    url: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkList:
    """What waits, on the first page of the staff site.

    A `ModelAdmin` has one by a method `work_list(request) -> WorkList | None`.
    """

    title: str
    items: Sequence[WorkItem]
    empty: str
    url: str
