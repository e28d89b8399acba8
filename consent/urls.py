"""Addresses of consent (design §4)."""

from django.urls import path

from consent.views.from_mail import confirm_choice, preferences_from_mail
from consent.views.preferences import preferences
from consent.views.unsubscribe import broken_unsubscribe, unsubscribe

urlpatterns = [
    path("u/<str:token>/", unsubscribe, name="unsubscribe"),
    path("preferences/", preferences, name="preferences"),
    path("preferences/confirm/<str:token>/", confirm_choice, name="confirm_choice"),
    path("p/<str:token>/", preferences_from_mail, name="preferences_from_mail"),
    # A POST must not be redirected (RFC 8058), so the slash may be missing.
    path("u/<str:token>", unsubscribe, name="unsubscribe_bare"),
    path("u/<path:rest>", broken_unsubscribe, name="unsubscribe_broken"),
]
