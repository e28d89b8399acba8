"""Whether a receipt is genuine: pure, without Django, database or clock, so anyone may run it.

Nine steps, in the order of `Step`; the first that fails gives the reason. The receipt of a deletion
has no entry in the log, so only the first five apply to it; that of a choice and that of a look of
our staff have. Nothing in a file makes it
raise. The page `/trust/verify/` and the script `docs/verify_receipt.py` take the same steps in
code of their own.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import rfc8785

from consent.proof import merkle
from consent.proof.notes import verify_head as verify_ed25519
from consent.proof.paper import carried_file, is_paper
from consent.proof.shape import (
    ACCESS_FORM,
    ACCESS_RECEIPT,
    DELETION_RECEIPTS,
    RECEIPT,
    misshapen,
)
from consent.proof.vocabulary import told_event

# A receipt is some 5 kB; what is far larger is none, and would only keep us busy.
LARGEST = 200_000


class Step(StrEnum):
    JSON = "json"
    WRITING = "writing"
    FIELDS = "fields"
    KEY = "key"
    RECEIPT_SIGNATURE = "receipt_signature"
    LEAF = "leaf"
    PATH = "path"
    HEAD_SIGNATURE = "head_signature"
    READABLE = "readable"


# What proves a choice or a look: its entry in the log, and the log's head.
OF_A_CHOICE = (Step.LEAF, Step.PATH, Step.HEAD_SIGNATURE, Step.READABLE)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Genuine, or the step that failed and why in plain words; what the receipt says.

    `without` are the steps that do not apply to such a receipt: they were not passed either.
    """

    ok: bool
    step: Step | None = None
    reason: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    without: tuple[Step, ...] = ()


class Refused(Exception):
    """The step that failed, and why."""

    def __init__(self, step: Step, reason: str) -> None:
        super().__init__(reason)
        self.step, self.reason = step, reason


def verify(data: bytes, keys: Mapping[int, bytes] | None) -> Verdict:
    """`keys` are public keys known from elsewhere. Of a paper the file it carries is verified, and
    nothing of its own words: the facts say so.

    With None the keys named in the receipt are believed: what agrees then agrees with itself
    only, and the facts say so.
    """
    on_paper = is_paper(data)
    try:
        data = taken_from(data) if on_paper else data
        receipt = parsed(data)
        check_writing(data, receipt)
        deletion = of_a_deletion(receipt)
        access = ACCESS_RECEIPT if form_of(receipt) == ACCESS_FORM else None
        if wrong := misshapen(receipt, deletion or access or RECEIPT):
            raise Refused(Step.FIELDS, wrong)
        known = check_keys(receipt, keys)
        check_signature(receipt, known)
        if deletion:
            told = deletion_facts(receipt, believed=keys is None)
            told |= {"paper": "carries this file; its own words are not signed"} if on_paper else {}
            return Verdict(ok=True, facts=told, without=OF_A_CHOICE)
        check_leaf(receipt)
        check_path(receipt)
        check_head(receipt, known)
        compare(access_pairs(receipt) if access else choice_pairs(receipt))
    except Refused as refused:
        return Verdict(ok=False, step=refused.step, reason=refused.reason)
    tell = access_facts if access else facts
    return Verdict(ok=True, facts=tell(receipt, believed=keys is None))


def taken_from(paper: bytes) -> bytes:
    file = carried_file(paper)
    if file is None:
        raise Refused(Step.JSON, "The PDF is not as downloaded: it carries not one signed file.")
    return file


def form_of(receipt: Any) -> str:
    """The form's name, which the signature covers."""
    form = receipt.get("schema_version") if type(receipt) is dict else None
    return form if type(form) is str else ""


def of_a_deletion(receipt: Any) -> dict[str, Any] | None:
    """The form it must have; None of another."""
    return DELETION_RECEIPTS.get(form_of(receipt))


def parsed(data: bytes) -> Any:
    if len(data) > LARGEST:
        raise Refused(Step.JSON, f"The file is larger than any receipt ({LARGEST} bytes).")
    try:
        return json.loads(data.decode())
    except UnicodeDecodeError as error:
        raise Refused(Step.JSON, f"The file is not UTF-8 text at byte {error.start}.") from None
    except json.JSONDecodeError as error:
        at = len(error.doc[: error.pos].encode())
        raise Refused(Step.JSON, f"The file is not JSON at byte {at}: {error.msg}.") from None
    except (ValueError, RecursionError):
        raise Refused(Step.JSON, "The file is not JSON that a receipt may hold.") from None


def written(document: Any) -> bytes:
    """A receipt's only form: indented by two, no escapes that are not needed, a line end."""
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    # A lone surrogate can stand in JSON as an escape only; then the bytes differ there.
    return text.encode("utf-8", "surrogatepass")


def check_writing(data: bytes, receipt: Any) -> None:
    try:
        expected = written(receipt)
    except (ValueError, RecursionError):
        raise Refused(Step.JSON, "The file is not JSON that a receipt may hold.") from None
    if data != expected:
        pairs = enumerate(zip(data, expected, strict=False))
        at = next((n for n, (a, b) in pairs if a != b), min(len(data), len(expected)))
        raise Refused(Step.WRITING, f"The file is not written as receipts are, from byte {at} on.")


def check_keys(receipt: Any, keys: Mapping[int, bytes] | None) -> dict[int, bytes]:
    proof = receipt["proof"]
    named = {row["id"]: decoded(row["public"]) for row in proof["public_keys"]}
    used = [proof["signed_by"]] + ([proof["head"]["key"]] if "head" in proof else [])
    for number in used:
        if number not in named:
            raise Refused(Step.KEY, f"The receipt does not hold its key number {number}.")
        if keys is not None and number not in keys:
            raise Refused(Step.KEY, f"Key number {number} is not among the keys of the log.")
        if keys is not None and keys[number] != named[number]:
            raise Refused(Step.KEY, f"Key number {number} is not the log's key of that number.")
    return named


def check_signature(receipt: Any, keys: Mapping[int, bytes]) -> None:
    signed = {name: value for name, value in receipt.items() if name != "signature"}
    public = keys[receipt["proof"]["signed_by"]]
    if not verify_ed25519(public, decoded(receipt["signature"]), rfc8785.dumps(signed)):
        raise Refused(
            Step.RECEIPT_SIGNATURE,
            "The signature does not belong to this content: something in it was changed.",
        )


def check_leaf(receipt: Any) -> None:
    proof = receipt["proof"]
    if merkle.leaf_hash(rfc8785.dumps(proof["event"])) != decoded(proof["leaf_hash"]):
        raise Refused(Step.LEAF, "The event and its salt do not give the hash of the log's entry.")


def check_path(receipt: Any) -> None:
    proof = receipt["proof"]
    path = [decoded(sibling) for sibling in proof["inclusion_path"]]
    try:
        root = merkle.root_from_inclusion(
            proof["leaf_index"], proof["head"]["size"], decoded(proof["leaf_hash"]), path
        )
    except ValueError as error:
        raise Refused(Step.PATH, f"The path does not lead to the head's root: {error}.") from None
    if root != decoded(proof["head"]["root"]):
        raise Refused(Step.PATH, "The path does not lead to the head's root.")


def check_head(receipt: Any, keys: Mapping[int, bytes]) -> None:
    head = receipt["proof"]["head"]
    text = f"{head['origin']}\n{head['size']}\n{head['root']}\n{head['time']}\n".encode()
    if not verify_ed25519(keys[head["key"]], decoded(head["signature"]), text):
        raise Refused(Step.HEAD_SIGNATURE, "The head's signature does not belong to this head.")


def compare(pairs: Mapping[str, tuple[Any, Any]]) -> None:
    """What a person reads must be what the hashed event says."""
    for name, (told, said) in pairs.items():
        if told != said:
            raise Refused(Step.READABLE, f"The readable part ({name}) disagrees with the event.")


def choice_pairs(receipt: Any) -> dict[str, tuple[Any, Any]]:
    event, notice = receipt["proof"]["event"], receipt["pii_processing"]["privacy_notice"]
    return {
        "record_id": (receipt["record_id"], event["event"]),
        "pii_principal_id": (receipt["pii_principal_id"], event["person"]),
        "the purpose": (receipt["pii_processing"]["purposes"][0]["id"], event["topic"]),
        "the wording's version": (notice["version"], event["wording_version"]),
        "the wording's language": (notice["language"], event["language"]),
        "events": (receipt["events"], [told_event(event)]),
    }


def access_pairs(receipt: Any) -> dict[str, tuple[Any, Any]]:
    event = receipt["proof"]["event"]
    told = {name: value for name, value in receipt["access"].items() if name != "in_words"}
    return {
        "record_id": (receipt["record_id"], event["event"]),
        "pii_principal_id": (receipt["pii_principal_id"], event["person"]),
        "access": (told, told_access(event)),
    }


def told_access(event: Mapping[str, Any]) -> dict[str, Any]:
    """What the readable part must say of a look."""
    names = ("role", "what", "basis", "reference", "reason")
    return {"time": event["at"]} | {name: event[name] for name in names}


def facts(receipt: Any, *, believed: bool) -> dict[str, str]:
    event = receipt["events"][0]
    return {
        "purpose": receipt["pii_processing"]["purposes"][0]["name"],
        "state": event["state"],
        "type": event["type"],
        "time": event["time"],
        "method": event["method"],
        "person": receipt["pii_principal_id"],
        "controller": receipt["pii_controllers"][0]["name"],
        **place_facts(receipt["proof"]),
        "keys": how_known(believed=believed),
    }


def access_facts(receipt: Any, *, believed: bool) -> dict[str, str]:
    access = receipt["access"]
    return {
        "what": "a look of staff",
        "in words": access["in_words"],
        "role": access["role"],
        "seen": access["what"],
        "time": access["time"],
        "why": access["basis"],
        "person": receipt["pii_principal_id"],
        "controller": receipt["controller"]["name"],
        **place_facts(receipt["proof"]),
        "keys": how_known(believed=believed),
    }


def place_facts(proof: Any) -> dict[str, str]:
    return {
        "leaf": str(proof["leaf_index"]),
        "log": proof["head"]["origin"],
        "size": str(proof["head"]["size"]),
        "head time": proof["head"]["time"],
    }


def deletion_facts(receipt: Any, *, believed: bool) -> dict[str, str]:
    deletion, journal = receipt["deletion"], receipt["proof"]["journal"]
    return {
        "what": "deletion",
        # Those of form 1 were all of everything.
        "scope": deletion.get("scope", {"in_words": "everything"})["in_words"],
        "reference": receipt["reference"],
        "asked for": deletion["requested_at"],
        "done": deletion["finished_at"],
        "removed": "not recorded"
        if deletion["removed"] is None
        else "; ".join(
            f"{row['title']}: {row['count']} {row['method']}" for row in deletion["removed"]
        ),
        "kept": "not recorded"
        if deletion["kept"] is None
        else "; ".join(
            [
                *(f"{row['title']}: {row['count']}, {row['how_long']}" for row in deletion["kept"]),
                *filter(None, [deletion.get("stays")]),
            ]
        ),
        "backups": f"until {receipt['backups']['until']}",
        "journal": "not known" if journal["position"] is None else str(journal["position"]),
        "controller": receipt["controller"]["name"],
        "keys": how_known(believed=believed),
    }


def how_known(*, believed: bool) -> str:
    return "the receipt's own, not compared" if believed else "compared"


def decoded(text: str) -> bytes:
    """Base64 whose form `shape` has checked."""
    return base64.b64decode(text, validate=True)


def read_keys(data: bytes) -> dict[int, bytes]:
    """The keys as `/trust/log/keys.json` publishes them; ValueError when it is something else."""
    try:
        rows = json.loads(data)["keys"]
        return {int(row["id"]): base64.b64decode(row["public"], validate=True) for row in rows}
    except (KeyError, TypeError, ValueError, RecursionError, binascii.Error) as error:
        raise ValueError("not a list of the log's keys") from error
