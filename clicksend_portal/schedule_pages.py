"""The pages of django-celery-beat, where it speaks English alone: its own texts stay, these few are
said in the reader's language."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from foundation.staff import BaseAdmin


def in_words(crontab: Any) -> str:
    """A dash for what is rarer than daily: its five fields stand beside it."""
    if crontab is None or not every_day(crontab):
        return "–"
    if crontab.minute.isdigit() and crontab.hour.isdigit():
        clock = f"{int(crontab.hour):02}:{int(crontab.minute):02} {crontab.timezone}"
        return _("daily at %(clock)s") % {"clock": clock}
    if crontab.minute.isdigit() and crontab.hour == "*":
        return _("every hour, at minute %(minute)s") % {"minute": crontab.minute}
    return _("every minute") if (crontab.minute, crontab.hour) == ("*", "*") else "–"


def every_day(crontab: Any) -> bool:
    fields = (crontab.day_of_month, crontab.month_of_year, crontab.day_of_week)
    return fields == ("*", "*", "*")


class TasksUnderIt(admin.TabularInline[PeriodicTask, Model]):
    """The tasks of a schedule, to be looked at."""

    model = PeriodicTask
    fields = ("name", "which", "args", "kwargs")
    readonly_fields = fields
    can_delete = False
    extra = 0
    show_change_link = True
    verbose_name = gettext_lazy("Periodic Tasks Using This Schedule")
    verbose_name_plural = verbose_name

    @admin.display(description=gettext_lazy("task"))
    def which(self, task: Any) -> str:
        return str(task.task)

    def has_add_permission(self, request: Any, obj: Any = None) -> bool:
        return False


class ScheduleWords(BaseAdmin):
    inlines: ClassVar[Any] = (TasksUnderIt,)


class CrontabWords(ScheduleWords):
    list_display = ("__str__", "words")
    fields: ClassVar[Any] = (
        "words",
        "minute",
        "hour",
        "day_of_month",
        "month_of_year",
        "day_of_week",
        "timezone",
    )
    readonly_fields = ("words",)

    @admin.display(description=gettext_lazy("in words"))
    def words(self, crontab: CrontabSchedule) -> str:
        return in_words(crontab)


class TaskWords(BaseAdmin):
    def get_actions(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """The package offers to stop and run tasks to whoever may look at them."""
        may = self.has_change_permission(request)
        return super().get_actions(request, *args, **kwargs) if may else {}

    @admin.display(description=gettext_lazy("in words"))
    def crontab_translation(self, task: PeriodicTask) -> str:
        return in_words(task.crontab)


# By model: what stands before the package's own class.
SPOKEN: dict[str, tuple[type, ...]] = {
    "django_celery_beat.crontabschedule": (CrontabWords,),
    "django_celery_beat.intervalschedule": (ScheduleWords,),
    "django_celery_beat.periodictask": (TaskWords,),
}
