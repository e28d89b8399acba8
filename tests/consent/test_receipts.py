"""A customer downloads the receipt of each of their events; it holds and proves that event."""

import base64
import json
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from accounts.models import User
from consent import services
from consent.models import (
    SHOW_WORDS,
    WORDING_UNKNOWN,
    ConsentDetail,
    Leaf,
    LogKey,
    Source,
)
from consent.proof import heads, keys
from consent.proof.receipts import NotPublishedYet, Unprovable, make_receipt
from consent.proof.sealer import seal_pending
from consent.proof.verifying import verify
from consent.services import Shown
from foundation.roles import as_role
from tests.factories import NOW, make_customer, make_staff, topic

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(minutes=10)


def publish(now=LATER):
    """The sealer's minute."""
    seal_pending(now=now)
    head = heads.next_head(now=now)
    if head is not None:
        heads.publish_head(head)
    return head


def events(person):
    return list(ConsentDetail.objects.of(person.pk).order_by("at", "version"))


def receipt(person, detail):
    file = make_receipt(person, detail.pk, now=LATER)
    assert verify(file, keys.public_keys()).ok
    return json.loads(file)


def download(person, detail, **headers):
    client = Client(**headers)
    client.force_login(person)
    return client.get(f"/preferences/receipt/{detail.pk}/")


@pytest.fixture
def person() -> User:
    """Said yes at sign-up, read the words in Norwegian, and used the button of a mail program."""
    made = make_customer(language="en")
    services.record_choices(
        made.pk, {topic().pk: True}, source=Source.SIGNUP, now=NOW, shown=Shown(language="nb")
    )
    services.record_opt_out(
        made.pk, [topic().pk], source=Source.ONE_CLICK, now=NOW + timedelta(minutes=1)
    )
    return made


def test_each_event_has_a_receipt_with_the_fields_of_27560(person: User) -> None:
    publish()
    given, withdrawn = (receipt(person, detail) for detail in events(person))
    assert given["record_id"] == str(events(person)[0].pk)
    assert given["pii_principal_id"] == str(person.pk)
    assert given["pii_controllers"][0] == {
        "name": "Portal Example AS",
        "address": "Storgata 1, 0155 Oslo",
        "email": "privacy@portal.example",
        "url": "http://localhost:8000",
    }
    processing = given["pii_processing"]
    for field in ("storage_locations", "retention_period", "jurisdictions", "recipients"):
        assert processing[field]
    assert any("/preferences/" in way for way in processing["withdrawal_method"])
    assert given["events"][0]["state"] == "dpv:ConsentGiven"
    assert given["events"][0]["entity"] == "dpv:DataSubject"
    assert withdrawn["events"][0]["state"] == "dpv:ConsentWithdrawn"
    assert withdrawn["events"][0]["method"] == "one_click"


def test_the_words_are_those_that_were_read_in_the_language_they_were_read_in(
    person: User,
) -> None:
    publish()
    with translation.override("en"):
        given, withdrawn = (receipt(person, detail) for detail in events(person))
    wording = topic().wordings.get(version=1)
    assert given["pii_processing"]["privacy_notice"] == {
        "version": 1,
        "language": "nb",
        "texts": [
            {"language": "nb", "name": wording.name_nb, "description": wording.description_nb}
        ],
        "remark": "",
    }
    assert given["pii_processing"]["purposes"][0]["name"] == wording.name_en
    notice = withdrawn["pii_processing"]["privacy_notice"]
    assert (notice["version"], notice["texts"]) == (1, [])
    assert notice["remark"].startswith("This wording was in force; by this way")


def test_where_the_language_was_not_recorded_both_stand_in_it() -> None:
    person = make_customer()
    services.record_opt_out(person.pk, [topic().pk], source=Source.LINK, now=NOW)
    publish()
    with translation.override("en"):
        notice = receipt(person, events(person)[0])["pii_processing"]["privacy_notice"]
    assert [text["language"] for text in notice["texts"]] == ["nb", "en"]
    assert notice["remark"].startswith("In which of these languages")


@pytest.mark.parametrize("source", Source)
def test_words_that_the_person_was_not_shown_are_not_told_as_read(source: Source) -> None:
    person = make_customer()
    shown = Shown(language="en")
    services.record_opt_out(person.pk, [topic().pk], source=source, now=NOW, shown=shown)
    publish()
    made = receipt(person, events(person)[0])
    notice = made["pii_processing"]["privacy_notice"]
    reads = source in SHOW_WORDS
    assert [text["language"] for text in notice["texts"]] == (["en"] if reads else [])
    assert bool(notice["remark"]) is not reads
    assert notice["version"] == (None if source in WORDING_UNKNOWN else 1)
    ours = (Source.STAFF, Source.API, Source.IMPORT, Source.REPLAY)
    assert (made["events"][0]["entity"] == "dpv:DataController") is (source in ours)


def test_a_receipt_holds_nobody_else_and_no_ip(person: User) -> None:
    other = make_customer(yes=("newsletter",))
    publish()
    text = json.dumps(receipt(person, events(person)[0]))
    assert str(other.pk) not in text
    assert other.email not in text
    assert person.email not in text
    assert "127.0.0.1" not in text


def test_the_download_is_a_file_named_after_day_and_topic(person: User) -> None:
    publish()
    detail = events(person)[1]
    answer = download(person, detail)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/json"
    assert answer["Content-Disposition"] == (
        f'attachment; filename="consent-receipt-{timezone.localdate(detail.at)}-newsletter.json"'
    )
    assert "no-store" in answer["Cache-Control"]
    assert verify(answer.content, keys.public_keys()).ok
    # In the language of the account.
    assert json.loads(answer.content)["language"] == "en"


def test_before_a_head_covers_it_a_page_says_when_it_is_ready(person: User) -> None:
    detail = events(person)[0]
    answer = download(person, detail)
    assert answer.status_code == 409
    assert "Ready within a minute" in answer.content.decode()
    with pytest.raises(NotPublishedYet):
        make_receipt(person, detail.pk, now=LATER)
    seal_pending(now=LATER)
    assert download(person, detail).status_code == 409, "sealed, but in no head"
    publish()
    assert download(person, detail).status_code == 200


def test_an_event_after_the_newest_head_waits_for_the_next(person: User) -> None:
    publish()
    services.record_choices(
        person.pk, {topic().pk: True}, source=Source.PREFERENCES, now=NOW + timedelta(minutes=2)
    )
    seal_pending(now=LATER)
    assert download(person, events(person)[2]).status_code == 409
    publish()
    assert download(person, events(person)[2]).status_code == 200


def test_the_first_head_that_covers_it_stands_in_it(person: User) -> None:
    first = publish()
    before = receipt(person, events(person)[0])["proof"]["head"]
    make_customer(yes=("newsletter", "special_offers"))
    second = publish(LATER + timedelta(minutes=1))
    after = receipt(person, events(person)[0])["proof"]["head"]
    assert before == after
    assert after["size"] == first.size < second.size


@pytest.mark.slow
def test_every_place_in_logs_of_many_sizes_can_be_proved() -> None:
    people = []
    for number in range(9):
        people.append(make_customer(yes=("newsletter",)))
        publish(LATER + timedelta(seconds=number))
        for each in people:
            for detail in events(each):
                receipt(each, detail)


def test_another_customer_and_a_stranger_get_nothing(person: User) -> None:
    publish()
    detail = events(person)[0]
    assert download(make_customer(), detail).status_code == 404
    assert download(make_staff(), detail).status_code == 404
    answer = Client().get(f"/preferences/receipt/{detail.pk}/")
    assert answer.status_code == 302
    assert answer["Location"].startswith("/login/")
    client = Client()
    client.force_login(person)
    assert client.get(f"/preferences/receipt/{uuid.uuid4()}/").status_code == 404
    assert client.post(f"/preferences/receipt/{detail.pk}/").status_code == 405


def erase_details(person):
    with as_role("portal_keeper"), connection.cursor() as cursor:
        cursor.execute("SELECT consent_remove_details(%s, NULL, 1000)", [person.pk])


def test_making_a_receipt_only_reads_and_little(person: User) -> None:
    """A look writes no row, and a long log asks for no more queries than a short one."""
    publish()
    for number in range(40):
        make_customer(yes=("newsletter",), now=LATER + timedelta(seconds=number))
    publish(LATER + timedelta(minutes=1))
    with CaptureQueriesContext(connection) as asked:
        make_receipt(person, events(person)[1].pk, now=LATER)
    statements = [query["sql"] for query in asked]
    assert all(statement.startswith("SELECT") for statement in statements)
    assert len(statements) <= 12


def test_what_was_erased_has_no_receipt_but_the_one_downloaded_before_stays_valid(
    person: User,
) -> None:
    """ "Erasing a person removes the detail with its salt, keeps the leaf hash"."""
    other = make_customer(yes=("newsletter",))
    publish()
    detail = events(person)[0]
    mine = make_receipt(person, detail.pk, now=LATER)
    theirs = make_receipt(other, events(other)[0].pk, now=LATER)
    head, leaves = heads.latest_head(), list(Leaf.objects.values_list("hash", flat=True))

    assert head is not None
    erase_details(person)

    assert download(person, detail).status_code == 404
    assert [bytes(x) for x in Leaf.objects.values_list("hash", flat=True)] == [
        bytes(x) for x in leaves
    ]
    assert heads.latest_head() == head
    assert heads.is_genuine(head)
    assert verify(mine, keys.public_keys()).ok
    assert verify(theirs, keys.public_keys()).ok
    receipt(other, events(other)[0])
    make_customer(yes=("newsletter",))
    assert publish(LATER + timedelta(minutes=1)).size == head.size + 1
    receipt(other, events(other)[0])


def test_the_salt_is_in_the_receipt_alone(person: User) -> None:
    """Without it nobody can try out which choice a leaf stands for."""
    publish()
    proof = receipt(person, events(person)[0])["proof"]
    assert len(base64.b64decode(proof["event"]["salt"])) == 16
    salts = {receipt(person, detail)["proof"]["event"]["salt"] for detail in events(person)}
    assert len(salts) == 2


def test_receipts_of_a_retired_key_verify_with_the_keys_of_the_log(person, settings) -> None:
    ring = settings.LOG_KEYS
    oldest = min(ring)
    settings.LOG_KEYS = {oldest: ring[oldest]}
    publish()
    old = make_receipt(person, events(person)[0].pk, now=LATER)
    newest = max(ring)
    settings.LOG_KEYS = {newest: ring[newest]}
    assert verify(old, keys.public_keys()).ok
    # The new key is in the log from the next head on; until then a look does not put it there.
    assert download(person, events(person)[0]).status_code == 409
    assert LogKey.objects.count() == 1
    make_customer(yes=("newsletter",))
    publish()
    made = receipt(person, events(person)[0])
    assert made["proof"]["signed_by"] == newest
    assert made["proof"]["head"]["key"] == oldest
    assert LogKey.objects.count() == 2


def test_an_event_that_does_not_agree_with_the_log_gets_no_receipt(person: User) -> None:
    """As if somebody with the rights of the owner had changed the table beneath us."""
    publish()
    detail = events(person)[0]
    with as_role("portal_owner"), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE consent_consentdetail DISABLE TRIGGER USER")
        cursor.execute(
            "UPDATE consent_consentdetail SET reason = 'forged' WHERE id = %s", [detail.pk]
        )
        cursor.execute("ALTER TABLE consent_consentdetail ENABLE TRIGGER USER")
    with pytest.raises(Unprovable):
        make_receipt(person, detail.pk, now=LATER)
