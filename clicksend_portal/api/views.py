"""The schema (OpenAPI 3) and a page made of it, under the same content policy as every page."""

from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from consent.api.authentication import SignedInAuthentication


class ApiSchema(SpectacularAPIView):
    """For everybody; `?format=json` or by `Accept`."""


class ApiDocs(SpectacularSwaggerSplitView):
    """Needs JavaScript; without it the page leads to the schema."""

    url_name = "api_schema"
    template_name = "portal/api_docs.html"
    # So that the top of the page knows who reads it.
    authentication_classes = [SignedInAuthentication]
