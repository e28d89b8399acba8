"""What the staff pages of every app share: looking without changing, and the list of work."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.utils import display_for_value
from django.http import HttpRequest
from django.utils import timezone

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


class AboutCustomers(BaseAdmin):
    """Its objects are about customers: in standstill the page is closed, and its work not listed
    (`clicksend_portal.standstill`)."""


# What list filters and date hierarchies ask of the field they are declared on.
FILTERED_BY = frozenset(
    {
        "",
        "exact",
        "in",
        "isnull",
        "isempty",
        "gt",
        "gte",
        "lt",
        "lte",
        "year",
        "month",
        "day",
        "id__exact",
        "pk__exact",
    }
)


class DeclaredLookups(BaseAdmin):
    """A list is narrowed by its own filters only: stock admin takes any column of the model.

    `?email__startswith=k` would read a masked column letter by letter.
    """

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """What is refused on a page about people is counted there (`note_attempt`)."""
        allowed = self.is_declared(lookup, request)
        if not allowed and (note := getattr(self, "note_attempt", None)) is not None:
            note(request)
        return allowed

    def is_declared(self, lookup: str, request: HttpRequest) -> bool:
        for each in (*self.get_list_filter(request), self.date_hierarchy):
            name = each[0] if isinstance(each, (tuple, list)) else each
            if isinstance(name, type) and issubclass(name, admin.SimpleListFilter):
                if lookup == name.parameter_name:
                    return True
                continue
            if isinstance(name, str) and (lookup == name or lookup.startswith(f"{name}__")):
                return lookup[len(name) :].removeprefix("__") in FILTERED_BY
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
    """One thing that waits for somebody. Past its day it is late, and says so."""

    title: str
    url: str
    note: str = ""
    due: date | datetime | None = None
    # Assigned to whoever looks.
    is_mine: bool = False

    def is_late(self, now: datetime) -> bool:
        """A day is over when the next one begins, where the portal is."""
        if self.due is None:
            return False
        if isinstance(self.due, datetime):
            return self.due < now
        return self.due < timezone.localdate(now)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkList:
    """What waits, on the first page of the staff site.

    A `ModelAdmin` has one by a method `work_list(request) -> WorkList | None`; who works it stands
    in `clicksend_portal.work`. `items` may be the first of many: `count` is then how many.
    """

    title: str
    items: Sequence[WorkItem]
    empty: str
    url: str
    count: int | None = None

    @property
    def number(self) -> int:
        return len(self.items) if self.count is None else self.count

    @property
    def unseen(self) -> int:
        """How many more wait than are named here."""
        return self.number - len(self.items)
