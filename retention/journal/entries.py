"""What the journal says of choices, erasures, holds, topics and heads: no name, no address."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from accounts.models import User
from consent.models import ConsentDetail, Head, Leaf, State, Topic
from foundation.addresses import active_key, address_hash, person_hash
from foundation.redaction import redact
from messaging.models import OwnDeed
from retention.journal.record import Entry, Tail, moment
from retention.models import DeletionRequest, LegalHold


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


def partial_erasure(request: DeletionRequest, *, now: datetime) -> Entry:
    """A part of somebody's data: one list by its key, the days of a period, or the profile.

    Of a kind of its own, so that no reader can take it for one of everything. `asked` is when it
    was asked for: nothing that came later is a part of it. `from` and `before` are the ends of
    those days by the clock, which no other time zone moves.
    """
    assert request.person_id is not None
    key = active_key()
    return {
        "kind": "partial",
        "at": moment(now),
        "asked": moment(request.requested_at),
        "reference": str(request.reference),
        "key": key,
        "person": person_hash(key, request.person_id).hex(),
        "scope": request.scope,
        "list": None if request.contact_list_id is None else str(request.contact_list_id),
        "since": None if request.since is None else request.since.isoformat(),
        "until": None if request.until is None else request.until.isoformat(),
        "from": None if request.covers_from is None else moment(request.covers_from),
        "before": None if request.covers_before is None else moment(request.covers_before),
    }


def withdrawal(reference: uuid.UUID, *, now: datetime) -> Entry:
    """That a deletion which waited was taken back, or will not come to anything."""
    return {"kind": "withdrawal", "at": moment(now), "reference": str(reference)}


def own_deed(deed: OwnDeed, *, now: datetime) -> Entry:
    """What a customer deleted of their own, or that a contact said no to them: as hashes alone."""
    key = active_key()
    return {
        "kind": "own",
        "at": moment(now),
        "id": str(deed.pk),
        "key": key,
        "person": person_hash(key, deed.customer_id).hex(),
        "what": deed.what,
        "done": moment(deed.done_at),
        "first": None if deed.first is None else moment(deed.first),
        "before": None if deed.before is None else moment(deed.before),
        "numbered": deed.is_numbered,
        # Of the key of that day: the ring may have a newer one by now.
        "digests_key": deed.key,
        "digests": bytes(deed.digests).hex(),
    }


def holds(rows: Iterable[LegalHold], *, now: datetime) -> Entry:
    """Every legal hold as it stands, so the newest of these records says all there is to know.

    Without its reason, which is free text; who is held, and who placed it, as keyed hashes.
    """
    key = active_key()
    rows = list(rows)
    return {
        "kind": "holds",
        "at": moment(now),
        "standing": [_standing(hold, key) for hold in rows if hold.released_at is None],
        "released": [
            {"id": str(hold.pk), "at": moment(hold.released_at)}
            for hold in rows
            if hold.released_at is not None
        ],
    }


def _standing(hold: LegalHold, key: int) -> Entry:
    return {
        "id": str(hold.pk),
        "key": key,
        "person": None if hold.customer_id is None else person_hash(key, hold.customer_id).hex(),
        "class": hold.data_class,
        "since": None if hold.since is None else hold.since.isoformat(),
        "until": None if hold.until is None else hold.until.isoformat(),
        "reference": redact(hold.reference),
        "review": hold.review_on.isoformat(),
        "placed": moment(hold.placed_at),
        "placed_by": None
        if hold.placed_by_id is None
        else person_hash(key, hold.placed_by_id).hex(),
        "approved": None if hold.approved_at is None else moment(hold.approved_at),
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


def checkpoint(former: Tail, dropped: Mapping[str, int], *, leaves: int, now: datetime) -> Entry:
    """That everything up to `former` leaves, but what is kept: how many records of each kind.

    `leaves` is how long the log was there; the next record with leaves goes on from it.
    """
    return {
        "kind": "checkpoint",
        "at": moment(now),
        "until": former.position,
        "chain": former.chain.hex(),
        "leaves": leaves,
        "dropped": dict(sorted(dropped.items())),
    }
