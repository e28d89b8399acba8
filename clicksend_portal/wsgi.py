"""The WSGI application that granian serves."""

import gc
import os

from django.core.wsgi import get_wsgi_application
from django.urls import reverse

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clicksend_portal.settings")

application = get_wsgi_application()


def settle() -> None:
    """Load every page now, and keep what lives as long as the process out of the collector's way.

    Looking through all of Django again and again costs a request some of its time, and now and
    then makes one wait for tens of milliseconds.
    """
    reverse("home")
    gc.collect()
    gc.freeze()


settle()
