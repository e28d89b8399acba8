"""What every address of the API shares."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.utils.cache import patch_vary_headers
from rest_framework import status
from rest_framework.exceptions import NotFound, ParseError
from rest_framework.parsers import JSONParser
from rest_framework.permissions import AllowAny
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from consent.api.errors import Standstill, TooLarge
from consent.api.permissions import HasScope
from consent.api.throttles import MinuteThrottle
from foundation import standstill

API_VERSION = "1"
# 1,000 addresses at their longest, with room for the escapes of JSON.
MOST_BYTES = 1024 * 1024


class StrictJSONParser(JSONParser):
    """A body nested a thousand deep is malformed, not our failure."""

    def parse(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().parse(*args, **kwargs)
        except RecursionError as error:
            raise ParseError from error


class ApiView(APIView):
    """JSON in and out; every error in one form; no answer is kept by a cache."""

    parser_classes = [StrictJSONParser]
    renderer_classes = [JSONRenderer]
    permission_classes = [HasScope]
    throttle_classes: Sequence[type[BaseThrottle]] = (MinuteThrottle,)
    # The scope that each method needs.
    scopes: ClassVar[dict[str, str]] = {}
    # Methods that answer from a database which may be older than the last no.
    closed_in_standstill: ClassVar[tuple[str, ...]] = ()
    # A longer body is refused before it is read.
    most_bytes: ClassVar[int] = MOST_BYTES
    # Closed when customer pages are, not already when optional mail stops.
    as_pages: ClassVar[bool] = False

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if int(request.META.get("CONTENT_LENGTH") or 0) > self.most_bytes:
            raise TooLarge
        super().initial(request, *args, **kwargs)
        if request.method in self.closed_in_standstill and standstill.why(pages=self.as_pages):
            raise Standstill

    def options(  # type: ignore[override]  # Django's own takes Django's request
        self, request: Request, *args: Any, **kwargs: Any
    ) -> Response:
        """Which methods there are, in the header `Allow`."""
        return Response(status=status.HTTP_204_NO_CONTENT)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Cache-Control"] = "no-store"
        response["API-Version"] = API_VERSION
        patch_vary_headers(response, ["Authorization", "Cookie"])
        return response


class NoSuchAddress(ApiView):
    """What is not in the API says so in JSON."""

    permission_classes = [AllowAny]
    throttle_classes = ()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise NotFound
