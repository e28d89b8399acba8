"""The receipt of a deletion: what went, what stays and why, signed, and about nobody by name.

It says what the request's row holds when it is made, and the same state gives the same file: the
one thing in it that is not the request's own is which systems have not answered yet. Like the
receipt of a choice it is verified without us: `docs/receipts.md` explains each field.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any

from django.conf import settings
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
from retention.models import DeletionRequest, Scope, Source
from retention.schedule import ENTRIES
from retention.staying import CONTRACT, Kept, entry_named, kept_as_recorded
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
            "removed": removed(wish),
            "kept": None
            if wish.kept is None
            else [kept(each) for each in kept_as_recorded(wish.kept) if not each.blanked],
            "stays": everything_else(wish),
        },
        "backups": backups(finished_at),
        "told": told(wish),
        "controller": controller(),
    }


def as_of(wish: DeletionRequest, finished_at: datetime) -> datetime:
    """The newest thing it tells of: its end, or the last answer of another system."""
    answered = (datetime.fromisoformat(each["at"]) for each in wish.answers.values())
    return max(finished_at, *answered) if wish.answers else finished_at


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


def removed(wish: DeletionRequest) -> list[dict[str, Any]] | None:
    """Deleted whole, or blanked: then `fields` are the columns that led to the person, and the rows
    stay: why, and until when.

    As it was recorded when it was done: the schedule may say otherwise by now.
    """
    if wish.removed is None:
        return None
    rows = []
    for model in in_order(wish.removed):
        blanked = wish.blanked.get(model, {"count": 0, "fields": []})
        for method, count, fields in (
            ("deleted", wish.removed[model] - blanked["count"], []),
            ("blanked", blanked["count"], blanked["fields"]),
        ):
            if count:
                title = str(entry_named(model).title)
                row = {"model": model, "title": title, "count": count}
                row |= {"method": method, "fields": fields}
                rows.append(row | staying(wish, model, is_blanked=method == "blanked"))
    return rows


def staying(wish: DeletionRequest, model: str, *, is_blanked: bool) -> dict[str, Any]:
    """Of blanked rows why they stay, under which law and until when; nothing of deleted ones."""
    if not is_blanked:
        return {"reason": "", "law": "", "until": None, "how_long": ""}
    if wish.scope == Scope.PROFILE:
        account = {"reason": capfirst(account_stays()), "law": str(CONTRACT)}
        return account | {"until": None, "how_long": ""}
    of_these = [each for each in kept_as_recorded(wish.kept) if each.entry.model == model]
    # Of a class of which a part is kept as it is, too, what is blanked has a row of its own.
    told = [each for each in of_these if each.blanked] or of_these
    is_open = any(each.open for each in told)
    until = None if is_open else max((each.until for each in told if each.until), default=None)
    return {
        "reason": capfirst(str(entry_named(model).why_kept)),
        "law": str(entry_named(model).law),
        "until": None if until is None else until.isoformat(),
        "how_long": "; ".join(dict.fromkeys(how_long(each) for each in told)),
    }


def account_stays() -> str:
    return _(
        "the account stays, with name, user name, email address and language: we need them to "
        "reach you"
    )


def everything_else(wish: DeletionRequest) -> str:
    """What a part did not touch; of everything nothing is left but what is told. Nothing is said of
    a part that was overtaken by the rest.
    """
    if wish.scope == Scope.EVERYTHING or wish.kept is None:
        return ""
    return _("Your account and everything else stay as they were.")


def how_long(each: Kept) -> str:
    return kept_sentence(each, "" if each.until is None else human_day(each.until))


def kept(each: Kept) -> dict[str, Any]:
    return {
        "model": each.entry.model,
        "title": str(each.entry.title),
        "count": each.count,
        "until": None if each.until is None else each.until.isoformat(),
        "without_end_yet": each.open,
        "how_long": how_long(each),
        "reason": capfirst(str(each.reason)),
        "law": str(each.law),
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


ANSWERS = ("acknowledged", "open", "given_up")


def told(wish: DeletionRequest) -> dict[str, Any] | None:
    """Other systems of ours that asked to hear of deletions; None where that was not recorded.

    What became of each is in the request, from the moment it was settled. Of a deletion of before
    some may be missing that nobody knows of.
    """
    if wish.scope != Scope.EVERYTHING:
        remark = _("A deletion of a part is not told to other systems.")
        return {"systems": 0, **dict.fromkeys(ANSWERS, 0), "no_longer_recorded": 0} | {
            "named": [],
            "remark": remark,
        }
    if wish.announcement is None:
        return None
    waiting = Delivery.objects.filter(event_id=wish.announcement, state=Delivery.State.WAITING)
    named = [
        *({"system": each["system"], "answer": each["answer"]} for each in wish.answers.values()),
        *(
            {"system": name, "answer": "open"}
            for name in waiting.values_list("webhook__name", flat=True)
        ),
    ]
    named.sort(key=itemgetter("system"))
    answers = Counter(row["answer"] for row in named)
    return {
        "systems": wish.announced,
        **{answer: answers[answer] for answer in ANSWERS},
        "no_longer_recorded": max(0, wish.announced - len(named)),
        "named": named,
        "remark": "",
    }
