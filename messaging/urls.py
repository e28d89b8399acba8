"""What other systems call, and customers' pages of their own lists, messages and reports."""

from django.urls import path

from messaging.incoming.hooks import inbound_hook, provider_hook
from messaging.views import lists, messages, opt_outs, reports, uploads
from messaging.views.pictures import show_picture

urlpatterns = [
    path("hooks/anymail/<path:what>", provider_hook, name="provider_hook"),
    path("hooks/inbound/<slug:provider>/", inbound_hook, name="inbound_hook"),
    path("mail/pictures/<slug:digest>.<slug:extension>", show_picture, name="mail_image"),
    path("lists/", lists.show_lists, name="lists"),
    path("lists/opt-outs/", opt_outs.show_opt_outs, name="list_opt_outs"),
    path(
        "lists/opt-outs/<uuid:opt_out_id>/remove/",
        opt_outs.remove_opt_out,
        name="list_opt_out_remove",
    ),
    path("lists/upload/", uploads.upload_list, name="list_upload"),
    path("lists/upload/<uuid:upload_id>/", uploads.show_upload, name="list_upload_status"),
    path(
        "lists/upload/<uuid:upload_id>/discard/", uploads.discard_upload, name="list_upload_discard"
    ),
    path(
        "lists/upload/<uuid:upload_id>/lines-to-mend.csv",
        uploads.download_untaken,
        name="list_upload_untaken",
    ),
    path(
        "lists/upload/<uuid:upload_id>/remarks.csv",
        uploads.download_problems,
        name="list_upload_problems",
    ),
    path("lists/<uuid:list_id>/", lists.show_list, name="list"),
    path("lists/<uuid:list_id>/contacts.csv", lists.export_list, name="list_export"),
    path("lists/<uuid:list_id>/delete/", lists.delete_list, name="list_delete"),
    path(
        "lists/<uuid:list_id>/contacts/<uuid:contact_id>/remove/",
        lists.remove_contact,
        name="list_contact_remove",
    ),
    path("messages/", messages.show_messages, name="messages"),
    path("messages/messages.csv", messages.export_messages, name="messages_export"),
    path("messages/delete/", messages.delete_messages, name="messages_delete"),
    path("reports/", reports.show_reports, name="reports"),
    path("reports/<uuid:report_id>/", reports.show_report, name="report"),
    path("reports/<uuid:report_id>/delete/", reports.delete_report, name="report_delete"),
]
