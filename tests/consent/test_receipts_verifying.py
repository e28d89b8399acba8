"""Whoever changes one byte of a receipt is told which step fails; nothing makes it raise."""

import base64
import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.proof.shape import RECEIPT, misshapen
from consent.proof.verifying import LARGEST, Step, read_keys, verify
from tests.consent import forged

GENUINE = forged.make()
Receipt = dict[str, Any]


def failed_at(file: bytes) -> Step | None:
    verdict = verify(file, forged.KEYS)
    assert verdict.ok == (verdict.step is None) == (not verdict.reason)
    return verdict.step


@pytest.mark.parametrize(
    "record",
    [
        forged.event(),
        forged.event(state="granted", state_before="", source="signup", wording_version=3),
        forged.event(source="import", actor="import", language="", wording_version=None),
        forged.event(source="provider", actor="provider", reason="“unsub” \\ \u2028 \x07 ☂"),
        forged.event(state="granted", paused_until="2026-06-12T09:30:00.000000+00:00"),
        forged.event(state="granted", paused_until_before="2026-06-12T09:30:00.000000+00:00"),
        forged.event(state="granted", undone=True, source="staff", actor="staff:1"),
    ],
)
def test_a_genuine_receipt_passes(record: Receipt) -> None:
    assert verify(forged.make(record), forged.KEYS).ok


def test_it_says_what_the_receipt_says() -> None:
    facts = verify(GENUINE, forged.KEYS).facts
    assert facts["state"] == "dpv:ConsentWithdrawn"
    assert facts["time"] == "2026-03-12T09:30:00.000000+00:00"
    assert facts["size"] == "7"
    assert facts["keys"] == "compared"


def test_without_keys_it_says_that_the_receipts_own_were_believed() -> None:
    verdict = verify(GENUINE, None)
    assert verdict.ok
    assert verdict.facts["keys"] != "compared"


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        (b"", "byte 0"),
        (b"not json", "byte 0"),
        (b'{"a": \xff}', "UTF-8 text at byte 6"),
        ('{"å": }'.encode(), "byte 7"),
        (b"[" * 100_000, "may hold"),
        (b"9" * 5_000, "may hold"),
        (b"x" * (LARGEST + 1), "larger"),
    ],
)
def test_what_is_no_json_is_said_to_be_none(file: bytes, reason: str) -> None:
    verdict = verify(file, forged.KEYS)
    assert verdict.step == Step.JSON
    assert reason in verdict.reason


@pytest.mark.parametrize(
    "rewritten",
    [
        GENUINE[:-1],
        GENUINE + b"\n",
        GENUINE.replace(b"\n", b"\r\n"),
        json.dumps(json.loads(GENUINE)).encode(),
        json.dumps(json.loads(GENUINE), indent=2).encode() + b"\n",
        GENUINE.replace(b'  "language"', b'  "language": "en",\n  "language"', 1),
        GENUINE.replace(b'"size": 7', b'"size": 7e0'),
        GENUINE.replace(b"Eksempel AS", b"\\ud800"),
        GENUINE.replace(b"Eksempel AS", b"\\u0045ksempel AS"),
    ],
)
def test_another_way_of_writing_the_same_is_refused_with_its_place(rewritten: bytes) -> None:
    verdict = verify(rewritten, forged.KEYS)
    assert verdict.step == Step.WRITING
    at = next(
        (n for n, pair in enumerate(zip(rewritten, GENUINE, strict=False)) if pair[0] != pair[1]),
        min(len(rewritten), len(GENUINE)),
    )
    assert "byte" in verdict.reason
    if b"\\ud800" not in rewritten and b'"en"' not in rewritten and b"\\u00" not in rewritten:
        assert f"byte {at} " in verdict.reason


def remove(*path: str | int) -> Callable[[Receipt], object]:
    def change(receipt: Receipt) -> None:
        place: Any = receipt
        for step in path[:-1]:
            place = place[step]
        del place[path[-1]]

    return change


def put(*path: Any) -> Callable[[Receipt], object]:
    """The last of the path is the value put there."""

    def change(receipt: Receipt) -> None:
        place: Any = receipt
        for step in path[:-2]:
            place = place[step]
        place[path[-2]] = path[-1]

    return change


def every_path(shape: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    if isinstance(shape, dict):
        inner = [found for name in shape for found in every_path(shape[name], (*path, name))]
    elif isinstance(shape, list):
        inner = every_path(shape[0], (*path, 0))
    else:
        inner = []
    return ([path] if path else []) + inner


@pytest.mark.parametrize("path", every_path(RECEIPT), ids=lambda p: ".".join(map(str, p)))
def test_a_field_that_is_missing_or_of_another_form_is_named(path: tuple[str | int, ...]) -> None:
    named = isinstance(path[-1], str)
    name = str(path[-1] if named else path[-2])
    for change in [put(*path, 1.5)] + [remove(*path)] * named:
        wrong = forged.changed(GENUINE, change, anew=False)
        verdict = verify(wrong, forged.KEYS)
        assert verdict.step == Step.FIELDS
        assert name in verdict.reason


def test_a_field_that_nobody_knows_is_named() -> None:
    verdict = verify(forged.changed(GENUINE, put("proof", "more", 1)), forged.KEYS)
    assert verdict.step == Step.FIELDS
    assert "proof.more" in verdict.reason


LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def other_spelling(receipt: Receipt) -> None:
    """The same signature: the last letter before == holds four bits that decode to nothing."""
    text = receipt["signature"]
    other = text[:-3] + LETTERS[LETTERS.index(text[-3]) ^ 1] + "=="
    assert base64.b64decode(other) == base64.b64decode(text)
    receipt["signature"] = other


def test_base64_has_one_form() -> None:
    assert failed_at(forged.changed(GENUINE, other_spelling, anew=False)) == Step.FIELDS


def resigned_leaf(receipt: Receipt) -> None:
    """The event and the leaf's hash agree, but the log never held them."""
    forgery = json.loads(forged.make(forged.event(state="granted")))
    for name in ("event", "leaf_hash"):
        receipt["proof"][name] = forgery["proof"][name]


@pytest.mark.parametrize(
    ("change", "step"),
    [
        (put("proof", "public_keys", [{"id": 2, "public": forged.b64(forged.KEYS[2])}]), Step.KEY),
        (put("proof", "public_keys", 0, "public", forged.b64(b"\x07" * 32)), Step.KEY),
        (put("proof", "event", "state", "granted"), Step.LEAF),
        (put("proof", "event", "salt", forged.b64(bytes(16))), Step.LEAF),
        (resigned_leaf, Step.PATH),
        (put("proof", "leaf_index", 3), Step.PATH),
        (put("proof", "leaf_index", 7), Step.PATH),
        (put("proof", "leaf_index", 2**53 - 1), Step.PATH),
        (put("proof", "head", "size", 5), Step.PATH),
        (put("proof", "head", "root", forged.b64(bytes(32))), Step.PATH),
        (put("proof", "inclusion_path", []), Step.PATH),
        (remove("proof", "inclusion_path", 0), Step.PATH),
        # In a log of eight the same path would lead to the same root: the signature holds the size.
        (put("proof", "head", "size", 8), Step.HEAD_SIGNATURE),
        (put("proof", "head", "time", "2026-03-12T09:30:00Z"), Step.HEAD_SIGNATURE),
        (put("proof", "head", "origin", "elsewhere.example/trust/log"), Step.HEAD_SIGNATURE),
        (put("proof", "head", "key", 2), Step.HEAD_SIGNATURE),
        (put("events", 0, "state", "dpv:ConsentGiven"), Step.READABLE),
        (put("events", 0, "time", "2026-03-13T09:30:00.000000+00:00"), Step.READABLE),
        (put("record_id", "0193a4b2-0000-7000-8000-000000000009"), Step.READABLE),
        (put("pii_principal_id", "0193a4b2-0000-7000-8000-000000000009"), Step.READABLE),
        (put("pii_processing", "privacy_notice", "version", 2), Step.READABLE),
        (put("pii_processing", "privacy_notice", "language", "en"), Step.READABLE),
    ],
)
def test_even_whoever_can_sign_anew_fails_at_the_right_step(
    change: Callable[[Receipt], object], step: Step
) -> None:
    """Signing the receipt anew is what we ourselves could do: the log still gives us away."""
    assert failed_at(forged.changed(GENUINE, change)) == step


@pytest.mark.parametrize(
    "change",
    [
        put("pii_controllers", 0, "name", "Another AS"),
        put("pii_processing", "privacy_notice", "texts", 0, "description", "Something else"),
        put("pii_processing", "retention_period", "for ever"),
        put("issued_at", "2026-03-12T10:00:01Z"),
    ],
)
def test_what_the_log_does_not_hold_is_held_by_the_signature(
    change: Callable[[Receipt], object],
) -> None:
    assert failed_at(forged.changed(GENUINE, change, anew=False)) == Step.RECEIPT_SIGNATURE


def test_a_key_that_is_not_the_logs_is_refused() -> None:
    assert verify(GENUINE, {1: forged.KEYS[1]}).step == Step.KEY
    assert verify(GENUINE, {}).step == Step.KEY
    assert verify(GENUINE, {1: forged.KEYS[2], 2: forged.KEYS[1]}).step == Step.KEY


@pytest.mark.slow
def test_no_single_byte_can_change() -> None:
    """Every byte of the file, each with two bits flipped that a seed picks."""
    chance = random.Random(27560)
    for at in range(len(GENUINE)):
        for bit in chance.sample(range(8), 2):
            flipped = bytearray(GENUINE)
            flipped[at] ^= 1 << bit
            assert failed_at(bytes(flipped)) is not None, (at, bit)


@given(st.binary(max_size=2_000))
def test_no_bytes_make_it_raise(data: bytes) -> None:
    assert not verify(data, forged.KEYS).ok


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(st.sampled_from(every_path(RECEIPT)), ANYTHING)
def test_no_value_in_any_place_makes_it_raise(path: tuple[str | int, ...], value: Any) -> None:
    receipt = json.loads(GENUINE)
    put(*path, value)(receipt)
    written = json.dumps(receipt, indent=2, ensure_ascii=False) + "\n"
    verify(written.encode("utf-8", "surrogatepass"), forged.KEYS)
    misshapen(receipt, RECEIPT)


def test_the_published_keys_are_read_and_anything_else_is_refused() -> None:
    assert read_keys(forged.keys_json()) == forged.KEYS
    for nonsense in (b"", b"[]", b"{}", b'{"keys": 1}', b'{"keys": [{"id": 1}]}', b"[" * 99_999):
        with pytest.raises(ValueError, match="keys"):
            read_keys(nonsense)
