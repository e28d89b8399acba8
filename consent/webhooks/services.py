"""What staff do with a webhook. The secret leaves by the return value, once."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Max

from consent.models import Delivery, Leaf, Webhook
from consent.webhooks import secrets
from consent.webhooks.messages import test_body
from consent.webhooks.policy import FORMER_SECRET_SIGNS_FOR


@transaction.atomic
def create_webhook(*, name: str, url: str, events: Sequence[str]) -> tuple[Webhook, str]:
    """The webhook and its secret. It is told of what is sealed from now on."""
    secret = secrets.new_secret()
    last = Leaf.objects.aggregate(Max("index"))["index__max"]
    webhook = Webhook(
        name=name,
        url=url,
        events=list(events),
        secret=secrets.encrypt(secret),
        cursor=0 if last is None else last + 1,
    )
    webhook.save(force_insert=True)
    return webhook, secret


@transaction.atomic
def rotate_secret(webhook_id: uuid.UUID, *, now: datetime) -> str:
    """A new secret; the former one signs beside it for a day."""
    webhook = Webhook.objects.select_for_update(no_key=True).get(pk=webhook_id)
    secret = secrets.new_secret()
    webhook.former_secret = webhook.secret
    webhook.former_until = now + FORMER_SECRET_SIGNS_FOR
    webhook.secret = secrets.encrypt(secret)
    webhook.save(update_fields=["secret", "former_secret", "former_until"])
    return secret


def pause(webhook_id: uuid.UUID, *, now: datetime) -> bool:
    """Nothing is sent; what happens meanwhile is told afterwards. Whether anything changed."""
    return bool(Webhook.objects.filter(pk=webhook_id, paused_at=None).update(paused_at=now))


def resume(webhook_id: uuid.UUID) -> bool:
    return bool(
        Webhook.objects.filter(pk=webhook_id, paused_at__isnull=False).update(paused_at=None)
    )


def send_test(webhook_id: uuid.UUID, *, now: datetime) -> None:
    """A message about nobody, sent as every other."""
    Delivery.objects.create(
        webhook_id=webhook_id,
        event_id=uuid.uuid4(),
        body=test_body(now),
        not_before=now,
        made_at=now,
    )
