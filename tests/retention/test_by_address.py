"""What names nobody and bears somebody's address is theirs once the address is confirmed."""

import io
import json
import uuid
from typing import Any
from zipfile import ZipFile

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.utils import translation

from accounts.models import SupportEntry, SupportQuestion, User
from accounts.support import ask as ask_us
from foundation.roles import APP, KEEPER, as_role
from messaging.models import Message
from messaging.outbox import put_account_mail
from retention import erasure, exporting, services
from retention.desk import check_identity, open_from_question, open_request
from retention.exporting.overview import overview
from retention.holdings import holdings, preview_erasure
from retention.models import DeletionRequest, PrivacyRequest
from retention.models import Source as Way
from tests.factories import NOW, make_customer, make_staff
from tests.retention.life import make_full_customer
from tests.retention.traces import tables_with

pytestmark = pytest.mark.django_db

ADDRESS = "Vendela.Quist@example.test"
CLASSES = {
    "accounts.SupportQuestion": 1,
    "accounts.SupportEntry": 1,
    "messaging.Message": 1,
    "retention.PrivacyRequest": 3,
}


def question(email: str = ADDRESS) -> SupportQuestion:
    return ask_us(
        customer=None,
        name="Vendela",
        email=email,
        topic="other",
        channel="email",
        text=f"I am {email}",
        language="en",
        form=uuid.uuid4(),
        now=NOW,
    )


def wish(email: str = ADDRESS, **fields: Any) -> PrivacyRequest:
    values = {"source": PrivacyRequest.Source.PAGE, "actor": "stranger", "name": "Vendela"}
    return open_request(
        kind=PrivacyRequest.Kind.ACCESS,
        email=email,
        text=f"What do you hold about {email}?",
        language="en",
        now=NOW,
        **(values | fields),
    )


def write_without_signing_in(email: str = ADDRESS) -> list[PrivacyRequest]:
    """On each way that leads to a row with an address and no customer; and a mail to nobody."""
    staff = make_staff()
    with as_role(APP):
        made = [
            wish(email.upper()),
            open_from_question(
                question(email), kind=PrivacyRequest.Kind.ACCESS, actor=staff, now=NOW
            ),
            wish(email, source=PrivacyRequest.Source.STAFF, actor=f"staff:{staff.pk}"),
        ]
    with as_role(KEEPER):
        # What confirmed that they came is not what this is about.
        Message.objects.all().delete()
    put_account_mail(
        to=email,
        person_id=None,
        purpose="no_account",
        language="en",
        subject="No account",
        text="",
        html="",
        now=NOW,
    )
    return made


def erase(person: User, *, batch: int = 1000) -> DeletionRequest:
    request = services.request_deletion(person.pk, source=Way.CUSTOMER, actor="self", now=NOW)
    with as_role(KEEPER):
        services.run_deletions(NOW, batch=batch)
    request.refresh_from_db()
    return request


def unconfirmed() -> User:
    """Somebody typed an address that is not known to be theirs: as their own, or as their next."""
    return make_customer(email=ADDRESS.lower(), email_confirmed_at=None)


def with_another(*, verified: bool) -> User:
    person = make_customer()
    EmailAddress.objects.create(user=person, email=ADDRESS.lower(), verified=verified)
    return person


# --- erased --------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [2, 1000])
def test_what_they_asked_about_their_data_without_signing_in_goes_with_them(batch: int) -> None:
    person = make_customer(email=ADDRESS.lower())
    first, asked, entered = write_without_signing_in()
    with as_role(APP):
        check_identity(entered, how=f"Called {ADDRESS}", actor=make_staff(), now=NOW)
    other = wish("somebody.else@example.test")
    done = erase(person, batch=batch)
    assert done.is_finished
    assert {name: done.removed[name] for name in CLASSES} == CLASSES
    assert done.blanked["retention.PrivacyRequest"]["count"] == 3
    for request in (first, asked, entered):
        request.refresh_from_db()
        said = (request.email, request.name, request.text, request.identity_how)
        assert said == ("", "", "", "")
        # Nobody is left to answer.
        assert (request.state, request.closed_at is None) == ("withdrawn", False)
    other.refresh_from_db()
    assert (other.state, other.email) == ("open", "somebody.else@example.test")
    assert set(tables_with(ADDRESS)) <= {"messaging_message"}  # that it is done


@pytest.mark.parametrize("address", ["ola@İŞ.example", "ola@x.ΟΔΟΣ"])
def test_an_address_in_rare_letters_is_theirs_as_any_other(address: str) -> None:
    person = make_customer(email=address)
    request = wish(address)
    erase(person)
    request.refresh_from_db()
    assert (request.email, request.state) == ("", "withdrawn")


def test_one_that_was_answered_is_emptied_and_stays_as_it_was_answered() -> None:
    person = make_customer(email=ADDRESS.lower())
    request = wish()
    PrivacyRequest.objects.filter(pk=request.pk).update(
        state="refused", ground="not_ours", answer="No", answered_by="staff:x", closed_at=NOW
    )
    erase(person)
    request.refresh_from_db()
    assert (request.state, request.closed_at, request.ground) == ("refused", NOW, "not_ours")
    assert (request.email, request.text, request.answer) == ("", "", "")


@pytest.mark.parametrize("who", [unconfirmed, lambda: with_another(verified=False)])
def test_an_address_that_nobody_confirmed_lets_nothing_of_its_real_owner_go(who: Any) -> None:
    person = who()
    made = write_without_signing_in()
    erase(person)
    for request in made:
        request.refresh_from_db()
        assert request.email.lower() == ADDRESS.lower()
        assert request.state == "open"
    assert SupportQuestion.objects.count() == SupportEntry.objects.count() == 1


def test_a_question_that_comes_in_while_its_class_is_done_goes_too() -> None:
    """The lock of the account keeps no stranger out."""
    person = make_customer(email=ADDRESS.lower())
    with as_role(KEEPER):
        whose = erasure.lock_person(person.pk)
    question()
    emptied = {"accounts.SupportEntry", "accounts.SupportQuestion", "retention.PrivacyRequest"}
    with as_role(KEEPER):
        found = erasure.sweep(whose, now=NOW, emptied=emptied)
    assert found["accounts.SupportQuestion"].rows == 1
    assert not SupportEntry.objects.exists()


# --- shown and taken along -----------------------------------------------------------------------


def shown_to(person: User) -> dict[str, int]:
    with as_role(APP):
        seen = {
            each.entry.model: each.count for _chapter, rows in overview(person.pk) for each in rows
        }
        foreseen = {each.entry.model: each.count for each in holdings(person.pk)}
    assert {name: seen.get(name) for name in CLASSES} == {n: foreseen.get(n) for n in CLASSES}
    return {name: seen[name] for name in CLASSES if name in seen}


def archive_of(person: User) -> ZipFile:
    export = exporting.request_export(person.pk, actor="self", now=NOW)
    with as_role(KEEPER):
        made = exporting.make_export(export.pk, person_id=person.pk, now=NOW, rows=2)
        assert made is not None
        return ZipFile(io.BytesIO(b"".join(exporting.read_export(made))))


def everything_in(zipped: ZipFile) -> str:
    return "\n".join(zipped.read(name).decode() for name in zipped.namelist())


@pytest.mark.parametrize(
    "who", [lambda: make_customer(email=ADDRESS.lower()), lambda: with_another(verified=True)]
)
def test_a_confirmed_address_sees_all_that_a_deletion_would_take(who: Any) -> None:
    person = who()
    write_without_signing_in()
    assert shown_to(person) == CLASSES
    preview = preview_erasure(person.pk, now=NOW)
    counts = {each.entry.model: each.count for each in [*preview.deleted, *preview.blanked]}
    assert {name: counts[name] for name in CLASSES} == CLASSES
    zipped = archive_of(person)
    requests = json.loads(zipped.read("json/privacy-requests.json"))
    assert len(requests) == 3
    assert f"I am {ADDRESS}" in everything_in(zipped)
    with as_role(KEEPER):
        Message.objects.filter(person_id=person.pk).delete()  # that the archive is ready
    done = erase(person)
    assert {name: done.removed[name] for name in CLASSES} == CLASSES


@pytest.mark.parametrize("who", [unconfirmed, lambda: with_another(verified=False)])
def test_an_address_that_is_not_confirmed_sees_nothing_of_its_real_owner(who: Any) -> None:
    person = who()
    write_without_signing_in()
    assert shown_to(person) == {}
    assert "I am" not in everything_in(archive_of(person))


def test_their_page_of_requests_has_those_they_made_without_signing_in() -> None:
    person, stranger = make_customer(email=ADDRESS.lower()), make_customer()
    request = wish()
    for somebody, answer in ((stranger, 404), (person, 302)):
        visitor = Client(headers={"accept-language": "en"})
        visitor.force_login(somebody)
        with as_role(APP):
            page = visitor.get("/data/requests/")
        assert (str(ADDRESS) in page.content.decode()) == (somebody == person)
        assert visitor.post(f"/data/requests/{request.reference}/back/").status_code == answer
    request.refresh_from_db()
    assert request.state == "withdrawn"


def test_what_lies_on_paper_is_in_the_archive_with_its_place_and_its_day() -> None:
    person = make_full_customer()
    with translation.override("en"):
        (item,) = json.loads(archive_of(person).read("json/paper-disks-and-tapes.json"))
    assert (item["name"], item["place"]) == ("Signed contract", "Archive, shelf 4")
    assert (item["kept_since"], item["due_on"]) == ("2024-01-30", "2031-03-01")
    assert not item.keys() & {"serial", "customer_id", "registered_by_id"}
