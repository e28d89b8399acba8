"""The receipt of a deletion: what went, what stays and why, signed, and about nobody by name.

It says what the request's row holds when it is made, and the same state gives the same file: the
one moment in it that is not the request's own is that of the newest answer it tells of. Like the
receipt of a choice it is verified without us: `docs/receipts.md` explains each field.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Max
from django.utils.text import capfirst
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from consent.models import Delivery
from consent.proof.published import encoded, second
from consent.proof.receipts import (
    NotPublishedYet,
    controller,
    public_halves,
    receipt_key,
    signed,
)
from consent.proof.shape import DELETION_FORM
from retention.holdings import Kept, entry_named
from retention.models import DeletionRequest, Source
from retention.schedule import ENTRIES
from retention.words import human_day, kept_sentence, scope_words


class NotFinishedYet(Exception):
    """Nothing is signed of a deletion that is under way."""


def make_deletion_receipt(wish: DeletionRequest) -> bytes:
    """The receipt's file, in the language now active; only reads, and signs what it read.

    `NotPublishedYet` when the log knows no key of the ring yet: nobody could verify it.
    """
    if not wish.is_finished:
        raise NotFinishedYet
    key = receipt_key()
    if key is None:
        raise NotPublishedYet
    proof = {
        "journal": {
            "position": wish.journal_position,
            "chain": None if wish.journal_chain is None else encoded(wish.journal_chain),
        },
        "public_keys": public_halves(key),
        "signed_by": key.number,
    }
    receipt = described(wish) | {"proof": proof}
    return signed(receipt, key, about=f"deletion {wish.reference}")


def described(wish: DeletionRequest) -> dict[str, Any]:
    """The readable part. Who asked is said by the way alone: an actor may be a person."""
    finished_at = wish.finished_at
    assert finished_at is not None
    return {
        "schema_version": DELETION_FORM,
        "reference": str(wish.reference),
        "as_of": second(as_of(wish, finished_at)),
        "language": get_language() or settings.LANGUAGE_CODE,
        "deletion": {
            "source": wish.source,
            "asked_for_by": str(Source(wish.source).label),
            "scope": scope(wish),
            "requested_at": second(wish.requested_at),
            "finished_at": second(finished_at),
            "removed": None if wish.removed is None else removed(wish.removed, wish.blanked),
            "kept": None if wish.kept is None else [kept(Kept.from_json(row)) for row in wish.kept],
        },
        "backups": backups(finished_at),
        "told": told(wish),
        "controller": controller(),
    }


def as_of(wish: DeletionRequest, finished_at: datetime) -> datetime:
    """The newest thing it tells of: its end, or the last answer of another system."""
    if wish.announcement is None:
        return finished_at
    answers = Delivery.objects.filter(event_id=wish.announcement)
    newest: datetime | None = answers.aggregate(at=Max("finished_at"))["at"]
    return max(finished_at, newest or finished_at)


def scope(wish: DeletionRequest) -> dict[str, Any]:
    """What was to go: everything, or the part that was named. A list is named by no key of ours."""
    return {
        "what": wish.scope,
        "in_words": scope_words(wish),
        "since": None if wish.since is None else wish.since.isoformat(),
        "until": None if wish.until is None else wish.until.isoformat(),
    }


def in_order(models: Iterable[str]) -> list[str]:
    """As the schedule has them, the database keeps no order; what it no longer has comes last."""
    places = {model: place for place, model in enumerate(ENTRIES)}
    return sorted(models, key=lambda model: (places.get(model, len(places)), model))


def removed(counts: dict[str, int], stayed: dict[str, Any]) -> list[dict[str, Any]]:
    """Deleted whole, or blanked: then `fields` are the columns that led to the person.

    As it was recorded when it was done: the schedule may say otherwise by now.
    """
    rows = []
    for model in in_order(counts):
        blanked = stayed.get(model, {"count": 0, "fields": []})
        for method, count, fields in (
            ("deleted", counts[model] - blanked["count"], []),
            ("blanked", blanked["count"], blanked["fields"]),
        ):
            if count:
                title = str(entry_named(model).title)
                row = {"model": model, "title": title, "count": count}
                rows.append(row | {"method": method, "fields": fields})
    return rows


def kept(each: Kept) -> dict[str, Any]:
    return {
        "model": each.entry.model,
        "title": str(each.entry.title),
        "count": each.count,
        "until": None if each.until is None else each.until.isoformat(),
        "without_end_yet": each.open,
        "how_long": kept_sentence(each, "" if each.until is None else human_day(each.until)),
        "reason": capfirst(str(each.entry.why_kept)),
        "law": str(each.entry.law),
    }


def backups(finished_at: datetime) -> dict[str, str]:
    until = finished_at + timedelta(days=settings.BACKUP_DAYS)
    return {
        "until": second(until)[: len("2026-11-22")],
        "remark": _(
            "Until this day a backup of the database may still hold the data. If one is restored, "
            "no page that shows data opens before the deletion has been done once more from our "
            "journal."
        ),
    }


ANSWERS = {
    Delivery.State.DELIVERED: "acknowledged",
    Delivery.State.WAITING: "open",
    Delivery.State.DEAD: "given_up",
}


def told(wish: DeletionRequest) -> dict[str, Any] | None:
    """Other systems of ours that asked to hear of deletions; None where that was not recorded.

    Rows of deliveries go after a while, so an old deletion may have some that nobody knows of.
    """
    if wish.announcement is None:
        return None
    rows = Delivery.objects.filter(event_id=wish.announcement).order_by("webhook__name")
    named = [
        {"system": system, "answer": ANSWERS[Delivery.State(state)]}
        for system, state in rows.values_list("webhook__name", "state")
    ]
    answers = Counter(row["answer"] for row in named)
    return {
        "systems": wish.announced,
        **{answer: answers[answer] for answer in ANSWERS.values()},
        "no_longer_recorded": max(0, wish.announced - len(named)),
        "named": named,
    }
