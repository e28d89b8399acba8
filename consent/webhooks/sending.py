"""Handing deliveries over: claim under a lease, call, write down what became of it.

At least once: a worker killed between the answer and the commit leaves the row waiting, and it is
sent again under the same `webhook-id` once the lease is over.
"""

import random
import uuid
from collections.abc import Callable, Collection
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from consent.models import Delivery, Webhook
from consent.webhooks import policy
from consent.webhooks.calling import Answer, Call, CheckedAdapter, call
from consent.webhooks.messages import ERASURE_BEGINS, OPT_IN_BEGINS, type_of
from consent.webhooks.secrets import UnreadableSecretError, signing_secrets
from foundation import standstill

type Clock = Callable[[], datetime]
State = Delivery.State


def deliver_pending(*, clock: Clock = timezone.now, until: datetime | None = None) -> int:
    """Call until nothing is due or `until` has come; how many deliveries were taken.

    What is under way then is waited for, a call's deadline at most. A webhook gets more to do when
    it has done what it had, whatever the others do: a slow one holds up itself.
    """
    give_up_waiting(now=clock())
    taken = 0
    under_way: dict[Future[Answer], Call] = {}
    adapter = CheckedAdapter(pool_maxsize=policy.AT_ONCE)
    with closing(adapter), ThreadPoolExecutor(max_workers=policy.THREADS) as pool:
        while True:
            if until is None or clock() < until:
                busy = {each.webhook_id for each in under_way.values()}
                for each in claim_due(now=clock(), busy=busy):
                    # No thread touches the database: the connection stays this one's.
                    under_way[pool.submit(call, each, now=clock(), through=adapter)] = each
            if not under_way:
                return taken
            done, _ = wait(under_way, return_when=FIRST_COMPLETED)
            with transaction.atomic():
                for future in done:
                    taken += settle(under_way.pop(future), future.result(), now=clock())


def claim_due(*, now: datetime, busy: Collection[uuid.UUID] = ()) -> list[Call]:
    """A few of each webhook that is not busy, so that a long queue lets the others through.

    While the portal stands still (a database restored from an older state, for one) a yes in it may
    have been taken back since: nobody is told of one. A no and an erasure are told all the same.
    """
    due = Delivery.objects.filter(state=State.WAITING, not_before__lte=now)
    if standstill.why(pages=True):
        due = due.exclude(body__startswith=OPT_IN_BEGINS)
    webhooks = Webhook.objects.filter(paused_at=None).exclude(pk__in=busy).order_by("?")
    return [each for webhook in webhooks for each in _claim(webhook, due, now=now)]


@transaction.atomic
def _claim(webhook: Webhook, rows: QuerySet[Delivery], *, now: datetime) -> list[Call]:
    due = list(
        rows.filter(webhook=webhook)
        .order_by("not_before", "pk")
        .select_for_update(skip_locked=True, of=("self",))[: policy.AT_ONCE]
    )
    Delivery.objects.filter(pk__in=[each.pk for each in due]).update(
        not_before=now + policy.LEASE, attempts=F("attempts") + 1
    )
    try:
        keys = tuple(signing_secrets(webhook, now=now)) if due else ()
    except UnreadableSecretError:
        keys = ()
    return [
        Call(
            delivery_id=each.pk,
            webhook_id=webhook.pk,
            attempts=each.attempts + 1,
            is_erasure=type_of(each.body) == Webhook.Event.ERASURE,
            url=webhook.url,
            body=each.body,
            secrets=keys,
        )
        for each in due
    ]


def settle(request: Call, answer: Answer, *, now: datetime) -> bool:
    """Write down the answer; whether the delivery was taken.

    A row that an erasure removed meanwhile stays removed. Of two workers whose calls overlapped,
    a success counts whoever had it, a failure only from the one whose lease it is.
    """
    row = Delivery.objects.filter(pk=request.delivery_id, state=State.WAITING)
    # The receiver may say back whom it erased: of such an answer only the status is kept.
    words = str(Answer(answer.status) if request.is_erasure and answer.status else answer)
    # Whom it was about is kept no longer than it is being told.
    over: dict[str, Any] = {"body": ""} if request.is_erasure else {}
    if answer.is_taken:
        row.update(state=State.DELIVERED, finished_at=now, answer=words, **over)
        return True
    row = row.filter(attempts=request.attempts)
    wait = policy.wait_after(request.attempts, random.random())
    if answer.is_gone:
        # "410 Gone: disable the endpoint" (Standard Webhooks). What waits is told when it resumes.
        Webhook.objects.filter(pk=request.webhook_id, paused_at=None).update(paused_at=now)
        row.update(answer=words, not_before=now, attempts=F("attempts") - 1)
    elif wait is None:
        row.update(state=State.DEAD, finished_at=now, answer=words, **over)
    else:
        row.update(answer=words, not_before=now + wait)
    return False


def give_up_waiting(*, now: datetime) -> int:
    """Nothing about anyone waits for ever for a webhook that nobody resumes.

    A notice of an erasure waits shorter, and what it said goes: it names who is no longer here.
    """
    waiting = Delivery.objects.filter(state=State.WAITING)
    notices = waiting.filter(
        body__startswith=ERASURE_BEGINS, made_at__lte=now - policy.ERASURE_WAITS_AT_MOST
    ).update(state=State.DEAD, finished_at=now, answer="it could not be told in time", body="")
    return notices + waiting.filter(
        webhook__paused_at__isnull=False,
        made_at__lte=now - policy.PAUSED_AT_MOST,
    ).update(state=State.DEAD, finished_at=now, answer="the webhook was paused too long")


def deliver_again(deliveries: "list[uuid.UUID]", *, now: datetime) -> int:
    """From the first attempt on, at once; only what was given up, so pressing twice is once.

    A notice of an erasure that was given up says nothing any more, and stays.
    """
    rows = Delivery.objects.filter(pk__in=deliveries, state=State.DEAD).exclude(body="")
    return rows.update(state=State.WAITING, attempts=0, not_before=now, finished_at=None)
