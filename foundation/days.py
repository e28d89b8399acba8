"""A day as people name one in a form."""

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from foundation.calendar import is_nameable


class DayField(forms.DateField):
    """None before our keys begin to count, and none that is a slip: 9999-12-31 has no day after."""

    def validate(self, value: Any) -> None:
        super().validate(value)
        if isinstance(value, date) and not is_nameable(value):
            raise ValidationError(_("Choose a day from 1970 to 2100."), code="day")
