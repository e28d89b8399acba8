"""From the sealed log to rows of work, webhook by webhook, by cursor.

The log index has no gaps and no late arrivals, so a cursor misses nothing; the unique constraint
makes doing it twice the same as once.
"""

import uuid
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Max

from accounts.models import User
from consent.models import Delivery, Leaf, Webhook
from consent.webhooks import secrets
from consent.webhooks.messages import Change, erasure_body
from consent.webhooks.policy import LEAVES_AT_ONCE

# The columns in the order of `Change`. Holds the accounts against an erasure: it either ran before
# (no row here) or waits, and then finds the deliveries made here and takes them with it.
_CHANGES = """
SELECT l.index, d.id, d.person_id, u.platform_id, t.slug, t.kind, d.state, d.paused_until, d.at
  FROM consent_leaf l
  JOIN consent_consentdetail d ON d.id = l.event_id
  JOIN accounts_user u ON u.id = d.person_id
  JOIN consent_topic t ON t.id = d.topic_id
 WHERE l.kind = 'consent' AND l.index >= %s AND l.index < %s
 ORDER BY l.index
   FOR KEY SHARE OF u
"""


def make_deliveries(*, now: datetime) -> int:
    """A row for every sealed event a webhook has not been told of; how many events were read."""
    read = 0
    for pk in Webhook.objects.filter(paused_at=None).values_list("pk", flat=True):
        while step := _advance(pk, now=now):
            read += step
    return read


@transaction.atomic
def _advance(webhook_id: uuid.UUID, *, now: datetime) -> int:
    """Rows and cursor in one transaction; a webhook another worker has in hand is left to it.

    The lock spares the key, or an erasure that refers to the webhook would wait for us.
    """
    webhook = (
        Webhook.objects.select_for_update(no_key=True, skip_locked=True)
        .filter(pk=webhook_id, paused_at=None)
        .first()
    )
    if webhook is None:
        return 0
    last = Leaf.objects.filter(index__lt=webhook.cursor + LEAVES_AT_ONCE).aggregate(Max("index"))
    end = 0 if last["index__max"] is None else last["index__max"] + 1
    if end <= webhook.cursor:
        return 0
    Delivery.objects.bulk_create(
        (
            Delivery(
                webhook=webhook,
                event_id=change.event_id,
                person_id=change.person_id,
                body=change.body(),
                not_before=now,
                made_at=now,
            )
            for change in changes(webhook.cursor, end)
            if change.type in webhook.events
        ),
        ignore_conflicts=True,
    )
    read, webhook.cursor = end - webhook.cursor, end
    webhook.secret = secrets.renewed(webhook.secret)
    webhook.former_secret = webhook.former_secret and secrets.renewed(webhook.former_secret)
    webhook.save(update_fields=["cursor", "secret", "former_secret"])
    return read


def changes(first: int, end: int) -> list[Change]:
    """The events of these places in the log; those of erased people are gone, and not told."""
    with connection.cursor() as cursor:
        cursor.execute(_CHANGES, [first, end])
        names = Change.__dataclass_fields__
        return [Change(**dict(zip(names, row, strict=True))) for row in cursor.fetchall()]


def announce_erasure(
    person_id: uuid.UUID, reference: uuid.UUID, now: datetime
) -> tuple[uuid.UUID, int]:
    """Inside the transaction that erases: every system of ours that asked to know erases too.

    The rows point at nobody, so the erasure leaves them; a paused webhook hears it when it resumes.
    Their body names who is gone until it is told or given up, a week at most.
    What the event is called derives from the reference, which is itself a secret of the person.
    Returned are that name and how many systems are told.
    """
    event_id = uuid.uuid5(person_id, f"erasure {reference}")
    number = User.objects.filter(pk=person_id).values_list("platform_id", flat=True).first()
    body = erasure_body(person_id, number, now)
    asked = Webhook.objects.filter(events__contains=[Webhook.Event.ERASURE.value])
    webhooks = list(asked.values_list("pk", flat=True))
    Delivery.objects.bulk_create(
        (
            Delivery(
                webhook_id=webhook_id, event_id=event_id, body=body, not_before=now, made_at=now
            )
            for webhook_id in webhooks
        ),
        ignore_conflicts=True,
    )
    return event_id, len(webhooks)
