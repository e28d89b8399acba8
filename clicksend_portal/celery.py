"""The Celery application: tasks wake up, claim rows and finish them; the rows are the queue."""

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clicksend_portal.settings")

app = Celery("clicksend_portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_our_logging(**_kwargs: Any) -> None:
    """Hearing this signal keeps Celery from replacing the logging that redacts."""
    from logging.config import dictConfig

    from django.conf import settings

    dictConfig(settings.LOGGING)
