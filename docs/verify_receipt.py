#!/usr/bin/env python3
"""Verify a receipt on your own machine: python verify_receipt.py receipt.json keys.json

It is of a choice, a look of staff or a deletion; of a PDF the signed file inside it is verified,
and none of the words of the PDF itself. Needs Python 3.10 and the package `cryptography`;
asks nobody. keys.json holds the public keys of the log, from /trust/log/keys.json of the portal
that issued the receipt. Exit status 0 for a genuine one, else 1, with the step that failed.
"""
# ruff: noqa: T201

import base64
import hashlib
import json
import sys
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

LARGEST = 200_000
DELETION = [f"ClickSend Portal, deletion receipt, form {number}" for number in (1, 2, 3, 4)]
ACCESS = "ClickSend Portal, access receipt, form 1"
STATES = {"granted": "Given", "refused": "Refused", "withdrawn": "Withdrawn"}


def need(step, condition, reason):
    if not condition:
        sys.exit(f"NOT genuine ({step}): {reason}")


def raw(text):
    """Base64 in its only form: the unused bits of the last letter are zero."""
    decoded = base64.b64decode(text, validate=True)
    if base64.b64encode(decoded).decode() != text:
        raise ValueError("not base64 as receipts write it")
    return decoded


def written(receipt):
    """A receipt's only form: indented by two, no needless escapes, a line end."""
    text = json.dumps(receipt, indent=2, ensure_ascii=False) + "\n"
    return text.encode("utf-8", "surrogatepass")


def canonical(value):
    """RFC 8785, for text, whole numbers, truth values and null under names of ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def is_signed(public, signature, message):
    try:
        Ed25519PublicKey.from_public_bytes(raw(public)).verify(raw(signature), message)
    except InvalidSignature:
        return False
    return True


def root_from(index, size, leaf, path):
    """RFC 9162 section 2.1.3.2; None when the path has a wrong length."""
    if not 0 <= index < size:
        return None
    node, last, found = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return None
        if node % 2 or node == last:
            found = hashlib.sha256(b"\1" + sibling + found).digest()
            while node and not node % 2:
                node, last = node // 2, last // 2
        else:
            found = hashlib.sha256(b"\1" + found + sibling).digest()
        node, last = node // 2, last // 2
    return found if last == 0 else None


def told(event):
    """What the readable part must say of the event."""
    resumed = event["paused_until_before"] is not None and event["state"] == "granted"
    kind = "end_of_pause" if resumed else "choice"
    kind = "undo" if event["undone"] else kind if event["paused_until"] is None else "pause"
    who = "Controller" if event["source"] in ("staff", "api", "import", "replay") else "Subject"
    return {
        "time": event["at"],
        "type": kind,
        "state": "dpv:Consent" + STATES.get(event["state"], "Unknown"),
        "entity": "dpv:Data" + ("Processor" if event["source"] == "provider" else who),
        "method": event["source"],
        "paused_until": event["paused_until"],
    }


def check(receipt, known):
    """All kinds are signed alike; a deletion has no entry in the log."""
    proof, is_deletion = receipt["proof"], receipt["schema_version"] in DELETION
    named = {row["id"]: row["public"] for row in proof["public_keys"]}
    for number in [proof["signed_by"]] + ([] if is_deletion else [proof["head"]["key"]]):
        known_here = number in named and known.get(number) == named[number]
        need("key", known_here, f"key number {number} is not a key of the log")
    content = {name: value for name, value in receipt.items() if name != "signature"}
    signed = is_signed(named[proof["signed_by"]], receipt["signature"], canonical(content))
    need("receipt_signature", signed, "the signature does not belong to this content")
    if is_deletion:
        done = {"scope": {"in_words": "everything"}, **receipt["deletion"]}
        print("Genuine. Deletion", receipt["reference"], done["requested_at"], done["finished_at"])
        print("Of", done["scope"]["in_words"])
        for what in ("removed", "kept"):
            for row in done[what] or [{"title": what, "count": "nothing recorded", "how_long": ""}]:
                said = [row.get(name) for name in ("method", "how_long")]
                print("-", row["title"], row["count"], *filter(None, said))
        print(done.get("stays", ""))
        return
    head, event, leaf = proof["head"], proof["event"], raw(proof["leaf_hash"])
    hashed = hashlib.sha256(b"\0" + canonical(event)).digest()
    need("leaf", hashed == leaf, "the event and its salt do not give the hash of the log's entry")
    path = [raw(sibling) for sibling in proof["inclusion_path"]]
    root = root_from(proof["leaf_index"], head["size"], leaf, path)
    need("path", root == raw(head["root"]), "the path does not lead to the head's root")
    text = f"{head['origin']}\n{head['size']}\n{head['root']}\n{head['time']}\n".encode()
    signed = is_signed(named[head["key"]], head["signature"], text)
    need("head_signature", signed, "the signature does not belong to this head")

    person, same = receipt["pii_principal_id"], receipt["record_id"] == event["event"]
    if receipt["schema_version"] == ACCESS:
        access, names = receipt["access"], ("role", "what", "basis", "reference", "reason")
        same = same and [person, access["time"]] == [event["person"], event["at"]]
        same = same and all(access[name] == event[name] for name in names)
        words = [access["in_words"], access["time"]]
    else:
        purpose = receipt["pii_processing"]["purposes"][0]
        notice = receipt["pii_processing"]["privacy_notice"]
        read = [person, purpose["id"], notice["version"], notice["language"]]
        said = [event[name] for name in ("person", "topic", "wording_version", "language")]
        same = same and read == said and receipt["events"] == [told(event)]
        words = [*receipt["events"][0].values(), purpose["name"]]
    need("readable", same, "what it says in words is not what its entry in the log says")
    print("Genuine.", person, *words)
    print("Entry", proof["leaf_index"], "of", head["size"], "in", head["origin"], head["time"])


def main(receipt_path, keys_path):
    known = {row["id"]: row["public"] for row in json.loads(Path(keys_path).read_bytes())["keys"]}
    data = Path(receipt_path).read_bytes()
    if data.startswith(b"%PDF-"):
        parts = data.split(b"/Type /EmbeddedFile\n>>\nstream\n")
        need(
            "json", len(parts) == 2, "the PDF is not as downloaded: it carries not one signed file"
        )
        data = parts[1].partition(b"\nendstream\n")[0]
        print("A PDF: what follows is of the signed file inside it, not of its own words.")
    need("json", len(data) <= LARGEST, "the file is larger than any receipt")
    try:
        receipt = json.loads(data.decode())
        expected = written(receipt)
    except (ValueError, RecursionError) as error:
        need("json", False, f"the file is not JSON: {error}")
    pairs = enumerate(zip(data, expected, strict=False))
    at = next((n for n, (one, other) in pairs if one != other), min(len(data), len(expected)))
    need("writing", data == expected, f"it is not written as receipts are, from byte {at} on")
    try:
        check(receipt, known)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        need("fields", False, f"a field is missing or malformed: {error!r}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
