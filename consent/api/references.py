"""The published references, for everybody: no key, no sign-in, and no address of the caller."""

from dataclasses import asdict
from typing import Any

from django.utils import timezone
from django.utils.cache import patch_cache_control
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from consent.api import examples
from consent.api.base import ApiView
from consent.api.serializers import ReferencesSerializer
from consent.policy import REFERENCES_CACHED
from consent.reference.publishing import public_references


class References(ApiView):
    authentication_classes = []
    permission_classes = [AllowAny]
    # Nobody is counted: a shared cache answers nearly every call.
    throttle_classes = ()
    # A database older than the last no must not show who left since.
    closed_in_standstill = ("GET", "HEAD")
    as_pages = True

    @extend_schema(
        operation_id="list_references",
        summary="Customers who let us show them",
        description=(
            "Granted and approved references only, newest first, with their words in the language "
            "asked for where they were written in it. Whoever leaves the program is gone from the "
            f"next answer; **keep no answer longer than {REFERENCES_CACHED.seconds} seconds**, as "
            "`Cache-Control` says, and show nothing that is no longer in it."
        ),
        tags=["For everybody"],
        responses=ReferencesSerializer,
        examples=examples.REFERENCES,
    )
    def get(self, request: Request) -> Response:
        found = public_references(now=timezone.now())
        return Response({"references": [asdict(each) for each in found]})

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Alone of the API this answer may be kept, by anyone, for as long as a no may take."""
        response = super().finalize_response(request, response, *args, **kwargs)
        if response.status_code == 200:
            del response["Cache-Control"]
            patch_cache_control(
                response, public=True, max_age=REFERENCES_CACHED.seconds, must_revalidate=True
            )
            # A browser that is signed in gets the language of its account.
            response["Vary"] = "Accept-Language, Cookie"
        return response
