"""A published head stays what it was: whoever keeps one can hold us to it."""

import base64
import hashlib
from datetime import timedelta

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import connection

from consent import services
from consent.models import ConsentDetail, Head, Leaf, LogKey, Preference, Source
from consent.proof import audit, heads, keys, merkle, tree
from consent.proof.notes import key_hash, verifier_key
from consent.proof.sealer import seal_pending
from foundation.roles import KEEPER, as_role
from tests.consent.sealed import publish, seal_and_publish
from tests.factories import NOW, make_customer, topic

pytestmark = pytest.mark.django_db
NEW_SEED = bytes(range(32))


def choice_and_head(*, now=NOW, yes=("newsletter",)):
    """A customer, and a head over everything up to their choices."""
    person = make_customer(yes=yes)
    return person, seal_and_publish(now)


def test_an_empty_log_has_no_head():
    assert heads.next_head(now=NOW) is None
    assert heads.latest_head() is None


def test_a_head_is_signed_over_the_text_that_the_format_asks_for():
    _, head = choice_and_head(yes=("newsletter", "special_offers"))
    root = merkle.root_of(bytes(leaf.hash) for leaf in Leaf.objects.order_by("index"))
    encoded = base64.b64encode(root).decode()
    text = f"localhost:8000/trust/log\n2\n{encoded}\n{NOW:%Y-%m-%dT%H:%M:%SZ}\n"
    public = Ed25519PublicKey.from_public_bytes(keys.public_keys()[head.key_id])
    public.verify(bytes(head.signature), text.encode())
    with pytest.raises(InvalidSignature):
        public.verify(bytes(head.signature), text.replace("\n2\n", "\n3\n").encode())


def test_nothing_new_gives_no_new_head():
    _, head = choice_and_head()
    assert heads.next_head(now=NOW + timedelta(hours=1)) is None
    assert heads.latest_head() == head


def test_publishing_one_size_twice_publishes_the_first():
    make_customer(yes=("newsletter",))
    seal_pending(now=NOW)
    later = heads.next_head(now=NOW + timedelta(seconds=1))
    publish(NOW)
    assert later is not None
    heads.publish_head(later)
    assert Head.objects.get().signed_at == NOW


def test_every_head_is_proved_to_hold_every_earlier_one():
    for _ in range(7):
        choice_and_head()
    published = list(Head.objects.order_by("size"))
    for earlier in published:
        for later in published[earlier.size - 1 :]:
            path = tree.consistency_proof(earlier.size, later.size)
            roots = (bytes(earlier.root), bytes(later.root))
            assert merkle.verify_consistency(earlier.size, later.size, *roots, path)


def test_an_erased_person_leaves_old_heads_and_the_proofs_of_others_as_they_were():
    gone, _ = choice_and_head()
    stays, head = choice_and_head()
    with as_role(KEEPER), connection.cursor() as cursor:
        cursor.execute("SELECT consent_remove_details(%s, NULL, 100)", [gone.pk])
        Preference.objects.filter(person=gone).delete()
    assert not ConsentDetail.objects.of(gone.pk).exists()
    leaf = Leaf.objects.get(event_id=ConsentDetail.objects.of(stays.pk).get().pk)
    path = tree.inclusion_proof(leaf.index, head.size)
    root = merkle.root_from_inclusion(leaf.index, head.size, bytes(leaf.hash), path)
    assert root == bytes(head.root) == tree.root_at(head.size)
    assert heads.is_genuine(head)
    counts = audit.examine(now=NOW, superseded_before=NOW - timedelta(days=1000))
    assert (counts.events, counts.leaves, counts.heads) == (1, 2, 2)


class TestRotation:
    def test_a_key_that_left_the_ring_keeps_its_heads_valid(self, settings):
        _, old = choice_and_head()
        former = keys.public_keys()[old.key_id]
        settings.LOG_KEYS = {9: NEW_SEED}
        _, new = choice_and_head()
        assert (old.key_id, new.key_id) == (2, 9)
        assert keys.public_keys()[old.key_id] == former
        assert heads.is_genuine(Head.objects.get(pk=old.pk))
        assert heads.is_genuine(new)

    def test_the_newest_key_of_the_ring_signs(self, settings):
        settings.LOG_KEYS = {9: NEW_SEED} | settings.LOG_KEYS
        _, head = choice_and_head()
        assert head.key_id == 9

    def test_a_number_cannot_name_another_key_than_it_did(self, settings):
        choice_and_head()
        settings.LOG_KEYS = {2: NEW_SEED}
        make_customer(yes=("newsletter",))
        seal_pending(now=NOW)
        with pytest.raises(keys.KeyReused, match="key 2"):
            heads.next_head(now=NOW)

    def test_heads_of_before_a_move_to_another_host_stay_valid(self, settings):
        _, old = choice_and_head()
        settings.PORTAL_URL = "https://moved.example"
        _, same_key = choice_and_head()
        settings.LOG_KEYS = {9: NEW_SEED}
        _, new_key = choice_and_head()
        origins = [head.key.origin for head in (old, same_key, new_key)]
        assert origins == ["localhost:8000/trust/log"] * 2 + ["moved.example/trust/log"]
        assert all(heads.is_genuine(head) for head in (old, same_key, new_key))

    def test_a_head_signed_with_another_key_is_not_genuine(self, settings):
        _, head = choice_and_head()
        settings.LOG_KEYS = {9: NEW_SEED}
        other = keys.signing_key()
        head.key = other
        assert not heads.is_genuine(head)


class TestNote:
    def test_the_checkpoint_is_a_signed_note(self):
        """As C2SP describes signed notes, read here from its bytes."""
        _, head = choice_and_head()
        text, _, signatures = heads.note(head).rpartition(b"\n\n")
        dash, name, encoded = signatures.decode().split(" ")
        blob = base64.b64decode(encoded)
        public = keys.public_keys()[head.key_id]
        named = hashlib.sha256(name.encode() + b"\n\x01" + public).digest()[:4]
        assert (dash, name, blob[:4]) == ("—", "localhost:8000/trust/log", named)
        Ed25519PublicKey.from_public_bytes(public).verify(blob[4:], text + b"\n")
        assert text.split(b"\n")[:2] == [name.encode(), b"1"]

    def test_the_key_is_given_as_tools_for_notes_take_it(self):
        choice_and_head()
        key = LogKey.objects.get()
        name, digest, encoded = verifier_key(key.origin, bytes(key.public)).split("+", 2)
        assert digest == key_hash(name, bytes(key.public)).hex()
        assert base64.b64decode(encoded) == b"\x01" + bytes(key.public)


def test_a_choice_after_a_head_changes_nothing_about_it():
    person, head = choice_and_head()
    services.record_opt_out(person.pk, [topic().pk], source=Source.LINK, now=NOW)
    seal_pending(now=NOW)
    assert tree.root_at(head.size) == bytes(head.root)
    assert heads.next_head(now=NOW).size == head.size + 1
