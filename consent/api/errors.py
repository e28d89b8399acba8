"""Errors that the framework does not know; all of them leave in the one form of every error."""

from django.utils.translation import gettext_lazy as _
from drf_standardized_errors.handler import ExceptionHandler
from rest_framework import status
from rest_framework.exceptions import APIException
from rest_framework.response import Response


class TooLarge(APIException):
    """RFC 9110 section 15.5.14."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "content_too_large"
    default_detail = _("The request is larger than we take.")


class Conflict(APIException):
    """What is asked does not fit what stands."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"


class Standstill(APIException):
    """The database may be older than the last no: nobody may be written to until it is replayed."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "standstill"
    default_detail = _(
        "We cannot tell right now who said no, so treat every address as one that did. "
        "Ask again in some minutes."
    )
    wait = 300  # seconds, for the header Retry-After


class Busy(APIException):
    """The database is at work on what the request needs; nothing is broken."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "busy"
    default_detail = _("The database is busy right now. Ask again in a minute.")
    wait = 60  # seconds, for the header Retry-After


class Handler(ExceptionHandler):
    """A standstill is told to the operator once, where it begins, and not with every request; that
    the database is busy, where it is found."""

    def report_exception(self, exc: APIException, response: Response) -> None:
        if not isinstance(exc, Standstill | Busy):
            super().report_exception(exc, response)
