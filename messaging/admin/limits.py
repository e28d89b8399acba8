"""How fast mail may leave: what the mail provider allows in all, and what one domain takes."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.core.validators import DomainNameValidator
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from foundation.staff import BaseAdmin
from messaging.models import SendingLimit
from messaging.sending.limits import ascii_domain, forget

if TYPE_CHECKING:
    BaseForm = forms.ModelForm[SendingLimit]
else:
    BaseForm = forms.ModelForm

# As much as a provider could mean; a slip of the finger is no limit.
MOST = 1_000_000


class SendingLimitForm(BaseForm):
    """Whatever is typed becomes the one form in which recipients' domains are compared."""

    class Meta:
        model = SendingLimit
        fields = ("domain", "per_minute", "burst")
        widgets = {"domain": forms.TextInput(attrs={"autocapitalize": "none"})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("per_minute", "burst"):
            if name in self.fields:
                field = self.fields[name] = forms.IntegerField(
                    label=self.fields[name].label,
                    help_text=self.fields[name].help_text,
                    initial=self.fields[name].initial,
                    min_value=1,
                    max_value=MOST,
                )
                field.widget.attrs["class"] = "vIntegerField"

    def clean_domain(self) -> str:
        domain = ascii_domain(str(self.cleaned_data["domain"]).strip().removeprefix("@"))
        if domain:
            try:
                DomainNameValidator(accept_idna=False)(domain)
            except ValidationError as error:
                raise ValidationError(_("Write a domain such as gmail.com, or nothing.")) from error
        return domain


@admin.register(SendingLimit)
class SendingLimitAdmin(BaseAdmin):
    form = SendingLimitForm
    list_display = ("shown_domain", "per_minute", "burst")
    search_fields = ("domain",)
    fieldsets = (
        (
            None,
            {
                "fields": ("domain", "per_minute", "burst"),
                "description": gettext_lazy(
                    "All workers keep to it together, a few seconds after it is saved. Where two "
                    "limits apply, both count. Account mail takes its share, but never waits."
                ),
            },
        ),
    )

    @admin.display(description=gettext_lazy("recipients' domain"), ordering="domain")
    def shown_domain(self, limit: SendingLimit) -> str:
        return limit.domain or _("everything that leaves")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Never the moment the workers have moved on meanwhile."""
        if not change:
            obj.save()
        elif form.changed_data:
            obj.save(update_fields=form.changed_data)
        forget()
