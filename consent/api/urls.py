"""Addresses of the API. Without a slash at the end: a POST must not be redirected."""

from django.urls import path

from consent.api.preferences import PreferenceDetail, PreferenceList
from consent.api.references import References
from consent.api.systems import OptOuts, Permission

urlpatterns = [
    path("preferences", PreferenceList.as_view(), name="api_preferences"),
    path("preferences/<slug:slug>", PreferenceDetail.as_view(), name="api_preference"),
    path("permission", Permission.as_view(), name="api_permission"),
    path("references", References.as_view(), name="api_references"),
    path("opt-outs", OptOuts.as_view(), name="api_opt_outs"),
]
