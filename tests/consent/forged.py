"""Receipts made without a database, and changed ones signed anew as only the log's owner could."""

import base64
import copy
import json
from collections.abc import Callable
from typing import Any

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consent.proof import merkle
from consent.proof.verifying import written
from consent.proof.vocabulary import told_event

SEEDS = {1: b"\x01" * 32, 2: b"\x02" * 32}
PRIVATE = {number: Ed25519PrivateKey.from_private_bytes(seed) for number, seed in SEEDS.items()}
KEYS = {number: key.public_key().public_bytes_raw() for number, key in PRIVATE.items()}
OTHERS = [merkle.leaf_hash(bytes([n])) for n in range(6)]
INDEX = 4


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def keys_json() -> bytes:
    rows = [{"id": number, "public": b64(public)} for number, public in KEYS.items()]
    return json.dumps({"keys": rows}).encode()


def event(**changes: Any) -> dict[str, Any]:
    return {
        "schema": 1,
        "event": "0193a4b2-0000-7000-8000-000000000001",
        "person": "0193a4b2-0000-7000-8000-000000000002",
        "topic": "0193a4b2-0000-7000-8000-000000000003",
        "version": 2,
        "state_before": "granted",
        "state": "withdrawn",
        "paused_until_before": None,
        "paused_until": None,
        "undone": False,
        "source": "one_click",
        "actor": "self",
        "reason": "",
        "language": "nb",
        "wording_version": 1,
        "mailing": 7,
        "at": "2026-03-12T09:30:00.000000+00:00",
        "received_at": "2026-03-12T09:29:59.900000+00:00",
        "salt": b64(bytes(range(16))),
    } | changes


def unsigned(record: dict[str, Any]) -> dict[str, Any]:
    return {
        "schema_version": "ISO/IEC TS 27560:2023, consent receipt, form 1",
        "record_id": record["event"],
        "pii_principal_id": record["person"],
        "issued_at": "2026-03-12T10:00:00Z",
        "language": "nb",
        "pii_processing": {
            "privacy_notice": {
                "version": record["wording_version"],
                "language": record["language"],
                "texts": [
                    {"language": "nb", "name": "Nyhetsbrev", "description": "Blåbær 🫐 hver måned."}
                ],
                "remark": "",
            },
            "purposes": [
                {
                    "id": record["topic"],
                    "slug": "newsletter",
                    "name": "Nyhetsbrev",
                    "description": "Blåbær",
                }
            ],
            "lawful_basis": "dpv:Consent",
            "pii_categories": ["navn", "e-postadresse"],
            "storage_locations": ["databasen"],
            "retention_period": "så lenge valget står",
            "jurisdictions": ["Norge"],
            "recipients": ["ingen"],
            "withdrawal_method": ["lenken"],
        },
        "pii_controllers": [
            {
                "name": "Eksempel AS",
                "address": "Storgata 1",
                "email": "personvern@eksempel.example",
                "url": "https://portal.example",
            }
        ],
        "events": [told_event(record)],
        "vocabulary": {"dpv": "https://w3id.org/dpv#"},
    }


def access(**changes: Any) -> dict[str, Any]:
    """What staff saw, as it was hashed."""
    return {
        "kind": "access",
        "schema": 1,
        "event": "0193a4b2-0000-7000-8000-000000000011",
        "person": "0193a4b2-0000-7000-8000-000000000002",
        "staff": b64(bytes(range(32))),
        "role": "support",
        "what": "profile",
        "basis": "question",
        "reference": "0193a4b2-0000-4000-8000-000000000012",
        "reason": "",
        "grant": "0193a4b2-0000-7000-8000-000000000013",
        "at": "2026-03-12T09:30:00.000000+00:00",
        "salt": b64(bytes(range(16))),
    } | changes


def unsigned_access(record: dict[str, Any]) -> dict[str, Any]:
    return {
        "schema_version": "ClickSend Portal, access receipt, form 1",
        "record_id": record["event"],
        "pii_principal_id": record["person"],
        "issued_at": "2026-03-12T10:00:00Z",
        "language": "nb",
        "access": {
            "time": record["at"],
            **{name: record[name] for name in ("role", "what", "basis", "reference", "reason")},
            "in_words": "Kundestøtte så på kontaktopplysningene dine 12. mars 2026: blåbær 🫐.",
        },
        "controller": {
            "name": "Eksempel AS",
            "address": "Storgata 1",
            "email": "personvern@eksempel.example",
            "url": "https://portal.example",
        },
    }


def make(record: dict[str, Any] | None = None, *, signer: int = 2, head_key: int = 1) -> bytes:
    """A genuine receipt of an event among six other leaves."""
    record = event() if record is None else record
    leaf = merkle.leaf_hash(rfc8785.dumps(record))
    leaves = [*OTHERS[:INDEX], leaf, *OTHERS[INDEX:]]
    path = merkle.inclusion_path(
        INDEX,
        len(leaves),
        lambda level, at: merkle.root_of(leaves[at << level : (at + 1) << level]),
    )
    head = {
        "origin": "portal.example/trust/log",
        "size": len(leaves),
        "root": b64(merkle.root_of(leaves)),
        "time": "2026-03-12T09:31:00Z",
        "key": head_key,
    }
    text = "".join(f"{head[name]}\n" for name in ("origin", "size", "root", "time"))
    receipt = unsigned_access(record) if "kind" in record else unsigned(record)
    receipt["proof"] = {
        "event": record,
        "leaf_index": INDEX,
        "leaf_hash": b64(leaf),
        "inclusion_path": [b64(sibling) for sibling in path],
        "head": {**head, "signature": b64(PRIVATE[head_key].sign(text.encode()))},
        "public_keys": [
            {"id": number, "public": b64(KEYS[number])} for number in sorted({signer, head_key})
        ],
        "signed_by": signer,
    }
    return sign(receipt)


def sign(receipt: dict[str, Any]) -> bytes:
    """The receipt's file under a new signature of the key it names."""
    content = {name: value for name, value in receipt.items() if name != "signature"}
    key = PRIVATE[receipt["proof"]["signed_by"]]
    return written(content | {"signature": b64(key.sign(rfc8785.dumps(content)))})


def changed(file: bytes, change: Callable[[dict[str, Any]], object], *, anew: bool = True) -> bytes:
    """The same receipt with something changed, signed anew or with its old signature."""
    receipt = copy.deepcopy(json.loads(file))
    change(receipt)
    return sign(receipt) if anew else written(receipt)
