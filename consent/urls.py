"""Addresses of consent (design §4)."""

from django.urls import path

from consent.views.from_mail import confirm_choice, preferences_from_mail
from consent.views.preferences import preferences
from consent.views.unsubscribe import unsubscribe

urlpatterns = [
    path("preferences/", preferences, name="preferences"),
    path("preferences/confirm/<str:token>/", confirm_choice, name="confirm_choice"),
    path("p/<str:token>/", preferences_from_mail, name="preferences_from_mail"),
    path("u/<str:token>/", unsubscribe, name="unsubscribe"),
]
