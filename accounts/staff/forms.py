"""What becoming staff asks, and what administrators of roles fill in."""

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.forms import EmailLine, Line, UsernameLine, taken_username
from accounts.models import User
from accounts.policy import NAME_LENGTH
from accounts.roles import Role
from accounts.staff.standing import former_staff


def password_field(label: Any, **kwargs: Any) -> forms.CharField:
    widget = forms.PasswordInput(attrs={"autocomplete": "new-password"})
    return forms.CharField(label=label, strip=False, widget=widget, **kwargs)


class AcceptForm(forms.Form):
    """A colleague's name, user name and password. The address is that of the invitation."""

    username = UsernameLine()
    first_name = Line(
        label=_("First name"),
        max_length=NAME_LENGTH,
        autocomplete="given-name",
        help_text=_("Colleagues see it beside what you approve. Customers never do."),
    )
    last_name = Line(label=_("Last name"), max_length=NAME_LENGTH, autocomplete="family-name")
    password1 = password_field(
        _("Password"), help_text=_("At least 12 characters, nothing common and nothing about you.")
    )
    password2 = password_field(_("Password (again)"))

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.email = email

    def clean_username(self) -> str:
        username: str = self.cleaned_data["username"]
        others = User.objects.exclude(pk__in=former_staff(self.email))
        if others.with_username(username).exists():
            raise taken_username()
        return username

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        password = values.get("password1")
        if password and password != values.get("password2"):
            self.add_error("password2", _("The two passwords differ. Write the same twice."))
        elif password:
            person = User(
                username=values.get("username", ""),
                email=self.email,
                first_name=values.get("first_name", ""),
                last_name=values.get("last_name", ""),
            )
            try:
                validate_password(password, person)
            except ValidationError as error:
                self.add_error("password1", error)
        return values


def role_field() -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=_("Roles"),
        choices=Role.choices,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("As few as the work needs."),
    )


class InviteForm(forms.Form):
    email = EmailLine(
        label=_("Email address"),
        help_text=_("Of the colleague. It must not be a customer's account."),
    )
    roles = role_field()


class ConfirmForm(forms.Form):
    """The roles that the account keeps for a year: the standing ones are ticked."""

    roles = role_field()
