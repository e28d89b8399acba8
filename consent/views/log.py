"""`/trust/log/`: the public log, readable for people and complete for monitors. Nobody's data.

There is no look-up by event: whoever has a receipt holds the place of their event already, and
nobody else should learn whether one exists.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from consent.history import human_moment
from consent.models import Head, Leaf, LogKey
from consent.proof import heads, notes, tree
from consent.proof.published import encoded, head_record

# A new head comes each minute at most.
_BRIEFLY = 15
SHOWN_HEADS = 10
MOST_HEADS = 1_000
MOST_LEAVES = 1_000
_DIGITS = 18  # more than any size has, and less than a bigint takes


class BadRequest(Exception):
    """Said to the caller as it is."""


def published(view: Callable[[HttpRequest], dict[str, Any]]) -> Callable[..., HttpResponse]:
    """A document for programs: public for moments, and a mistake in the address is said plainly."""

    @require_safe
    @cache_control(public=True, max_age=_BRIEFLY)
    @wraps(view)
    def wrapped(request: HttpRequest) -> HttpResponse:
        try:
            return JsonResponse(view(request))
        except BadRequest as reason:
            return JsonResponse({"error": str(reason)}, status=400)

    return wrapped


@require_safe
def show_log(request: HttpRequest) -> HttpResponse:
    newest = list(Head.objects.select_related("key").order_by("-size")[:SHOWN_HEADS])
    rows = [
        {"head": head, "root": encoded(head.root), "when": human_moment(head.signed_at)}
        for head in newest
    ]
    return render(request, "consent/log.html", {"rows": rows, "latest": rows[0] if rows else None})


@require_safe
@cache_control(public=True, max_age=_BRIEFLY)
def show_checkpoint(request: HttpRequest) -> HttpResponse:
    """The newest head as a C2SP checkpoint."""
    head = heads.latest_head()
    plain = "text/plain; charset=utf-8"
    if head is None:
        return HttpResponse("No head was published yet.\n", content_type=plain, status=404)
    return HttpResponse(heads.note(head), content_type=plain)


@published
def head_json(request: HttpRequest) -> dict[str, Any]:
    """The newest head; null before the first."""
    head = heads.latest_head()
    return {"head": None if head is None else head_record(head)}


@published
def heads_json(request: HttpRequest) -> dict[str, Any]:
    """Every head from the oldest, page by page."""
    after = whole_number(request, "after", default=0)
    found = list(
        Head.objects.filter(size__gt=after).select_related("key").order_by("size")[: MOST_HEADS + 1]
    )
    page = found[:MOST_HEADS]
    return {"heads": [head_record(head) for head in page], "more": len(found) > MOST_HEADS}


@published
def keys_json(request: HttpRequest) -> dict[str, Any]:
    """Every key that ever signed a head or a receipt."""
    return {
        "keys": [
            {
                "id": key.number,
                "public": encoded(key.public),
                "origin": key.origin,
                "since": key.since.isoformat(timespec="seconds"),
                "verifier_key": notes.verifier_key(key.origin, bytes(key.public)),
            }
            for key in LogKey.objects.order_by("number")
        ]
    }


@published
def proof_json(request: HttpRequest) -> dict[str, Any]:
    """That the log of size `second` holds all of the log of size `first` (RFC 9162, 2.1.4)."""
    second = whole_number(request, "second", default=published_size())
    first = whole_number(request, "first", default=0)
    if second > published_size():
        raise BadRequest(f"second is at most {published_size()}, the size of the newest head")
    if first > second:
        raise BadRequest("first is at most second")
    return {
        "first": first,
        "second": second,
        "first_root": encoded(tree.root_at(first)),
        "second_root": encoded(tree.root_at(second)),
        "path": [encoded(step) for step in tree.consistency_proof(first, second)],
    }


@published
def leaves_json(request: HttpRequest) -> dict[str, Any]:
    """Hashes of leaves under a published head: enough to compute its root, nothing of anyone."""
    start = whole_number(request, "start", default=0)
    count = whole_number(request, "count", default=MOST_LEAVES)
    if count > MOST_LEAVES:
        raise BadRequest(f"count is at most {MOST_LEAVES}")
    end = min(start + count, published_size())
    rows = Leaf.objects.filter(index__gte=start, index__lt=end).order_by("index")
    return {
        "leaves": [
            {"index": index, "hash": encoded(digest)}
            for index, digest in rows.values_list("index", "hash")
        ]
    }


def whole_number(request: HttpRequest, name: str, *, default: int) -> int:
    text = request.GET.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) <= _DIGITS):
        raise BadRequest(f"{name} is a whole number, zero or more")
    return int(text)


def published_size() -> int:
    head = heads.latest_head()
    return 0 if head is None else head.size
