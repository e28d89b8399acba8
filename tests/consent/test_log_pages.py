"""`/trust/log/`: whoever looks can compute everything, and learns about nobody."""

import base64
import re
from datetime import timedelta

import pytest
from django.urls import reverse

from consent.models import ConsentDetail, Head
from consent.proof import heads, merkle, notes
from consent.proof.sealer import seal_pending
from consent.views import log
from tests.consent.sealed import seal_and_publish
from tests.factories import NOW, make_customer

pytestmark = pytest.mark.django_db
DOCUMENTS = ("log_head", "log_heads", "log_keys", "log_proof", "log_leaves")


def more_choices(*, count=1, minute=0):
    for _ in range(count):
        make_customer(yes=("newsletter",))
    seal_and_publish(NOW + timedelta(minutes=minute))


@pytest.fixture
def published():
    for minute in range(4):
        more_choices(count=3, minute=minute)


def fetch(client, name, **parameters):
    answer = client.get(reverse(name), parameters)
    assert answer.status_code == 200, answer.content
    return answer.json()


def raw(text):
    return base64.b64decode(text)


def test_a_monitor_computes_every_head_from_what_is_published(client, published):
    keys = {key["id"]: raw(key["public"]) for key in fetch(client, "log_keys")["keys"]}
    frontier, sizes = merkle.Frontier(), []
    for head in fetch(client, "log_heads")["heads"]:
        page = fetch(client, "log_leaves", start=frontier.size, count=head["size"] - frontier.size)
        for leaf in page["leaves"]:
            assert leaf["index"] == frontier.size
            list(frontier.append(raw(leaf["hash"])))
        assert frontier.root() == raw(head["root"])
        text = f"{head['origin']}\n{head['size']}\n{head['root']}\n{head['time']}\n".encode()
        assert notes.verify_head(keys[head["key"]], raw(head["signature"]), text)
        sizes.append(head["size"])
    assert sizes == [3, 6, 9, 12]
    assert fetch(client, "log_head")["head"] == head


def test_a_monitor_that_kept_a_head_sees_that_nothing_was_taken_back(client, published):
    for first in range(13):
        for second in range(first, 13):
            proof = fetch(client, "log_proof", first=first, second=second)
            roots = raw(proof["first_root"]), raw(proof["second_root"])
            path = [raw(each) for each in proof["path"]]
            assert merkle.verify_consistency(first, second, *roots, path)
    kept = Head.objects.get(size=6)
    proof = fetch(client, "log_proof", first=6)
    assert (proof["second"], raw(proof["first_root"])) == (12, bytes(kept.root))


def test_heads_come_page_by_page(client, published, monkeypatch):
    monkeypatch.setattr(log, "MOST_HEADS", 3)
    first = fetch(client, "log_heads")
    rest = fetch(client, "log_heads", after=first["heads"][-1]["size"])
    assert [each["size"] for each in first["heads"] + rest["heads"]] == [3, 6, 9, 12]
    assert (first["more"], rest["more"]) == (True, False)


def test_a_leaf_is_shown_once_a_head_covers_it_and_tells_its_hash_alone(client, published):
    make_customer(yes=("newsletter",))
    seal_pending(now=NOW)
    leaves = fetch(client, "log_leaves", start=10, count=1000)["leaves"]
    assert [sorted(leaf) for leaf in leaves] == [["hash", "index"]] * 2


def test_nothing_published_names_a_person_or_an_event(client, published):
    pages = "".join(client.get(reverse(name)).content.decode() for name in (*DOCUMENTS, "log"))
    detail = ConsentDetail.objects.first()
    for key in (detail.pk, detail.person_id, detail.topic_id):
        assert str(key) not in pages
    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-7", pages)


@pytest.mark.parametrize(
    ("name", "query", "reason"),
    [
        ("log_heads", "after=x", "after is a whole number"),
        ("log_heads", "after=-1", "after is a whole number"),
        ("log_heads", "after=" + "9" * 30, "after is a whole number"),
        ("log_heads", "after=", "after is a whole number"),
        ("log_proof", "first=2&second=13", "second is at most 12"),
        ("log_proof", "first=3&second=2", "first is at most second"),
        ("log_proof", "first=1.5", "first is a whole number"),
        ("log_proof", "second=%00", "second is a whole number"),
        ("log_leaves", "count=1001", "count is at most 1000"),
        ("log_leaves", "start=١", "start is a whole number"),
        ("log_leaves", "start=0&count=0x10", "count is a whole number"),
    ],
)
def test_a_mistake_in_the_address_is_said_plainly(client, published, name, query, reason):
    answer = client.get(f"{reverse(name)}?{query}")
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(reason)


def test_beyond_the_end_there_are_no_leaves_and_no_heads(client, published):
    assert fetch(client, "log_leaves", start=10**17)["leaves"] == []
    assert fetch(client, "log_heads", after=10**17)["heads"] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_before_the_first_choice_every_document_is_there(client, name):
    assert fetch(client, name) is not None


def test_before_the_first_choice_the_page_says_so_and_there_is_no_checkpoint(client):
    page = client.get(reverse("log"), headers={"accept-language": "en"}).content.decode()
    assert "Nothing is in the log yet" in page
    assert client.get(reverse("log_checkpoint")).status_code == 404


def test_the_checkpoint_is_the_note_of_the_newest_head(client, published):
    answer = client.get(reverse("log_checkpoint"))
    assert answer.content == heads.note(Head.objects.get(size=12))
    assert answer["Content-Type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("name", [*DOCUMENTS, "log_checkpoint"])
def test_a_document_may_be_kept_for_moments_and_sets_no_cookie(client, published, name):
    answer = client.get(reverse(name))
    assert {*answer["Cache-Control"].split(", ")} == {"public", "max-age=15"}
    assert not answer.cookies


@pytest.mark.parametrize("name", [*DOCUMENTS, "log_checkpoint", "log"])
def test_the_log_is_only_looked_at(client, name):
    assert client.post(reverse(name)).status_code == 405


@pytest.mark.parametrize("language", ["nb", "en"])
def test_the_page_shows_the_newest_head_and_how_to_check(client, published, language):
    page = client.get(reverse("log"), headers={"accept-language": language}).content.decode()
    head = heads.latest_head()
    assert base64.b64encode(head.root).decode() in page
    assert "<dd>12</dd>" in page
    for name in (*DOCUMENTS, "log_checkpoint", "verify_receipt", "trust"):
        assert f'href="{reverse(name)}"' in page
