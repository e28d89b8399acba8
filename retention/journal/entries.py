"""What the journal says of choices, erasures, topics and heads: no name, no address."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from accounts.models import User
from consent.models import ConsentDetail, Head, Leaf, State, Topic
from foundation.addresses import active_key, address_hash, person_hash
from retention.journal.record import Entry, moment


def begin(reason: str, *, actor: str, now: datetime) -> Entry:
    return {"kind": "begin", "at": moment(now), "actor": actor, "reason": reason}


def topics(highest: int, retired: Sequence[int], *, now: datetime) -> Entry:
    """The highest number that was ever given, and the topics that are retired for good."""
    return {"kind": "topics", "at": moment(now), "highest": highest, "retired": list(retired)}


def head(published: Head) -> Entry:
    return {
        "kind": "head",
        "size": published.size,
        "root": bytes(published.root).hex(),
        "at": moment(published.signed_at),
        "key": published.key.number,
        "public": bytes(published.key.public).hex(),
        "origin": published.key.origin,
        "signature": bytes(published.signature).hex(),
    }


def erasure(
    reference: uuid.UUID, person_id: uuid.UUID, addresses: Iterable[str], *, now: datetime
) -> Entry:
    key = active_key()
    return {
        "kind": "erasure",
        "at": moment(now),
        "reference": str(reference),
        "key": key,
        "person": person_hash(key, person_id).hex(),
        "addresses": sorted(address_hash(key, each).hex() for each in addresses),
    }


def leaves(run: Sequence[Leaf], *, now: datetime) -> Entry:
    """Leaves in a row with the opt-outs among them, as one record: none stands without the other.

    An event whose detail was erased meanwhile leaves its leaf alone.
    """
    return {
        "kind": "leaves",
        "at": moment(now),
        "first": run[0].index,
        "leaves": [[str(leaf.event_id), leaf.kind, bytes(leaf.hash).hex()] for leaf in run],
        "opt_outs": _opt_outs(run),
    }


def _opt_outs(run: Sequence[Leaf]) -> list[dict[str, Any]]:
    """Every no, and every pause; what gives something back is no opt-out."""
    place = {leaf.event_id: leaf.index for leaf in run}
    details = [
        detail
        for detail in ConsentDetail.objects.filter(pk__in=place)
        if detail.state != State.GRANTED or detail.paused_until is not None
    ]
    topics = dict(
        Topic.objects.filter(pk__in={detail.topic_id for detail in details}).values_list(
            "pk", "number"
        )
    )
    people = {detail.person_id for detail in details}
    addresses = dict(User.objects.filter(pk__in=people).values_list("pk", "email"))
    key = active_key() if details else 0
    return [
        {
            "index": place[detail.pk],
            "event": str(detail.pk),
            "key": key,
            "person": person_hash(key, detail.person_id).hex(),
            "address": address_hash(key, addresses[detail.person_id]).hex()
            if detail.person_id in addresses
            else None,
            "topic": topics[detail.topic_id],
            "state": detail.state,
            "until": None if detail.paused_until is None else moment(detail.paused_until),
            "at": moment(detail.at),
        }
        for detail in sorted(details, key=lambda each: place[each.pk])
    ]
