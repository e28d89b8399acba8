"""What fields each kind of receipt has, and of what form each is. Pure.

A shape is a dictionary of shapes (these names, no others), a list of one shape (one or more of
it), or a function that says whether a value will do. What passes holds strings, whole numbers,
truth values and null only, so any implementation of RFC 8785 writes it alike.
"""

import base64
import binascii
import re
from collections.abc import Callable
from typing import Any

type Check = Callable[[Any], bool]

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00", re.ASCII)
_SECOND = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_LINE = re.compile(r"[^\n]+")
LARGEST_WHOLE = 2**53 - 1


def is_text(value: Any) -> bool:
    return type(value) is str


def is_whole(value: Any) -> bool:
    """A number every JSON reader keeps exactly."""
    return type(value) is int and 0 <= value <= LARGEST_WHOLE


def is_flag(value: Any) -> bool:
    return type(value) is bool


def matches(pattern: re.Pattern[str]) -> Check:
    return lambda value: type(value) is str and pattern.fullmatch(value) is not None


def or_null(check: Check) -> Check:
    return lambda value: value is None or check(value)


def is_bytes(length: int) -> Check:
    """Base64 of so many bytes in its only form: the unused bits of the last letter are zero."""

    def check(value: Any) -> bool:
        try:
            raw = base64.b64decode(value, validate=True) if type(value) is str else b""
        except (ValueError, binascii.Error):
            return False
        return len(raw) == length and base64.b64encode(raw).decode() == value

    return check


def is_list_of(check: Check) -> Check:
    """A list that may be empty."""
    return lambda value: type(value) is list and all(check(item) for item in value)


def is_shaped(shape: Any) -> Check:
    return lambda value: not misshapen(value, shape)


uuid, moment, second, day = map(matches, (_UUID, _MOMENT, _SECOND, _DAY))
hash32, signature64 = is_bytes(32), is_bytes(64)

EVENT = {
    "schema": is_whole,
    "event": uuid,
    "person": uuid,
    "topic": uuid,
    "version": is_whole,
    "state_before": is_text,
    "state": is_text,
    "paused_until_before": or_null(moment),
    "paused_until": or_null(moment),
    "undone": is_flag,
    "source": is_text,
    "actor": is_text,
    "reason": is_text,
    "language": is_text,
    "wording_version": or_null(is_whole),
    "mailing": is_whole,
    "at": moment,
    "received_at": or_null(moment),
    "salt": is_bytes(16),
}
PROOF: dict[str, Any] = {
    "event": EVENT,
    "leaf_index": is_whole,
    "leaf_hash": hash32,
    "inclusion_path": is_list_of(hash32),
    "head": {
        "origin": matches(_LINE),
        "size": is_whole,
        "root": hash32,
        "time": second,
        "key": is_whole,
        "signature": signature64,
    },
    "public_keys": [{"id": is_whole, "public": hash32}],
    "signed_by": is_whole,
}
RECEIPT = {
    "schema_version": is_text,
    "record_id": uuid,
    "pii_principal_id": uuid,
    "issued_at": second,
    "language": is_text,
    "pii_processing": {
        "privacy_notice": {
            "version": or_null(is_whole),
            "language": is_text,
            "texts": is_list_of(
                is_shaped({"language": is_text, "name": is_text, "description": is_text})
            ),
            "remark": is_text,
        },
        "purposes": [{"id": uuid, "slug": is_text, "name": is_text, "description": is_text}],
        "lawful_basis": is_text,
        "pii_categories": [is_text],
        "storage_locations": [is_text],
        "retention_period": is_text,
        "jurisdictions": [is_text],
        "recipients": [is_text],
        "withdrawal_method": [is_text],
    },
    "pii_controllers": [{"name": is_text, "address": is_text, "email": is_text, "url": is_text}],
    "events": [
        {
            "time": moment,
            "type": is_text,
            "state": is_text,
            "entity": is_text,
            "method": is_text,
            "paused_until": or_null(moment),
        }
    ],
    "vocabulary": {"dpv": is_text},
    "proof": PROOF,
    "signature": signature64,
}
# What staff saw of somebody: the same proof, of another record.
ACCESS_FORM = "ClickSend Portal, access receipt, form 1"
ACCESS_EVENT = {
    "kind": lambda value: value == "access",
    "schema": is_whole,
    "event": uuid,
    "person": uuid,
    "staff": hash32,
    "role": is_text,
    "what": is_text,
    "basis": is_text,
    "reference": is_text,
    "reason": is_text,
    "grant": or_null(uuid),
    "at": moment,
    "salt": is_bytes(16),
}
ACCESS_RECEIPT: dict[str, Any] = {
    "schema_version": lambda value: value == ACCESS_FORM,
    "record_id": uuid,
    "pii_principal_id": uuid,
    "issued_at": second,
    "language": is_text,
    "access": {
        "time": moment,
        "role": is_text,
        "what": is_text,
        "basis": is_text,
        "reference": is_text,
        "reason": is_text,
        "in_words": is_text,
    },
    "controller": {"name": is_text, "address": is_text, "email": is_text, "url": is_text},
    "proof": PROOF | {"event": ACCESS_EVENT},
    "signature": signature64,
}
# The name of the form is what tells a receipt of a deletion from one of a consent. What was handed
# out in an older form is verified in that form for ever.
DELETION_FORM_1 = "ClickSend Portal, deletion receipt, form 1"
DELETION_FORM_2 = "ClickSend Portal, deletion receipt, form 2"
DELETION_FORM_3 = "ClickSend Portal, deletion receipt, form 3"
DELETION_FORM = "ClickSend Portal, deletion receipt, form 4"
KEPT_1: dict[str, Any] = {
    "model": is_text,
    "title": is_text,
    "count": is_whole,
    "until": or_null(day),
    "without_end_yet": is_whole,
    "how_long": is_text,
    "reason": is_text,
}
TOLD_1: dict[str, Any] = {
    "systems": is_whole,
    "acknowledged": is_whole,
    "open": is_whole,
    "given_up": is_whole,
    "no_longer_recorded": is_whole,
}
REMOVED_1: dict[str, Any] = {
    "model": is_text,
    "title": is_text,
    "count": is_whole,
    "method": lambda value: value in ("deleted", "blanked"),
    "fields": is_list_of(is_text),
}
DELETION_RECEIPT_1: dict[str, Any] = {
    "schema_version": lambda value: value == DELETION_FORM_1,
    "reference": uuid,
    "issued_at": second,
    "language": is_text,
    "deletion": {
        "source": is_text,
        "asked_for_by": is_text,
        "requested_at": second,
        "finished_at": second,
        "removed": or_null(is_list_of(is_shaped(REMOVED_1))),
        "kept": or_null(is_list_of(is_shaped(KEPT_1))),
    },
    "backups": {"until": day, "remark": is_text},
    "told": or_null(is_shaped(TOLD_1)),
    "controller": {"name": is_text, "address": is_text, "email": is_text, "url": is_text},
    "proof": {
        "journal": {"position": or_null(is_whole), "chain": or_null(hash32)},
        "public_keys": [{"id": is_whole, "public": hash32}],
        "signed_by": is_whole,
    },
    "signature": signature64,
}
# Form 2 says what was to go (all, or a part), under which law something stays, and who was told
# by name. `as_of` is the newest moment it tells of, so the same state gives the same file.
SCOPES = ("everything", "profile", "list", "messages", "content")
TOLD_2: dict[str, Any] = TOLD_1 | {
    "named": is_list_of(
        is_shaped(
            {
                "system": is_text,
                "answer": lambda value: value in ("acknowledged", "open", "given_up"),
            }
        )
    )
}
DELETION_RECEIPT_2: dict[str, Any] = {
    name: shape for name, shape in DELETION_RECEIPT_1.items() if name != "issued_at"
} | {
    "schema_version": lambda value: value == DELETION_FORM_2,
    "as_of": second,
    "deletion": DELETION_RECEIPT_1["deletion"]
    | {
        "scope": {
            "what": lambda value: value in SCOPES,
            "in_words": is_text,
            "since": or_null(day),
            "until": or_null(day),
        },
        "kept": or_null(is_list_of(is_shaped(KEPT_1 | {"law": is_text}))),
    },
    "told": or_null(is_shaped(TOLD_2)),
}
# Form 3 says of blanked rows why they stay and until when, what a part left as it was, and that
# nobody is told of a part.
REMOVED_3: dict[str, Any] = REMOVED_1 | {
    "reason": is_text,
    "until": or_null(day),
    "how_long": is_text,
}
DELETION_RECEIPT_3: dict[str, Any] = DELETION_RECEIPT_2 | {
    "schema_version": lambda value: value == DELETION_FORM_3,
    "deletion": DELETION_RECEIPT_2["deletion"]
    | {"removed": or_null(is_list_of(is_shaped(REMOVED_3))), "stays": is_text},
    "told": or_null(is_shaped(TOLD_2 | {"remark": is_text})),
}
# Form 4 says of blanked rows under which law they stay.
DELETION_RECEIPT: dict[str, Any] = DELETION_RECEIPT_3 | {
    "schema_version": lambda value: value == DELETION_FORM,
    "deletion": DELETION_RECEIPT_3["deletion"]
    | {"removed": or_null(is_list_of(is_shaped(REMOVED_3 | {"law": is_text})))},
}
DELETION_RECEIPTS = {
    DELETION_FORM_1: DELETION_RECEIPT_1,
    DELETION_FORM_2: DELETION_RECEIPT_2,
    DELETION_FORM_3: DELETION_RECEIPT_3,
    DELETION_FORM: DELETION_RECEIPT,
}


def misshapen(value: Any, shape: Any, name: str = "") -> str:
    """The first field that is missing, not known or not of its form; '' when all are well."""
    where = name or "the receipt"
    if isinstance(shape, dict):
        if type(value) is not dict:
            return f"{where} is not an object."
        if missing := shape.keys() - value.keys():
            return f"{name + '.' if name else ''}{min(missing)} is missing."
        if unknown := value.keys() - shape.keys():
            return f"{name + '.' if name else ''}{min(unknown)} is no field of a receipt."
        inner = ((f"{name}.{key}" if name else key, value[key], shape[key]) for key in shape)
    elif isinstance(shape, list):
        if type(value) is not list or not value:
            return f"{where} is not a list with something in it."
        inner = ((f"{name}[{n}]", item, shape[0]) for n, item in enumerate(value))
    else:
        return "" if shape(value) else f"{where} is not of the form it must have."
    return next((wrong for n, v, s in inner if (wrong := misshapen(v, s, n))), "")
