"""The sign-up form with its questions: each topic asked, nothing pre-ticked (`asked-for-mail`)."""

import uuid
from typing import Any

from django import forms
from django.utils.html import escape
from django.utils.translation import gettext_lazy as _

from accounts import forms as accounts_forms
from consent.models import Topic

YES, NO = "yes", "no"
ANSWERS = [(YES, _("Yes")), (NO, _("No"))]
NO_TO_ALL = "no_to_all"


class SignupForm(accounts_forms.SignupForm):
    """`accounts`' form, and a yes or no to every kind of optional mail: no answer, no account.

    The button "No to all" answers each question and sends the form.
    """

    def __init__(self, data: Any = None, *args: Any, **kwargs: Any) -> None:
        self.topics: dict[str, Topic] = {
            f"topic_{topic.slug}": topic for topic in Topic.objects.mail().with_wording()
        }
        if data is not None and NO_TO_ALL in data:
            data = data.copy()
            for name in self.topics:
                data[name] = NO
        super().__init__(data, *args, **kwargs)
        for name, topic in self.topics.items():
            self.fields[name] = forms.ChoiceField(
                label=topic.name,
                help_text=escape(topic.description),
                choices=ANSWERS,
                widget=forms.RadioSelect,
                error_messages={"required": _("Answer yes or no.")},
            )

    def questions(self) -> list[forms.BoundField]:
        return [self[name] for name in self.topics]

    def answers(self) -> dict[uuid.UUID, bool]:
        return {topic.pk: self.cleaned_data[name] == YES for name, topic in self.topics.items()}
