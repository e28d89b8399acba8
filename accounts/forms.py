"""What people are asked, each field with the reason beside it (`explicit-ask`)."""

import unicodedata
from collections.abc import Mapping
from typing import Any

from allauth.account import forms as allauth_forms
from allauth.mfa.webauthn import forms as allauth_webauthn
from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.forms.renderers import BaseRenderer
from django.forms.utils import flatatt
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _
from django_countries import countries
from phonenumber_field.formfields import PhoneNumberField
from phonenumber_field.phonenumber import PhoneNumber

from accounts import services
from accounts.models import PersonalToken, SupportChannel, User
from accounts.policy import (
    NAME_LENGTH,
    TOKEN_DAYS_USUAL,
    TOKEN_NAME_LENGTH,
    USERNAME_PATTERN,
)
from accounts.zones import zone_names
from foundation.addresses import normalise_address

EMAIL_LENGTH = 254
COMPANY_LENGTH = 150
_AFTER_Z = str.maketrans("æøå", "{|}")
# Characters that turn the direction of writing: a name made of them reads as another.
_DIRECTIONS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def refuse_control_characters(value: str) -> None:
    """A name stands on one line: in a mail header, a log and a file, too."""
    if any(unicodedata.category(c) in ("Cc", "Zl", "Zp") or c in _DIRECTIONS for c in value):
        raise ValidationError(
            _("Use one line of ordinary letters and signs; this holds a hidden character."),
            code="control",
        )


def refuse_web_addresses(value: str) -> None:
    """Our mail must not carry a stranger's link: what stands in a name reaches whom they choose."""
    if "/" in value or "www." in value.casefold():
        raise ValidationError(
            _("Write a name only, without a web address and without “/”."), code="web_address"
        )


class Line(forms.CharField):
    """One line of text as a person writes it."""

    def __init__(self, *, autocomplete: str, **kwargs: Any) -> None:
        super().__init__(widget=forms.TextInput(attrs={"autocomplete": autocomplete}), **kwargs)
        self.validators.append(refuse_control_characters)


class UsernameLine(Line):
    """A new user name; whether it is taken only the database knows."""

    def __init__(self) -> None:
        super().__init__(
            label=_("User name"),
            max_length=60,
            autocomplete="username",
            validators=[
                RegexValidator(
                    USERNAME_PATTERN,
                    _("Use 3 to 60 letters, digits, dots, plus signs, hyphens or underscores."),
                ),
                refuse_web_addresses,
            ],
            help_text=_("You sign in with it. 3 to 60 letters, digits and the signs . + - _"),
        )


class LongSelect(forms.Select):
    """A choice among hundreds: Django would fill a template for each of them."""

    def render(
        self,
        name: str,
        value: Any,
        attrs: dict[str, Any] | None = None,
        renderer: BaseRenderer | None = None,
    ) -> SafeString:
        chosen = self.format_value(value)
        options = format_html_join(
            "\n",
            '<option value="{}"{}>{}</option>',
            (
                (key, mark_safe(" selected") if str(key) in chosen else "", words)
                for key, words in self.choices
            ),
        )
        given = self.build_attrs(self.attrs, {"name": name} | (attrs or {}))
        return format_html("<select{}>\n{}\n</select>", flatatt(given), options)


class EmailLine(forms.EmailField):
    """An address, kept as it was written; two spellings of one address are still one."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.EmailInput(attrs={"autocomplete": "email", "spellcheck": "false"})
        super().__init__(max_length=EMAIL_LENGTH, widget=widget, **kwargs)

    def clean(self, value: Any) -> str:
        email: str = super().clean(value)
        if len(normalise_address(email)) > EMAIL_LENGTH:
            raise ValidationError(_("This address is too long."), code="max_length")
        return email


def country_choices() -> list[tuple[str, str]]:
    """Countries by their names in the reader's language, æ, ø and å where Norwegians look."""
    named = [(code, str(name)) for code, name in countries]
    named.sort(key=lambda country: country[1].casefold().translate(_AFTER_Z))
    return [("", gettext("Not stated")), *named]


class PersonFields(forms.Form):
    """What sign-up and profile both ask about a person. Only the first name is required."""

    first_name = Line(
        label=_("First name"),
        max_length=NAME_LENGTH,
        autocomplete="given-name",
        validators=[refuse_web_addresses],
        help_text=_("So that we know whom we write to and talk with."),
    )
    last_name = Line(
        label=_("Last name"),
        max_length=NAME_LENGTH,
        autocomplete="family-name",
        validators=[refuse_web_addresses],
        required=False,
        help_text=_("Tells you apart from others with the same first name when you call us."),
    )
    company = Line(
        label=_("Company"),
        max_length=COMPANY_LENGTH,
        autocomplete="organization",
        required=False,
        help_text=_("So that invoices bear the right name."),
    )
    country = forms.ChoiceField(
        label=_("Country"),
        required=False,
        choices=country_choices,
        widget=LongSelect(attrs={"autocomplete": "country"}),
        help_text=_("Decides the tax on your invoices and which rules your messages follow."),
    )
    phone = PhoneNumberField(
        label=_("Phone"),
        required=False,
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel"}),
        error_messages={
            "invalid": _(
                "We cannot read this number. Write it with country code, "
                "for example +47 22 00 00 00."
            )
        },
        help_text=_("Only for calling you back when you want to be answered by phone."),
    )
    language = forms.ChoiceField(
        label=_("Language"),
        required=False,
        choices=settings.LANGUAGES,
        help_text=_("The language of these pages and of our emails to you."),
    )

    def clean_phone(self) -> PhoneNumber | str:
        return self.cleaned_data["phone"] or ""

    def clean_language(self) -> str:
        """Left out, it is the language in which the page was read."""
        return self.cleaned_data["language"] or get_language() or settings.LANGUAGE_CODE


class SignupForm(PersonFields):
    """An account; `consent` adds the questions about mail. No password: the mail's link asks it."""

    username = UsernameLine()
    email = EmailLine(
        label=_("Email address"),
        help_text=_("We send a link there that opens the account, and what concerns it later."),
    )
    field_order = ("username", "first_name", "last_name", "email")
    REQUIRED_PART = ("username", "first_name", "last_name", "email")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.setdefault("language", get_language())
        self.fields["username"].widget.attrs |= {"autocapitalize": "none", "spellcheck": "false"}

    def clean_username(self) -> str:
        username: str = self.cleaned_data["username"]
        if User.objects.with_username(username).exists():
            raise taken_username()
        return username

    def account_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.REQUIRED_PART]

    def optional_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in PersonFields.base_fields if name not in self.REQUIRED_PART]

    def questions(self) -> list[forms.BoundField]:
        """Yes or no to each kind of optional mail; the app that knows them adds them."""
        return []

    def answers(self) -> Mapping[Any, bool]:
        return {}

    def profile(self) -> dict[str, Any]:
        """What `services.register_customer` keeps about the person beside address and language."""
        names = {"username", *PersonFields.base_fields} - {"language"}
        return {name: self.cleaned_data[name] for name in names}


def taken_username() -> ValidationError:
    return ValidationError(
        _("This user name is taken. Choose another; if it is yours, sign in instead."),
        code="taken",
    )


class ProfileForm(PersonFields):
    """What a person may change about themselves at once; the address needs a confirmation."""

    support_channel = forms.ChoiceField(
        label=_("Answer me by"),
        choices=SupportChannel.choices,
        widget=forms.RadioSelect,
        help_text=_("When you ask us something, we answer this way."),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        initial: dict[str, Any] = {name: getattr(user, name) for name in self.base_fields}
        initial["country"] = user.country.code or ""
        initial["language"] = user.language or get_language()
        initial["phone"] = user.phone or ""
        initial["timezone"] = user.timezone or settings.TIME_ZONE
        kwargs["initial"] = initial
        super().__init__(*args, **kwargs)
        # A zone that came with an import stays choosable even under an old name.
        names = dict.fromkeys((*zone_names(), initial["timezone"]))
        self.fields["timezone"] = forms.ChoiceField(
            label=_("Time zone"),
            choices=[(name, name.replace("_", " ")) for name in names],
            widget=LongSelect,
            help_text=_("The times on these pages and in our emails follow it."),
        )
        self.order_fields([*PersonFields.base_fields, "timezone", "support_channel"])

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        by_phone = values.get("support_channel") == SupportChannel.PHONE
        if by_phone and not values.get("phone") and "phone" not in self.errors:
            self.add_error("phone", _("Write the number we shall call, or choose email below."))
        return values


class ChangeEmailForm(forms.Form):
    """The address the account shall move to."""

    email = EmailLine(
        label=_("New email address"),
        help_text=_("What concerns your account goes there, once you have confirmed it."),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        if normalise_address(email) == self.user.address:
            raise ValidationError(_("This is the address you use already."), code="same")
        return email


class LoginForm(allauth_forms.LoginForm):
    """User name or address, and the password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = _("User name or email address")
        self.fields["login"].widget.attrs |= {"autocomplete": "username", "autocapitalize": "none"}


class OneLineOfHelp(forms.Form):
    """Says in one line what a new password must be; the rules themselves are the settings'."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password1"].help_text = _(
            "At least 12 characters, nothing common and nothing about you."
        )


class SetPasswordForm(OneLineOfHelp, allauth_forms.SetPasswordForm):
    """The first password of an account."""


class ChangePasswordForm(OneLineOfHelp, allauth_forms.ChangePasswordForm):
    """A new password, for whoever knows the old one."""


class ResetPasswordKeyForm(OneLineOfHelp, allauth_forms.ResetPasswordKeyForm):
    """A new password, for whoever got our link."""


class ResetPasswordForm(forms.Form):
    """Asks for the link that sets a new password; says nothing about who is a customer."""

    email = EmailLine(
        label=_("Email address"),
        help_text=_("The one your account has. We send the link there and nowhere else."),
    )

    def save(self, request: HttpRequest) -> None:
        services.request_password_reset(
            self.cleaned_data["email"], language=get_language() or settings.LANGUAGE_CODE
        )


class AddPasskeyForm(allauth_webauthn.AddWebAuthnForm):
    """A key of an account without a password must be able to sign in alone."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.user.has_usable_password():
            self.fields["passwordless"].initial = True


class TokenForm(forms.Form):
    """A new access token: what it is for, what it may do, and until when."""

    name = Line(
        label=_("Name"),
        max_length=TOKEN_NAME_LENGTH,
        autocomplete="off",
        help_text=_("So that you know it again: the app or the script that uses it."),
    )
    scopes = forms.MultipleChoiceField(
        label=_("It may"),
        choices=PersonalToken.Scope.choices,
        widget=forms.CheckboxSelectMultiple,
    )
    days = forms.TypedChoiceField(
        label=_("It works for"),
        choices=[(30, _("30 days")), (90, _("90 days")), (365, _("1 year"))],
        initial=TOKEN_DAYS_USUAL,
        coerce=int,
        widget=forms.RadioSelect,
    )
