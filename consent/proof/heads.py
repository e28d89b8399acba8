"""Heads: so many leaves, this root, at that time, signed. What was published never changes."""

from datetime import datetime

from consent.models import Head
from consent.proof import keys, tree
from consent.proof.notes import head_text, signed_note, verify_head


def next_head(*, now: datetime) -> Head | None:
    """A signed head of the log as it is, not stored yet; None when nothing is new."""
    size = tree.tree_size()
    latest = latest_head()
    if size == (0 if latest is None else latest.size):
        return None
    key = keys.signing_key()
    moment = now.replace(microsecond=0)
    root = tree.root_at(size)
    signature = keys.sign(key, head_text(key.origin, size, root, moment))
    return Head(size=size, root=root, signed_at=moment, key=key, signature=signature)


def publish_head(head: Head) -> None:
    """Publishing a size twice publishes the first of them."""
    Head.objects.bulk_create([head], ignore_conflicts=True)


def latest_head() -> Head | None:
    return Head.objects.select_related("key").order_by("-size").first()


def is_genuine(head: Head) -> bool:
    """Whether the log's own key, current or retired, signed this head."""
    text = head_text(head.key.origin, head.size, bytes(head.root), head.signed_at)
    return verify_head(bytes(head.key.public), bytes(head.signature), text)


def note(head: Head) -> bytes:
    """The head as a C2SP signed note."""
    origin = head.key.origin
    text = head_text(origin, head.size, bytes(head.root), head.signed_at)
    return signed_note(text, origin, bytes(head.key.public), bytes(head.signature))
