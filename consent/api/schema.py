"""How the schema tells of authentication, of errors and of fields that are not known."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiExample, OpenApiParameter
from drf_standardized_errors.openapi import AutoSchema as ErrorsAutoSchema

STRICT = ("Choice", "Pause", "TopicOptOut", "EverythingOptOut")


class AutoSchema(ErrorsAutoSchema):
    """Every operation names the errors it can end in, all of one form (`ErrorSerializer`)."""

    def _should_add_error_response(self, responses: dict[str, Any], status_code: str) -> bool:
        has_body = self.method in ("POST", "PUT")
        match status_code:
            case "400":
                # A query can be malformed, too.
                return has_body or any(each["in"] == "query" for each in self._get_parameters())
            case "413" | "415":
                return has_body
            case "503":
                return bool(getattr(self.view, "closed_in_standstill", ()))
        return bool(super()._should_add_error_response(responses, status_code))

    def _get_request_for_media_type(self, serializer: Any, direction: str = "request") -> Any:
        """A body of lines is text; what each line is stands beside it."""
        inherited: Any = super()
        schema, is_required = inherited._get_request_for_media_type(serializer, direction)
        if getattr(self.view, "is_by_lines", False):
            schema = {"type": "string", "format": "ndjson", "x-line": schema}
        return schema, is_required


class PersonalTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "consent.api.authentication.PersonalTokenAuthentication"
    name = "personalToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "cp_…",
            "description": "A token made at `/account/tokens/`, with the scope "
            "`preferences:read` or `preferences:write`.",
        }


class ServiceKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "consent.api.authentication.ServiceKeyAuthentication"
    name = "serviceKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "cs_…",
            "description": "A key that staff make for another system, with the scope "
            "`permission`, `opt_outs`, `opt_out` or `platform`.",
        }


class SignedInScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "consent.api.authentication.SignedInAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": "sessionid",
            "description": "The sign-in of the portal's pages. What changes something needs the "
            "header `X-CSRFToken` as well.",
        }


def say_what_is_refused(result: Any, **_kwargs: Any) -> Any:
    """A hook of spectacular: `Strict` serializers take no field but their own, and bodies must be.

    Spectacular says the latter of plain serializers only.
    """
    for name in STRICT:
        result["components"]["schemas"][name]["additionalProperties"] = False
    for path in result["paths"].values():
        for operation in path.values():
            if "requestBody" in operation:
                operation["requestBody"]["required"] = True
    return result


RETRY_AFTER = OpenApiParameter(
    "Retry-After", int, OpenApiParameter.HEADER, response=["429"], description="In seconds."
)


def example(name: str, value: Any, **options: Any) -> OpenApiExample:
    """What is sent; the tests send it, too."""
    return OpenApiExample(name, value=value, request_only=True, **options)


def answer(name: str, value: Any, status: str = "200", **options: Any) -> OpenApiExample:
    """What comes back; the tests compare."""
    return OpenApiExample(name, value=value, response_only=True, status_codes=[status], **options)
