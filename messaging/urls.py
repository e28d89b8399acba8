"""What other systems call: the mail provider's hooks."""

from django.urls import path

from messaging.incoming.hooks import inbound_hook, provider_hook

urlpatterns = [
    path("hooks/anymail/<path:what>", provider_hook, name="provider_hook"),
    path("hooks/inbound/<slug:provider>/", inbound_hook, name="inbound_hook"),
]
