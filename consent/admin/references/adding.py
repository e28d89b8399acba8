"""What staff enter once and never edit: a use that is planned, a call that is asked for."""

import uuid
from typing import Any, ClassVar, cast

from django.http import HttpRequest

from accounts.admin.door import CustomerDoor
from accounts.models.access import Seen
from foundation.staff import BaseAdmin


class AddedOnce(CustomerDoor, BaseAdmin):
    """Its form knows the request, for naming a customer is a search that is written down."""

    actions = None
    seen = (Seen.REFERENCE,)
    # What the page of one shows, read-only.
    facts: ClassVar[tuple[str, ...]]

    def person_of(self, obj: Any) -> uuid.UUID | None:
        return cast("uuid.UUID | None", obj.person_id)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else self.facts

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        form.request = request  # type: ignore[attr-defined]  # a class of its own each time
        return form

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
