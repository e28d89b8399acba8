"""What other systems call: the mail provider's hooks, and mail programs for pictures."""

from django.urls import path

from messaging.incoming.hooks import inbound_hook, provider_hook
from messaging.views import show_picture

urlpatterns = [
    path("hooks/anymail/<path:what>", provider_hook, name="provider_hook"),
    path("hooks/inbound/<slug:provider>/", inbound_hook, name="inbound_hook"),
    path("mail/pictures/<slug:digest>.<slug:extension>", show_picture, name="mail_image"),
]
