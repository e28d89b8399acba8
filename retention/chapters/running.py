"""Running the portal."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from retention import policy
from retention.chapters.standing import WHILE_IN_USE
from retention.entries import DataClass, Entry, OnErasure, Rule, kinds

RUNNING: Final[tuple[Entry, ...]] = (
    Entry(
        model="clicksend_portal.PageCount",
        data_class=DataClass.OPERATION,
        title=_("How often each page is visited"),
        purpose=_("to see which pages are used; never who reads them"),
        clause="pages-not-people",
        fields=kinds(technical="id page day views"),
        erasure=OnErasure.NOBODY,
        rules=(
            Rule(
                name="page_counts",
                title=_("How often each page is visited"),
                since=_("the day"),
                clock="day",
                period=policy.PAGE_COUNTS,
            ),
        ),
    ),
    *(
        Entry(
            model=model,
            data_class=DataClass.OPERATION,
            title=_("Roles of staff"),
            purpose=_("to let few staff do little"),
            clause="few-see",
            fields=kinds(technical=columns),
            erasure=OnErasure.NOBODY,
            no_clock=WHILE_IN_USE,
        )
        for model, columns in (
            ("auth.Group", "id name"),
            ("auth.Group_permissions", "id group permission"),
            ("auth.Permission", "id name content_type codename"),
            ("contenttypes.ContentType", "id app_label model"),
        )
    ),
    *(
        Entry(
            model=f"django_celery_beat.{model}",
            data_class=DataClass.OPERATION,
            title=_("Timetable of recurring work"),
            purpose=_("to do recurring work, such as these rules, on time"),
            clause="gone-when-needless",
            fields=kinds(technical=columns),
            erasure=OnErasure.NOBODY,
            no_clock=WHILE_IN_USE,
        )
        for model, columns in (
            ("SolarSchedule", "id event latitude longitude"),
            ("IntervalSchedule", "id every period"),
            ("ClockedSchedule", "id clocked_time"),
            ("CrontabSchedule", "id minute hour day_of_month month_of_year day_of_week timezone"),
            ("PeriodicTasks", "ident last_update"),
            (
                "PeriodicTask",
                (
                    "id name task interval crontab solar clocked args kwargs queue exchange "
                    "routing_key headers priority expires expire_seconds one_off start_time "
                    "enabled last_run_at total_run_count date_changed description"
                ),
            ),
        )
    ),
)
