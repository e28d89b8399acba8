"""The one mail consent sends: the confirmation of a yes asked for without a sign-in."""

from datetime import datetime

from django.conf import settings

from accounts.models import User
from consent.models import Topic
from consent.tokens import Purpose, RecipientToken, confirm_url, sign_token
from foundation.mail import write_mail


def send_confirm_yes(person: User, topic: Topic, *, version: int, now: datetime) -> None:
    """A link that says yes to one topic, for a day, unless the choice changes meanwhile."""
    token = sign_token(
        RecipientToken(
            person_id=person.pk,
            topic=topic.number,
            choice_version=version,
            wording_version=topic.wording_version,
            issued_at=now,
            purpose=Purpose.CONFIRM_YES,
        )
    )
    language = person.language or settings.LANGUAGE_CODE
    write_mail(
        "consent/mail/confirm_choice",
        to=person.email,
        person_id=person.pk,
        language=language,
        context={
            "user": person,
            "topic": topic.wording.in_language("name", language),
            "is_mail": topic.kind == Topic.Kind.MAIL,
            "url": confirm_url(token),
        },
    )
