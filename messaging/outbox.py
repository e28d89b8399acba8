"""Writing into the outbox. Whatever wants to leave becomes a row here, in its own transaction."""

import logging
import uuid
from datetime import datetime
from functools import partial

import css_inline
from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

from messaging.models import Kind, Message
from messaging.policy import PRIORITY_ACCOUNT, PRIORITY_OPTIONAL, Lane

logger = logging.getLogger(__name__)

# Styles are inlined, because mail programs drop them; the dark ones live in a media query.
_inliner = css_inline.CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)


def inline_css(html: str) -> str:
    return _inliner.inline(html)


def put_account_mail(
    *,
    to: str,
    person_id: uuid.UUID | None,
    purpose: str,
    language: str,
    subject: str,
    text: str,
    html: str,
    now: datetime,
    sender: str = "",
) -> None:
    """One account mail, sent if the surrounding transaction commits."""
    Message.objects.bulk_create(
        [
            Message(
                kind=Kind.ACCOUNT,
                priority=PRIORITY_ACCOUNT,
                purpose=purpose,
                person_id=person_id,
                to_address=to,
                language=language,
                sender=sender,
                subject=subject,
                text=text,
                html=inline_css(html) if html else "",
                not_before=now,
                queued_at=now,
            )
        ]
    )
    wake_sender()


def put_optional_mail(
    *,
    to: str,
    person_id: uuid.UUID,
    topic_id: uuid.UUID,
    purpose: str,
    language: str,
    subject: str,
    text: str,
    html: str,
    now: datetime,
) -> None:
    """One optional mail of no campaign; whether it may leave is asked at its hand-over."""
    Message.objects.bulk_create(
        [
            Message(
                kind=Kind.OPTIONAL,
                priority=PRIORITY_OPTIONAL,
                purpose=purpose,
                person_id=person_id,
                topic_id=topic_id,
                to_address=to,
                language=language,
                subject=subject,
                text=text,
                html=html,
                not_before=now,
                queued_at=now,
            )
        ]
    )
    wake_sender(Lane.CAMPAIGNS)


def wake_sender(lane: Lane = Lane.URGENT) -> None:
    """Tell the workers of a lane after the commit that there is something to send."""
    wake_after_commit(
        "messaging.tasks.deliver" if lane == Lane.URGENT else "messaging.tasks.deliver_campaigns"
    )


def wake_after_commit(task: str) -> None:
    """Call a task by its name once the rows stand; tasks know services, never the other way."""
    transaction.on_commit(partial(wake, task))


def wake(task: str) -> None:
    """Without a broker beat's next round finds the rows."""
    try:
        current_app.send_task(task)
    except OperationalError:
        logger.warning("the broker does not answer; %s waits for the next round", task)
