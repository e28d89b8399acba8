"""Signing in by user name or address, as our own columns spell them."""

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend as AllauthBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest

from accounts.models import User


class AuthenticationBackend(AllauthBackend):
    """One look-up in any case and spelling; allauth's own would look for the address elsewhere.

    What surrounds it stays allauth's: unknown names take as long as known ones.
    """

    def _authenticate(
        self, request: HttpRequest | None, **credentials: Any
    ) -> AbstractBaseUser | None:
        login = credentials.get("email") or credentials.get("username") or ""
        user = User.objects.with_login(login.strip()).first()
        authenticated: AbstractBaseUser | None = self._check_password(
            user, credentials.get("password") or ""
        )
        return authenticated
