"""The pages of the scheduler: when a task runs, in the reader's words."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from clicksend_portal.schedule_pages import in_words

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("minute", "hour", "rest", "words"),
    [
        ("5", "2", {}, "daily at 02:05 UTC"),
        ("5", "*", {}, "every hour, at minute 5"),
        ("*", "*", {}, "every minute"),
        ("*/5", "*", {}, "–"),
        ("5", "2", {"day_of_week": "1"}, "–"),
        ("5", "2", {"day_of_month": "1"}, "–"),
        ("5", "2", {"month_of_year": "1"}, "–"),
    ],
)
def test_a_crontab_in_words(minute: str, hour: str, rest: dict[str, str], words: str) -> None:
    with translation.override("en"):
        assert in_words(CrontabSchedule(minute=minute, hour=hour, timezone="UTC", **rest)) == words


def test_a_task_without_a_crontab_has_none() -> None:
    assert in_words(None) == "–"


def test_the_pages_say_it(staff: Client) -> None:
    crontab = CrontabSchedule.objects.create(minute="5", hour="2", timezone="UTC")
    hourly = IntervalSchedule.objects.create(every=1, period="hours")
    task = PeriodicTask.objects.create(name="a task", task="an.errand", crontab=crontab)
    PeriodicTask.objects.create(name="another", task="an.errand", interval=hourly)
    for model, row in (("crontabschedule", crontab), ("periodictask", task)):
        page = staff.get(reverse(f"admin:django_celery_beat_{model}_change", args=[row.pk]))
        assert "daily at 02:05 UTC" in page.text
    page = staff.get(reverse("admin:django_celery_beat_intervalschedule_change", args=[hourly.pk]))
    assert "an.errand" in page.text
