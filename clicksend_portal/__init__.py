"""The project: settings, URLs, embedded services, promises and their readings."""

from clicksend_portal.celery import app as celery_app

__all__ = ["celery_app"]
