"""Does every question that we ask say why, and is nothing answered for the reader?"""

from datetime import datetime

from django import forms
from django.conf import settings
from django.utils.html import format_html
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from clicksend_portal.promises.promise import Finding, Value
from consent.models import Topic

# Beside these, sign-up requires an answer to each topic and nothing else.
NEEDED = {"username", "first_name", "last_name", "email"}
# The language that the reader already reads in is shown as it is, and can be changed.
KNOWN = {"language"}


def read_explicit_ask(now: datetime) -> Finding:
    """`explicit-ask`: walks the sign-up form itself, field by field."""
    form: forms.Form = import_string(settings.ACCOUNT_FORMS["signup"])()
    asked = {field.name: field for field in form if not field.is_hidden}
    topics = [name for name, field in asked.items() if is_choice_of_topic(field)]
    unexplained = [name for name, field in asked.items() if not field.help_text]
    required = {name for name, field in asked.items() if field.field.required}
    answered = [
        name
        for name, field in asked.items()
        if field.value() not in (None, "", []) and name not in KNOWN
    ]
    value = {
        "fields": len(asked),
        "topics": len(topics),
        "unexplained": unexplained,
        "needless": sorted(required - NEEDED - set(topics)),
        "answered_beforehand": answered,
    }
    holds = (
        len(topics) == Topic.objects.mail().count()
        and required >= set(topics)
        and not (unexplained or value["needless"] or answered)
    )
    return Finding(holds=holds, value=value)


def is_choice_of_topic(field: forms.BoundField) -> bool:
    return field.name.startswith("topic_")


def tell_explicit_ask(value: Value) -> str:
    return format_html(
        _(
            "<b>{fields}</b> fields at sign-up, <b>{unexplained}</b> without a reason, "
            "<b>{answered}</b> filled in beforehand."
        ),
        fields=value["fields"],
        unexplained=len(value["unexplained"]),
        answered=len(value["answered_beforehand"]),
    )
