"""What happens by the clock stands in the database, and staff's own entries stay theirs."""

import pytest
from celery import current_app
from django_celery_beat.models import IntervalSchedule, PeriodicTask
from django_celery_beat.schedulers import ModelEntry

from clicksend_portal.beat import PREFIX, SCHEDULE, sync_schedule

pytestmark = pytest.mark.django_db


def ours() -> dict[str, PeriodicTask]:
    return {task.name: task for task in PeriodicTask.objects.filter(name__startswith=PREFIX)}


def test_after_migrating_every_entry_is_there() -> None:
    assert set(ours()) == {PREFIX + name for name in SCHEDULE}
    night = ours()["portal.enforce_rules"].crontab
    assert (night.hour, night.minute, str(night.timezone)) == ("2", "15", "UTC")


@pytest.mark.parametrize("name", SCHEDULE)
def test_every_entry_names_a_task_that_exists(name: str) -> None:
    current_app.loader.import_default_modules()
    assert SCHEDULE[name][0] in current_app.tasks


def test_doing_it_again_writes_nothing() -> None:
    before = {name: task.date_changed for name, task in ours().items()}
    sync_schedule()
    assert {name: task.date_changed for name, task in ours().items()} == before
    assert IntervalSchedule.objects.count() == len(
        {task.interval_id for task in ours().values() if task.interval_id}
    )


def test_a_changed_entry_is_put_right_and_one_of_ours_that_is_gone_is_removed() -> None:
    PeriodicTask.objects.filter(name="portal.deliver").update(expire_seconds=9999)
    every = IntervalSchedule.objects.first()
    PeriodicTask.objects.create(name="portal.old", task="portal.old", interval=every)
    sync_schedule()
    assert ours()["portal.deliver"].expire_seconds == 5
    assert "portal.old" not in ours()


def test_what_staff_added_or_switched_off_stays() -> None:
    every = IntervalSchedule.objects.first()
    PeriodicTask.objects.create(name="reports", task="reports.run", interval=every)
    PeriodicTask.objects.filter(name="portal.deliver").update(enabled=False)
    sync_schedule()
    assert PeriodicTask.objects.filter(name="reports").exists()
    assert not ours()["portal.deliver"].enabled


def test_readings_are_taken_at_once_and_late_wake_ups_are_dropped() -> None:
    entry = ModelEntry(ours()["portal.take_readings"], app=current_app)
    assert entry.is_due().is_due
    for task in ours().values():
        assert task.crontab_id or task.expire_seconds, f"{task.name} would pile up"
