"""Who asks: a signed-in browser, a person's token (`cp_…`), or another system's key (`cs_…`).

An unknown, a revoked and an expired secret get the same answer. No address of the caller is
looked at or kept (`ip-apart`).
"""

from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables
from rest_framework.authentication import (
    BaseAuthentication,
    SessionAuthentication,
    get_authorization_header,
)
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts import access_tokens
from accounts.models import PersonalToken, User
from consent import service_keys
from consent.models import ServiceKey


@sensitive_variables()
def bearer(request: Request) -> str | None:
    """The secret of `Authorization: Bearer …` (RFC 6750 section 2.1), or None without one."""
    scheme, _space, secret = get_authorization_header(request).decode("latin-1").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else None


class BearerAuthentication(BaseAuthentication):
    def authenticate_header(self, request: Request) -> str:
        """Being asked who it is, a caller gets 401 and not 403."""
        return 'Bearer realm="api"'


class PersonalTokenAuthentication(BearerAuthentication):
    @sensitive_variables("secret")
    def authenticate(self, request: Request) -> tuple[User, PersonalToken] | None:
        secret = bearer(request)
        if secret is None:
            return None
        token = access_tokens.use_token(secret, now=timezone.now())
        if token is None:
            raise AuthenticationFailed(_("This token is not valid."))
        return token.user, token


class ServiceKeyAuthentication(BearerAuthentication):
    @sensitive_variables("secret")
    def authenticate(self, request: Request) -> tuple[AnonymousUser, ServiceKey] | None:
        secret = bearer(request)
        if secret is None:
            return None
        key = service_keys.use_service_key(secret, now=timezone.now())
        if key is None:
            raise AuthenticationFailed(_("This token is not valid."))
        return AnonymousUser(), key


class SignedInAuthentication(SessionAuthentication):
    """The session of the portal's pages; whatever changes something needs `X-CSRFToken`."""

    def authenticate(self, request: Request) -> Any:
        # Only a browser that carries a session can be signed in: nobody else costs a query.
        if not request._request.session.session_key:
            return None
        return super().authenticate(request)
