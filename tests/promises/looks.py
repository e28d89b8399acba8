"""Taking one look, and messages as the outbox holds them after their hand-over."""

import uuid
from datetime import datetime, timedelta

from accounts.models import User
from clicksend_portal.models import PromiseReading
from clicksend_portal.promises.registry import BY_ID
from clicksend_portal.promises.services import look
from foundation.ids import uuid7_from
from messaging.models import Message
from tests.factories import make_campaign, topic


def read(promise_id: str, *, now: datetime) -> PromiseReading:
    return look(BY_ID[promise_id], now=now)


def handed_message(
    person: User | uuid.UUID, *, at: datetime, slug: str = "newsletter", language: str = "nb"
) -> Message:
    """An optional message that left at a moment, whatever the person had said."""
    person_id = person.pk if isinstance(person, User) else person
    message: Message = Message.objects.create(
        id=uuid7_from(at - timedelta(seconds=1), uuid.uuid4().hex),
        kind="optional",
        priority=5,
        purpose="campaign",
        mailing_id=make_campaign(slug).pk,
        person_id=person_id,
        topic_id=topic(slug).pk,
        language=language,
        to_address="someone@example.test",
        state="sent",
        not_before=at,
        queued_at=at,
        handed_at=at,
        finished_at=at,
    )
    return message
