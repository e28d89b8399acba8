"""What a token or key may do: what its scopes say; a signed-in person may do all of it."""

from typing import Any

from django.utils.translation import gettext as _
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from consent.models import ServiceKey


class HasScope(BasePermission):
    """`view.scopes` names the scope each method needs."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not (request.user.is_authenticated or isinstance(request.auth, ServiceKey)):
            return False
        needed = view.scopes.get("GET" if request.method == "HEAD" else request.method)
        key: Any = request.auth  # a token, a service key, or None for a session
        if key is not None and needed and needed not in key.scopes:
            raise PermissionDenied(_("This needs the scope %(scope)s.") % {"scope": needed})
        return True
