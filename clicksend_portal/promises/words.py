"""Figures as people say them, and which figures are not said at all."""

from datetime import date, datetime

from django.utils import timezone
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from consent.history import human_moment

# Statistics offices hide counts of people below 3 to 10; a count below this is "fewer than five".
SMALLEST_COUNT = 5
MINUTE, HOUR, DAY = 60, 3600, 86400


def shown_count(number: int) -> int | None:
    """A count of people or of what they did, fit to be published; None means too few to say.

    Nought says nothing about anyone.
    """
    return None if 0 < number < SMALLEST_COUNT else number


def count_text(number: int | None) -> str:
    if number is None:
        return _("fewer than %(number)s") % {"number": SMALLEST_COUNT}
    return number_format(number, force_grouping=True)


def duration_text(seconds: float) -> str:
    """0.4 s, 12 s, 4 min, 3 h, 2 days: the unit that a person would choose."""
    if seconds < 10:
        return _("%(number)s s") % {"number": number_format(seconds, decimal_pos=1)}
    for limit, unit, text in (
        (2 * MINUTE, 1, _("%(number)s s")),
        (2 * HOUR, MINUTE, _("%(number)s min")),
        (2 * DAY, HOUR, _("%(number)s h")),
    ):
        if seconds < limit:
            return text % {"number": number_format(round(seconds / unit))}
    days = round(seconds / DAY)
    return ngettext("%(number)s day", "%(number)s days", days) % {"number": number_format(days)}


def moment_text(moment: datetime) -> str:
    """A date and time as people say them, with the zone: minutes matter in a reading."""
    return f"{human_moment(moment)} {timezone.localtime(moment):%Z}"


def whole_months(start: date, today: date) -> int:
    return (today.year - start.year) * 12 + today.month - start.month - (today.day < start.day)


def age_text(start: date, today: date) -> str:
    """Whole years and months from one date to another."""
    years, rest = divmod(max(whole_months(start, today), 0), 12)
    return format_html(
        "{} {}",
        ngettext("%(number)s year", "%(number)s years", years) % {"number": years},
        ngettext("%(number)s month", "%(number)s months", rest) % {"number": rest},
    )
