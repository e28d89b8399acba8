"""Addresses of the platform's feed. Without a slash at the end, as in all of the API."""

from django.urls import path

from messaging.api.platform import FEEDS

urlpatterns = [
    path(f"platform/{kind}", view.as_view(), name=f"api_platform_{kind.replace('-', '_')}")
    for kind, view in FEEDS.items()
]
