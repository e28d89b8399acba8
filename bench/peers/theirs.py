"""Run in the others' virtual environment by `python -m bench.peers`; see there.

Each is used as its documentation says, in one process: django-post-office with its five threads,
its queue filled before the clock starts; django-newsletter with a newsletter of six articles.
"""

import importlib
import json
import sys
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import django
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.management import call_command
from django.urls import include, path

GIVEN: dict[str, Any] = json.loads(sys.argv[1])
MESSAGES, SENDER = GIVEN["messages"], "news@bench.example"
BACKEND = "django.core.mail.backends.smtp.EmailBackend"
urlpatterns: list[Any] = []


def set_up() -> None:
    database = urlsplit(GIVEN["database"])
    settings.configure(
        SECRET_KEY="only-benchmarks-sign-with-this-key-0123456789",  # noqa: S106
        USE_TZ=True,
        SITE_ID=1,
        ROOT_URLCONF=__name__,
        LOGGING_CONFIG=None,
        EMAIL_BACKEND=BACKEND,
        EMAIL_HOST="127.0.0.1",
        EMAIL_PORT=GIVEN["port"],
        DEFAULT_FROM_EMAIL=SENDER,
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        INSTALLED_APPS=[
            *(f"django.contrib.{name}" for name in ("admin", "auth", "contenttypes", "messages")),
            *(f"django.contrib.{name}" for name in ("sessions", "sites")),
            "sorl.thumbnail",
            "newsletter",
            "post_office",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
            }
        ],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": database.path[1:],
                "USER": database.username,
                "HOST": parse_qs(database.query)["host"][0],
            }
        },
        NEWSLETTER_THUMBNAIL="sorl-thumbnail",
        POST_OFFICE={
            "BATCH_SIZE": MESSAGES,
            "THREADS_PER_PROCESS": 5,
            "BACKENDS": {"default": BACKEND},
        },
    )
    django.setup()
    urlpatterns.append(path("newsletter/", include("newsletter.urls")))
    call_command("migrate", verbosity=0)


def headers(number: int) -> dict[str, str]:
    return {
        "List-Unsubscribe": f"<https://portal.example/u/{number}/>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def send_with_django() -> float:
    """Put together and sent over one connection, in batches of a hundred."""
    began = time.perf_counter()
    with get_connection() as connection:
        for first in range(0, MESSAGES, 100):
            batch = []
            for number in range(first, min(first + 100, MESSAGES)):
                mail = EmailMultiAlternatives(
                    GIVEN["subject"],
                    GIVEN["text"],
                    SENDER,
                    [f"{number}@shop.test"],
                    headers=headers(number),
                )
                mail.attach_alternative(GIVEN["html"], "text/html")
                batch.append(mail)
            connection.send_messages(batch)
    return time.perf_counter() - began


def send_with_post_office() -> float:
    mail = importlib.import_module("post_office.mail")
    importlib.import_module("post_office.models").Email.objects.all().delete()
    mail.send_many(
        [
            {
                "recipients": f"{number}@shop.test",
                "sender": SENDER,
                "subject": GIVEN["subject"],
                "message": GIVEN["text"],
                "html_message": GIVEN["html"],
                "headers": headers(number),
            }
            for number in range(MESSAGES)
        ]
    )
    began = time.perf_counter()
    mail.send_queued(processes=1)
    return time.perf_counter() - began


def send_with_newsletter() -> float:
    models = importlib.import_module("newsletter.models")
    sites = importlib.import_module("django.contrib.sites.models")
    timezone = importlib.import_module("django.utils.timezone")
    letter, is_new = models.Newsletter.objects.get_or_create(
        slug="news", defaults={"title": "News", "email": SENDER, "sender": "News"}
    )
    if is_new:
        letter.site.set(sites.Site.objects.all())
        models.Subscription.objects.bulk_create(
            models.Subscription(
                newsletter=letter,
                email_field=f"{number}@shop.test",
                name_field="Kari Nordmann",
                subscribed=True,
                activation_code=f"{number:040d}",
                subscribe_date=timezone.now(),
            )
            for number in range(MESSAGES)
        )
    message = models.Message.objects.create(
        newsletter=letter, title=GIVEN["subject"], slug=f"m{time.time_ns()}"
    )
    words = GIVEN["text"][: len(GIVEN["text"]) // 6 + 1]
    for number in range(1, 7):
        models.Article.objects.create(
            post=message, sortorder=number, title=f"Number {number}", text=words
        )
    submission = models.Submission.from_message(message)
    submission.publish_date = timezone.now()
    submission.prepared = True
    submission.save()
    began = time.perf_counter()
    submission.submit()
    return time.perf_counter() - began


SENDERS = {
    "django": send_with_django,
    "post_office": send_with_post_office,
    "newsletter": send_with_newsletter,
}


if __name__ == "__main__":
    set_up()
    print("ready", flush=True)
    for line in sys.stdin:
        print(SENDERS[line.strip()](), flush=True)
