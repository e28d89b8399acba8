"""`/api/`: version 1, its schema, the page that shows it, and JSON for whatever is not there."""

from django.urls import include, path, re_path

from clicksend_portal.api.views import ApiDocs, ApiSchema
from consent.api.base import NoSuchAddress

urlpatterns = [
    path("v1/", include("consent.api.urls")),
    path("v1/", include("messaging.api.urls")),
    path("schema/", ApiSchema.as_view(), name="api_schema"),
    path("docs/", ApiDocs.as_view(), name="api_docs"),
    re_path(r"^.*$", NoSuchAddress.as_view(), name="api_nothing"),
]
