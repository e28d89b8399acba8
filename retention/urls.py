"""Addresses of retention (design §4)."""

from django.urls import path

from retention.views import (
    access,
    data,
    deletion,
    exports,
    parts,
    receipts,
    requests,
    schedule,
    wishes,
)

urlpatterns = [
    path("data/", data.show_data, name="data_overview"),
    path("data/access/", access.show_access, name="data_access"),
    path("data/access/<uuid:event_id>/", access.object_to_access, name="access_objection"),
    path("data/access/<uuid:event_id>/receipt/", access.download_receipt, name="access_receipt"),
    path("data/export/", exports.export_data, name="data_export"),
    path("data/export/<uuid:export_id>/", exports.download_export, name="export_download"),
    path("data/delete/", deletion.delete_data, name="deletion_start"),
    path("data/delete/back/", deletion.take_back, name="deletion_take_back"),
    path("data/delete/back/<str:token>/", wishes.withdraw, name="deletion_withdraw"),
    path("data/delete/confirm/<str:token>/", wishes.confirm, name="deletion_confirm"),
    path("data/delete/profile/", parts.delete_profile, name="profile_deletion"),
    path("data/delete/messages/", parts.delete_messages, name="messages_deletion"),
    path("data/delete/list/", parts.delete_list, name="list_deletion"),
    path("data/de-identify/", parts.de_identify, name="deidentify_start"),
    path("data/delete/<uuid:reference>/", deletion.show_deletion, name="deletion_status"),
    path(
        "data/delete/<uuid:reference>/receipt/", receipts.download_receipt, name="deletion_receipt"
    ),
    path(
        "data/delete/<uuid:reference>/receipt.pdf",
        receipts.download_paper,
        name="deletion_receipt_pdf",
    ),
    path("data/requests/", requests.own_requests, name="privacy_requests"),
    path(
        "data/requests/<uuid:reference>/back/",
        requests.take_back,
        name="privacy_request_take_back",
    ),
    path("privacy/request/", requests.ask_as_stranger, name="privacy_request"),
    path("privacy/request/sent/", requests.request_sent, name="privacy_request_sent"),
    path("privacy/retention/", schedule.show_schedule, name="retention_schedule"),
]
