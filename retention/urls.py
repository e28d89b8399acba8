"""Addresses of retention (design §4)."""

from django.urls import path

from retention import views

urlpatterns = [
    path("data/", views.show_data, name="data_overview"),
    path("data/export/", views.download_data, name="data_export"),
    path("data/delete/", views.delete_data, name="deletion_start"),
    path("data/delete/<uuid:reference>/", views.show_deletion, name="deletion_status"),
    path("data/delete/<uuid:reference>/receipt/", views.download_receipt, name="deletion_receipt"),
    path("privacy/retention/", views.show_schedule, name="retention_schedule"),
]
