"""Who asks."""

from typing import cast

from django.http import HttpRequest

from accounts.models import User


def signed_in(request: HttpRequest) -> User:
    return cast(User, request.user)
