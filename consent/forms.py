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


def field_name(topic: Topic) -> str:
    return f"topic_{topic.slug}" if topic.kind == Topic.Kind.MAIL else topic.slug


class SignupForm(accounts_forms.SignupForm):
    """`accounts`' form, and a yes or no to every kind of optional mail: no answer, no account.

    The button "No to all" answers each question and sends the form.
    """

    def __init__(self, data: Any = None, *args: Any, **kwargs: Any) -> None:
        asked = Topic.objects.asked_of_customers().with_wording()
        self.topics: dict[str, Topic] = {field_name(topic): topic for topic in asked}
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
                required=topic.kind == Topic.Kind.MAIL,
                error_messages={"required": _("Answer yes or no.")},
            )

    def wordings(self) -> str:
        """Which version of each question stands on the page."""
        return " ".join(f"{each.number}.{each.wording_version}" for each in self.topics.values())

    def clean(self) -> dict[str, Any]:
        """What is recorded as read must have been read: new words are shown before they count."""
        cleaned = super().clean() or {}
        if self.data.get("wordings", self.wordings()) != self.wordings():
            raise forms.ValidationError(
                _(
                    "We have changed a question below while you had this page open. "
                    "Please read the questions once more."
                )
            )
        return cleaned

    def questions(self) -> list[forms.BoundField]:
        """About mail: each needs its answer."""
        return self._asked(Topic.Kind.MAIL)

    def questions_beside_mail(self) -> list[forms.BoundField]:
        """Tailoring: left open, it is not asked, and off."""
        return self._asked(Topic.Kind.TAILORING)

    def _asked(self, kind: Topic.Kind) -> list[forms.BoundField]:
        return [self[name] for name, topic in self.topics.items() if topic.kind == kind]

    def answers(self) -> dict[uuid.UUID, bool]:
        """What was answered; a question left open leaves no trace."""
        given = {topic.pk: self.cleaned_data[name] for name, topic in self.topics.items()}
        return {topic: answer == YES for topic, answer in given.items() if answer}
