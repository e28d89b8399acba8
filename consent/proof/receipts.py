"""A consent receipt: one event of a person, what they were told, and what proves it.

The fields are those of ISO/IEC TS 27560:2023, the states words of the W3C Data Privacy
Vocabulary. It holds nothing but the person's own event; `docs/receipts.md` explains each field.
"""

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

import rfc8785
from django.conf import settings
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.models import User
from consent.models import (
    SHOW_WORDS,
    ConsentDetail,
    Head,
    Leaf,
    LogKey,
    Topic,
    TopicWording,
)
from consent.proof import keys, tree
from consent.proof.events import event_record
from consent.proof.published import encoded, head_record, second
from consent.proof.verifying import verify, written
from consent.proof.vocabulary import DPV, told_event

SCHEMA_VERSION = "ISO/IEC TS 27560:2023, consent receipt, form 1"


class NoSuchEvent(Exception):
    """Nothing of this person has this id, or no longer."""


class NotPublishedYet(Exception):
    """No published head covers the event, or none is of a key that still signs: the next will."""


class Unprovable(Exception):
    """The stored event does not agree with the log; such a receipt must not leave the house."""


def find_event(person: User, event_id: uuid.UUID) -> ConsentDetail:
    """An event of this very person; whose any other is, nobody learns."""
    found: ConsentDetail | None = ConsentDetail.objects.of(person.pk).filter(pk=event_id).first()
    if found is None:
        raise NoSuchEvent
    return found


def make_receipt(person: User, event_id: uuid.UUID, *, now: datetime) -> bytes:
    """The receipt's file, in the language now active; only reads, and signs what it read."""
    detail = find_event(person, event_id)
    return proven(detail.pk, event_record(detail), lambda: described(detail, now=now))


def proven(
    event_id: uuid.UUID, record: dict[str, Any], describe: Callable[[], dict[str, Any]]
) -> bytes:
    """The file of a receipt that says what `describe` gives, of the event with this record."""
    leaf = Leaf.objects.filter(event_id=event_id).first()
    head = None if leaf is None else first_head_over(leaf)
    key = receipt_key()
    if leaf is None or head is None or key is None:
        raise NotPublishedYet
    proof = {
        "event": record,
        "leaf_index": leaf.index,
        "leaf_hash": encoded(leaf.hash),
        "inclusion_path": [encoded(h) for h in tree.inclusion_proof(leaf.index, head.size)],
        "head": head_record(head),
        "public_keys": public_halves(key, head.key),
        "signed_by": key.number,
    }
    return signed(describe() | {"proof": proof}, key, about=f"event {event_id}")


def signed(receipt: dict[str, Any], key: LogKey, *, about: str) -> bytes:
    """The file of any receipt: signed, written, and verified before it leaves the house."""
    signature = encoded(keys.sign(key, rfc8785.dumps(receipt)))
    file = written(receipt | {"signature": signature})
    verdict = verify(file, keys.public_keys())
    if not verdict.ok:
        raise Unprovable(f"{about}: {verdict.reason}")
    return file


def first_head_over(leaf: Leaf) -> Head | None:
    """The first head that covers it: the moment from which nobody could alter it unseen."""
    covering = Head.objects.filter(size__gt=leaf.index).select_related("key")
    return covering.order_by("size").first()


def receipt_key() -> LogKey | None:
    """The newest key of the ring that the log knows already, so that a look writes no row.

    None in a ring whose every key is new: the next head makes its newest known.
    """
    known = LogKey.objects.in_bulk(list(settings.LOG_KEYS))
    return next((known[n] for n in settings.LOG_KEYS if n in known), None)


def public_halves(*used: LogKey) -> list[dict[str, Any]]:
    halves = {key.number: encoded(key.public) for key in used}
    return [{"id": number, "public": public} for number, public in halves.items()]


def described(detail: ConsentDetail, *, now: datetime) -> dict[str, Any]:
    """The readable part: notice, purpose, controller, event."""
    topic = Topic.objects.with_wording().get(pk=detail.topic_id)
    return {
        "schema_version": SCHEMA_VERSION,
        "record_id": str(detail.pk),
        "pii_principal_id": str(detail.person_id),
        "issued_at": second(now),
        "language": get_language() or settings.LANGUAGE_CODE,
        "pii_processing": {
            "privacy_notice": notice(detail, topic),
            "purposes": [
                {
                    "id": str(topic.pk),
                    "slug": topic.slug,
                    "name": topic.name,
                    "description": topic.description,
                }
            ],
            "lawful_basis": "dpv:Consent",
            "pii_categories": pii_categories(topic),
            "storage_locations": [_("the controller's own database, on its servers")],
            "retention_period": _(
                "as long as the choice stands, then as long as %(url)s says; gone when you have "
                "your data deleted"
            )
            % {"url": address("retention_schedule")},
            "jurisdictions": [_("Norway and the EEA: General Data Protection Regulation")],
            "recipients": [recipient(topic)],
            "withdrawal_method": withdrawal(topic),
        },
        "pii_controllers": [controller()],
        "events": [told_event(event_record(detail))],
        "vocabulary": {"dpv": DPV},
    }


def controller() -> dict[str, str]:
    return {
        "name": settings.LEGAL_NAME,
        "address": settings.POSTAL_ADDRESS,
        "email": settings.PRIVACY_EMAIL,
        "url": settings.PORTAL_URL,
    }


def notice(detail: ConsentDetail, topic: Topic) -> dict[str, Any]:
    """The words the person read, if they read any; in both languages when that was not recorded."""
    texts: list[dict[str, str]] = []
    remark = ""
    if detail.wording_version is None:
        remark = _("Which words the person read, if any, is not known.")
    elif detail.source not in SHOW_WORDS:
        remark = _("This wording was in force; by this way the person was not shown it.")
    else:
        wording = next(w for w in topic.wordings.all() if w.version == detail.wording_version)
        languages = [detail.language] if detail.language else [c for c, _name in settings.LANGUAGES]
        texts = [text(wording, code) for code in languages]
        if not detail.language:
            remark = _("In which of these languages the person read it was not recorded.")
    return {
        "version": detail.wording_version,
        "language": detail.language,
        "texts": texts,
        "remark": remark,
    }


def text(wording: TopicWording, language: str) -> dict[str, str]:
    return {
        "language": language,
        "name": wording.in_language("name", language),
        "description": wording.in_language("description", language),
    }


def pii_categories(topic: Topic) -> list[str]:
    if topic.kind == Topic.Kind.MAIL:
        return [_("name"), _("email address"), _("language")]
    if topic.kind == Topic.Kind.TAILORING:
        return [_("what the profile says about the person and the company")]
    return [_("name"), _("company"), _("what is shown of it, once approved")]


def recipient(topic: Topic) -> str:
    if topic.kind == Topic.Kind.REFERENCE:
        return _("whoever sees the published reference")
    if topic.kind == Topic.Kind.TAILORING:
        return _("nobody")
    transport = settings.MAIL_TRANSPORT
    if transport.is_smtp:
        return _("nobody but the mail server that delivers the email")
    return _("the mail provider that delivers the email: %(name)s") % {"name": transport.esp}


def withdrawal(topic: Topic) -> list[str]:
    ways = [
        _("signed in, at %(url)s") % {"url": address("preferences")},
        _("by writing to %(email)s") % {"email": settings.PRIVACY_EMAIL},
    ]
    if topic.kind == Topic.Kind.MAIL:
        ways.insert(0, _("with the link or the unsubscribe button of every such email"))
    return ways


def address(name: str) -> str:
    return f"{settings.PORTAL_URL}{reverse(name)}"
