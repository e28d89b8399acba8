"""What the staff pages of every app share: looking without changing, and the list of work."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest

if TYPE_CHECKING:
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
