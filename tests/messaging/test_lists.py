"""A customer's contact lists: browsed, searched, added to, taken along, deleted. Nobody else's."""

import csv
import io
import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
from django.db import OperationalError
from django.db.models import BooleanField, Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import Lower
from django.test import Client

from accounts.models import User
from consent.models import Suppression
from consent.suppression import suppress
from foundation.roles import KEEPER, as_role
from foundation.tenants import as_tenant
from messaging import policy, tasks
from messaging.content import services
from messaging.content.facts import facts_of
from messaging.content.querysets import find_contacts
from messaging.content.signals import ContentHeld, content_going
from messaging.content.tombstones import bury
from messaging.models import (
    Contact,
    ContactList,
    ContactOptOut,
    ListUpload,
    Report,
    UploadPart,
    UploadProblem,
)
from messaging.views import lists
from tests.factories import NOW, make_contact, make_customer, make_list
from tests.messaging.uploading import contacts_of, counts_of, signed_in, take_in, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def person() -> User:
    return make_customer(language="en", country="NO")


@pytest.fixture
def visitor(person: User) -> Client:
    return signed_in(person)


@pytest.fixture
def own(person: User) -> ContactList:
    with as_tenant(person.pk):
        made = make_list(person)
        make_contact(made, phone_number="+4798765432", first_name="Åse", last_name="Lien")
        make_contact(made, email="ola@example.test", organization_name="Ola Rør AS")
        make_contact(made, email="per@example.test", first_name="Per")
    return made


@pytest.fixture(autouse=True)
def pages_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "CONTENT_PAGE", 2)
    monkeypatch.setattr(policy, "CONTENT_BATCH", 2)


@pytest.fixture
def held() -> Iterator[None]:
    """As a legal hold answers."""

    def refuse(**named: Any) -> None:
        raise ContentHeld

    content_going.connect(refuse, dispatch_uid="held")
    yield
    content_going.disconnect(dispatch_uid="held")


def rows_of(answer: Any) -> list[list[str]]:
    text = text_of(answer)
    return list(csv.reader(io.StringIO(text)))


def test_lists_are_shown_with_their_sizes(visitor: Client, own: ContactList) -> None:
    page = visitor.get("/lists/").content.decode()
    assert "Nyhetsbrev" in page
    assert f'href="/lists/{own.pk}/"' in page
    assert ">3<" in page


def test_a_new_customer_is_told_how_to_begin(client: Client) -> None:
    client.force_login(make_customer(language="en"))
    assert "No lists yet" in client.get("/lists/").content.decode()


def test_an_empty_list_can_be_made_and_needs_a_name(visitor: Client, person: User) -> None:
    assert "required" in visitor.post("/lists/", {"list_name": " "}).content.decode()
    answer = visitor.post("/lists/", {"list_name": "Julekort"})
    with as_tenant(person.pk):
        made = ContactList.objects.get()
    assert answer.headers["Location"] == f"/lists/{made.pk}/"
    assert "Nobody is in this list yet" in visitor.get(f"/lists/{made.pk}/").content.decode()


def test_a_list_is_read_page_by_page(visitor: Client, own: ContactList) -> None:
    first = visitor.get(f"/lists/{own.pk}/")
    assert [each.email for each in first.context["contacts"]] == [
        "per@example.test",
        "ola@example.test",
    ]
    second = visitor.get(f"/lists/{own.pk}/", {"before": first.context["older"]})
    assert [each.phone_number for each in second.context["contacts"]] == ["+4798765432"]
    assert second.context["older"] is None
    assert "To the newest" in second.content.decode()
    assert visitor.get(f"/lists/{own.pk}/", {"before": "mangled"}).status_code == 200


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("987 65 432", ["+4798765432"]),
        ("+47 98765432", ["+4798765432"]),
        ("åse lien", ["+4798765432"]),
        ("RØR", ["ola@example.test"]),
        ("example.test", ["per@example.test", "ola@example.test"]),
        ("tlf. 98765432", ["+4798765432"]),
        ("Lien 0047 98765432", ["+4798765432"]),
        ("987 65 432 åse", ["+4798765432"]),
        ("Hansen 98765432", []),
        ("nobody", []),
    ],
)
def test_contacts_are_found_however_one_writes(
    visitor: Client, own: ContactList, words: str, found: list[str]
) -> None:
    answer = visitor.get(f"/lists/{own.pk}/", {"q": words})
    assert [str(each) for each in answer.context["contacts"]] == found


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("987 65 432", ["Andre", "Nyhetsbrev"]),
        ("PER@example.test", ["Nyhetsbrev"]),
        ("911 23 456", []),
        ("nobody@example.test", []),
        ("per@", []),
        ("tlf. 987 65 432", ["Andre", "Nyhetsbrev"]),
        ("Per", None),
        ("Hansen 98765432", None),
    ],
)
def test_the_lists_that_a_contact_is_in_are_found(
    visitor: Client, own: ContactList, person: User, words: str, found: list[str] | None
) -> None:
    stranger = make_customer()
    with as_tenant(stranger.pk):
        make_contact(make_list(stranger, "Fremmed"), phone_number="+4798765432")
    with as_tenant(person.pk):
        make_contact(make_list(person, "Andre"), phone_number="+4798765432")
    answer = visitor.get("/lists/", {"q": words})
    page = answer.content.decode()
    assert [each.list_name for each in answer.context["lists"]] == (found or [])
    assert ("In none of your lists" in page) == (found == [])
    assert ("Write the whole phone number" in page) == (found is None)
    for link in re.findall(r'href="(/lists/[0-9a-f-]{36}/[^"]*)"', page):
        assert len(visitor.get(unescape(link)).context["contacts"]) == 1


def test_what_else_is_known_of_a_contact_is_shown_once_asked_for(
    visitor: Client, own: ContactList, person: User
) -> None:
    address = f"/lists/{own.pk}/?q=98765432"
    assert "Address and own fields" not in visitor.get(address).content.decode()
    with as_tenant(person.pk):
        Contact.objects.filter(first_name="Åse").update(
            custom_2="Gullkunde", address_city="Bodø", address_country="NO"
        )
    page = visitor.get(address).content.decode()
    for words in ("<dt>Own field 2</dt><dd>Gullkunde</dd>", "<dt>Town</dt><dd>Bodø</dd>"):
        assert words in page
    assert "Own field 1" not in page


def test_a_list_is_counted_only_where_it_is_shown_from_its_beginning(
    visitor: Client, own: ContactList
) -> None:
    first = visitor.get(f"/lists/{own.pk}/")
    assert "3 contacts" in first.content.decode()
    for asked in ({"before": first.context["older"]}, {"q": "per"}, {"q": "nobody"}):
        answer = visitor.get(f"/lists/{own.pk}/", asked)
        assert answer.context["size"] is None
        assert "Nobody is in this list yet" not in answer.content.decode()


def test_a_search_in_a_list_that_takes_too_long_says_so_and_the_page_stands(
    visitor: Client, own: ContactList, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "SEARCH_SECONDS", 0.05)
    wait = RawSQL("(SELECT pg_sleep(5) IS NULL)", (), output_field=BooleanField())
    monkeypatch.setattr(
        lists, "find_contacts", lambda *args, **named: find_contacts(*args, **named).filter(wait)
    )
    page = visitor.get(f"/lists/{own.pk}/", {"q": "per"}).content.decode()
    assert "takes too long" in page
    assert "Nobody in this list fits" not in page
    assert "Add the contact" in page


def test_a_contact_is_added_by_hand(visitor: Client, own: ContactList, person: User) -> None:
    answer = visitor.post(f"/lists/{own.pk}/", {"phone_number": "911 23 456", "first_name": "Ny"})
    assert answer.status_code == 302
    assert "+4791123456" in {each.phone_number for each in contacts_of(person)}


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ({}, "Give a phone number or an email address"),
        ({"phone_number": "12"}, "No valid phone number"),
        ({"email": "x"}, "No valid email address"),
        ({"email": "PER@example.test"}, "Is in this list already"),
        ({"phone_number": "98765432"}, "Is in this list already"),
        ({"email": "nei@example.test"}, "On your list of opt-outs"),
        ({"email": "a@example.test", "first_name": "x" * 101}, "Too long"),
    ],
)
def test_a_contact_that_cannot_be_added_says_why(
    visitor: Client, own: ContactList, person: User, said: dict[str, str], answer: str
) -> None:
    with as_tenant(person.pk):
        ContactOptOut.objects.create(customer=person, contact="nei@example.test")
    page = visitor.post(f"/lists/{own.pk}/", said)
    assert page.status_code == 200
    assert answer in page.content.decode()
    assert len(contacts_of(person)) == 3


def test_our_own_suppressions_are_no_answer(visitor: Client, own: ContactList) -> None:
    suppress("new@example.test", reason=Suppression.Reason.ERASED, now=NOW)
    assert visitor.post(f"/lists/{own.pk}/", {"email": "new@example.test"}).status_code == 302


def test_a_contact_is_removed(visitor: Client, own: ContactList, person: User) -> None:
    with as_tenant(person.pk):
        contact = Contact.objects.get(first_name="Per")
    address = f"/lists/{own.pk}/contacts/{contact.pk}/remove/"
    assert visitor.get(address).status_code == 405
    visitor.post(address)
    assert [each.first_name for each in contacts_of(person)] == ["", "Åse"]
    assert visitor.post(address).status_code == 404


def test_the_download_holds_every_contact_and_no_formula(
    visitor: Client, own: ContactList, person: User
) -> None:
    with as_tenant(person.pk):
        make_contact(own, email="x@example.test", first_name="=HYPERLINK(1)", custom_1="+1+1")
    answer = visitor.get(f"/lists/{own.pk}/contacts.csv")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="contacts.csv"'
    header, *rows = rows_of(answer)
    assert header[:4] == ["phone_number", "email", "first_name", "last_name"]
    assert len(rows) == 4
    newest = dict(zip(header, rows[0], strict=True))
    assert (newest["first_name"], newest["custom_1"]) == ("'=HYPERLINK(1)", "'+1+1")
    assert rows[3][0] == "+4798765432"


def test_deleting_a_list_says_what_goes_and_then_does_it(
    visitor: Client, own: ContactList, person: User
) -> None:
    with as_tenant(person.pk):
        other = make_list(person, "Andre")
        make_contact(other, email="blir@example.test")
    address = f"/lists/{own.pk}/delete/"
    page = visitor.get(address).content.decode()
    assert "Nothing has happened yet" in page
    assert "<dd>3</dd>" in page
    assert len(contacts_of(person)) == 4
    page = visitor.post(address, follow=True).content.decode()
    assert "3 contacts are deleted" in page
    assert [each.email for each in contacts_of(person)] == ["blir@example.test"]
    assert visitor.post(address).status_code == 404


@pytest.mark.parametrize(("after", "left"), [(0, 4), (1, 2), (2, 1), (3, 1), (4, 1)])
def test_deleting_goes_on_after_a_kill(
    own: ContactList, person: User, monkeypatch: pytest.MonkeyPatch, after: int, left: int
) -> None:
    """Before any batch: two of contacts, two of remarks, and the last of all."""
    other = with_files(own, person)
    calls = 0

    def killed(*args: Any, **named: Any) -> None:
        nonlocal calls
        calls += 1
        if calls > after:
            raise KeyboardInterrupt
        bury(*args, **named)

    monkeypatch.setattr(services, "bury", killed)
    with pytest.raises(KeyboardInterrupt):
        services.delete_list(own.pk, customer_id=person.pk, now=NOW)
    assert len(contacts_of(person)) == left
    with as_tenant(person.pk):
        assert ListUpload.objects.filter(contact_list=own).exists()
    monkeypatch.setattr(services, "bury", bury)
    assert services.delete_list(own.pk, customer_id=person.pk, now=NOW) == left - 1
    with as_tenant(person.pk):
        assert [each.pk for each in ContactList.objects.all()] == [other.contact_list_id]
        assert [each.pk for each in ListUpload.objects.all()] == [other.pk]


def test_what_is_remembered_of_its_files_goes_with_a_list_and_the_page_says_so(
    visitor: Client, own: ContactList, person: User
) -> None:
    other = with_files(own, person)
    address = f"/lists/{own.pk}/delete/"
    page = visitor.get(address).content.decode()
    assert "What we remember of files uploaded into it" in page
    visitor.post(address)
    with as_tenant(person.pk):
        assert ListUpload.objects.get() == other
        for model in (UploadProblem, UploadPart):
            assert {each.upload_id for each in model.objects.all()} == {other.pk}


def test_a_list_without_files_says_nothing_of_them(visitor: Client, own: ContactList) -> None:
    assert "What we remember" not in visitor.get(f"/lists/{own.pk}/delete/").content.decode()


def with_files(own: ContactList, person: User) -> ListUpload:
    """Two files with a remark each came into this list; the one handed back into another."""
    with as_tenant(person.pk):
        other = make_list(person, "Andre")
        make_contact(other, email="blir@example.test")
        for into in (own, own, other):
            upload = ListUpload.objects.create(
                customer=person, contact_list=into, file_name="a.csv", state="finished"
            )
            UploadPart.objects.create(upload=upload, customer=person, number=-2, data=b"2,12")
            for line in (2, 3):
                UploadProblem.objects.create(
                    upload=upload, customer=person, line=line, value="12", reason="phone_unknown"
                )
    return upload


@pytest.mark.parametrize(("bound", "at_once"), [(3, True), (2, False)])
def test_a_large_list_goes_by_a_worker(
    visitor: Client,
    own: ContactList,
    person: User,
    monkeypatch: pytest.MonkeyPatch,
    bound: int,
    at_once: bool,
) -> None:
    monkeypatch.setattr(policy, "DELETED_AT_ONCE", bound)
    address = f"/lists/{own.pk}/delete/"
    background = f"/data/delete/list/?look=1&contact_list={own.pk}"
    for answer in (visitor.get(address), visitor.post(address)):
        assert (answer.headers.get("Location") == background) != at_once
    assert len(contacts_of(person)) == (0 if at_once else 3)
    if not at_once:
        page = visitor.get(background).content.decode()
        assert "deleted in the background" in page
        assert "Nyhetsbrev" in page
        assert "Delete it now" in page


def test_lines_that_were_not_taken_count_as_well(
    visitor: Client, own: ContactList, person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_files(own, person)
    monkeypatch.setattr(policy, "DELETED_AT_ONCE", 8)
    assert visitor.get(f"/lists/{own.pk}/delete/").status_code == 302
    monkeypatch.setattr(policy, "DELETED_AT_ONCE", 9)
    assert visitor.get(f"/lists/{own.pk}/delete/").status_code == 200


@pytest.mark.usefixtures("held")
def test_what_a_legal_hold_keeps_is_not_deleted_and_the_page_says_so(
    visitor: Client, own: ContactList, person: User
) -> None:
    contact = contacts_of(person)[0]
    for address in (
        f"/lists/{own.pk}/delete/",
        f"/lists/{own.pk}/contacts/{contact.pk}/remove/",
    ):
        page = visitor.post(address, follow=True).content.decode()
        assert "kept for a dispute" in page
    assert len(contacts_of(person)) == 3


@pytest.mark.usefixtures("held")
def test_a_legal_hold_never_keeps_an_opt_out_from_standing(
    visitor: Client, own: ContactList, person: User
) -> None:
    answer = visitor.post("/lists/opt-outs/", {"contact": "PER@example.test"}, follow=True)
    page = answer.content.decode()
    assert "still stands in your lists" in page
    assert "out of 0 lists" not in page
    with as_tenant(person.pk):
        assert ContactOptOut.objects.get().contact == "per@example.test"
    assert len(contacts_of(person)) == 3
    assert (
        "out of 0 lists"
        in visitor.post(
            "/lists/opt-outs/", {"contact": "nobody@example.test"}, follow=True
        ).content.decode()
    )


def test_who_said_no_and_is_held_is_marked_left_out_of_downloads_and_goes_once_released(
    visitor: Client, own: ContactList, person: User, held: None
) -> None:
    with as_tenant(person.pk):
        Contact.objects.filter(first_name="Per").update(email="Per@example.test")
    for said in ("per@example.test", "98765432"):
        visitor.post("/lists/opt-outs/", {"contact": said})
    stranger = make_customer()
    with as_tenant(stranger.pk):
        make_contact(make_list(stranger), email="per@example.test")
    shown = visitor.get(f"/lists/{own.pk}/").context
    assert [(each.email, each.pk in shown["opted_out"]) for each in shown["contacts"]] == [
        ("Per@example.test", True),
        ("ola@example.test", False),
    ]
    assert "On your list of opt-outs" in visitor.get(f"/lists/{own.pk}/").content.decode()
    _header, *rows = rows_of(visitor.get(f"/lists/{own.pk}/contacts.csv"))
    assert [row[1] for row in rows] == ["ola@example.test"]
    with as_role(KEEPER):
        assert services.remove_opted_out(now=NOW) == 0
        content_going.disconnect(dispatch_uid="held")
        assert tasks.remove_opted_out() == 2
    assert [each.email for each in contacts_of(person)] == ["ola@example.test"]
    assert len(contacts_of(stranger)) == 1


def test_the_night_goes_on_where_it_was_killed_and_past_a_customer_where_it_fails(
    person: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Batches of two; the first customer's third batch fails, the second customer's do not."""
    people = sorted((person, make_customer()), key=lambda each: each.pk)
    for each in people:
        with as_tenant(each.pk):
            own = make_list(each)
            for number in range(5):
                make_contact(own, email=f"a{number}@example.test")
                ContactOptOut.objects.create(customer=each, contact=f"a{number}@example.test")
    going = services.going
    calls: list[Any] = []

    def fail(model: Any, customer_id: Any, now: Any) -> None:
        calls.append(customer_id)
        if customer_id == people[0].pk and calls.count(customer_id) == 3:
            raise OperationalError("a99@example.test is locked")
        going(model, customer_id, now)

    monkeypatch.setattr(services, "going", fail)
    with as_role(KEEPER), pytest.raises(OperationalError):
        services.remove_opted_out(now=NOW)
    assert [len(contacts_of(each)) for each in people] == [1, 0]
    (line,) = [each for each in caplog.records if each.name == services.logger.name]
    assert "OperationalError" in line.getMessage()
    assert str(people[0].pk) not in caplog.text
    assert "a99@" not in caplog.text
    with as_role(KEEPER):
        assert services.remove_opted_out(now=NOW) == 1
    assert contacts_of(people[0]) == []


# --- their own opt-outs --------------------------------------------------------------------------


@pytest.mark.parametrize("said", ["98765432", "+47 987 65 432"])
def test_an_opt_out_takes_the_contact_out_of_every_list(
    visitor: Client, own: ContactList, person: User, said: str
) -> None:
    with as_tenant(person.pk):
        make_contact(make_list(person, "Andre"), phone_number="+4798765432")
    page = visitor.post("/lists/opt-outs/", {"contact": said}, follow=True).content.decode()
    assert "out of 2 lists" in page
    assert "+4798765432" not in {each.phone_number for each in contacts_of(person)}
    visitor.post("/lists/opt-outs/", {"contact": said})
    with as_tenant(person.pk):
        assert ContactOptOut.objects.get().contact == "+4798765432"


def test_an_address_opts_out_whatever_its_case(
    visitor: Client, own: ContactList, person: User
) -> None:
    visitor.post("/lists/opt-outs/", {"contact": "PER@Example.test"})
    with as_tenant(person.pk):
        assert ContactOptOut.objects.get().contact == "per@example.test"
    assert len(contacts_of(person)) == 2


@pytest.mark.parametrize("address", ["ola@İŞ.example", "ola@x.ΟΔΟΣ"])
def test_a_no_in_letters_that_are_rare_is_obeyed_on_every_page(
    visitor: Client, own: ContactList, person: User, address: str
) -> None:
    with as_tenant(person.pk):
        there = make_contact(own, email=address)
    asked = visitor.get("/lists/", {"q": address})
    assert [each.list_name for each in asked.context["lists"]] == ["Nyhetsbrev"]
    with as_tenant(person.pk):
        ContactOptOut.objects.create(customer=person, contact=Lower(Value(address)))
    page = visitor.get(f"/lists/{own.pk}/")
    assert page.context["opted_out"] == {there.pk}
    assert visitor.post("/lists/opt-outs/", {"contact": address}).status_code == 302
    assert len(contacts_of(person)) == 3
    answer = visitor.post(f"/lists/{own.pk}/", {"email": address})
    assert "On your list of opt-outs" in answer.content.decode()
    assert counts_of(take_in(person, f"E-post\n{address}\n".encode())) == {"opted_out": 1}
    assert len(contacts_of(person)) == 3
    with as_tenant(person.pk):
        assert ContactOptOut.objects.count() == 1


def test_an_opt_out_of_nobody_is_refused(visitor: Client) -> None:
    page = visitor.post("/lists/opt-outs/", {"contact": "12"}).content.decode()
    assert "No valid phone number" in page


def test_older_pages_of_a_search_hold_what_was_searched_for(
    visitor: Client, own: ContactList, person: User
) -> None:
    with as_tenant(person.pk):
        ContactOptOut.objects.create(customer=person, contact="old@nei.test")
        for number in range(3):
            make_contact(own, email=f"kari{number}@example.test", first_name="Kari & Co")
            ContactOptOut.objects.create(customer=person, contact=f"kari{number}@nei.test")
        make_contact(own, email="new@example.test")
        ContactOptOut.objects.create(customer=person, contact="new@nei.test")
    for address, words, name in (
        (f"/lists/{own.pk}/", "kari & co", "contacts"),
        ("/lists/opt-outs/", "kari", "opt_outs"),
    ):
        first = visitor.get(address, {"q": words})
        (link,) = re.findall(r'href="(\?[^"]*before=[^"]*)"', first.content.decode())
        second = visitor.get(address + unescape(link))
        found = [str(each) for each in second.context[name]]
        assert len(found) == 1, address
        assert found[0].startswith("kari0@"), address


def test_opt_outs_are_browsed_searched_and_withdrawn(visitor: Client, person: User) -> None:
    with as_tenant(person.pk):
        for name in ("a", "b", "c"):
            ContactOptOut.objects.create(customer=person, contact=f"{name}@example.test")
    first = visitor.get("/lists/opt-outs/")
    assert [str(each) for each in first.context["opt_outs"]] == ["c@example.test", "b@example.test"]
    second = visitor.get("/lists/opt-outs/", {"before": first.context["older"]})
    (last,) = second.context["opt_outs"]
    assert visitor.get("/lists/opt-outs/", {"q": "a@"}).context["opt_outs"] == [last]
    visitor.post(f"/lists/opt-outs/{last.pk}/remove/")
    with as_tenant(person.pk):
        assert ContactOptOut.objects.count() == 2


# --- reports -------------------------------------------------------------------------------------


def test_reports_are_shown_and_deleted(visitor: Client, person: User) -> None:
    with as_tenant(person.pk):
        report = Report.objects.create(
            customer=person, report_id=5, report_name="Oktober", date=NOW, content={"sent": 1200}
        )
    assert "Oktober" in visitor.get("/reports/").content.decode()
    assert "1200" in visitor.get(f"/reports/{report.pk}/").content.decode()
    visitor.get(f"/reports/{report.pk}/delete/")
    with as_tenant(person.pk):
        assert Report.objects.exists()
    visitor.post(f"/reports/{report.pk}/delete/")
    with as_tenant(person.pk):
        assert not Report.objects.exists()
    assert "No reports yet" in visitor.get("/reports/", {"page": "9" * 5000}).content.decode()


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        (
            {"sent": 1200, "by_country": {"NO": 5, "SE": None}, "ok": True, "late": False},
            ["sent 1200", "by_country: NO 5", "by_country: SE –", "ok ja", "late nei"],
        ),
        ({"words": ["a", "b"], "share": 0.5, "rest": []}, ["words a · b", "share 0,5", "rest –"]),
        ({"months": [{"sent": 1}, {"sent": 2}]}, ["months: 1: sent 1", "months: 2: sent 2"]),
        ({"": "x", "of": {"": True}, "none": {}}, ["– x", "of: – ja", "none –"]),
        ({"<b>": "<i>"}, ["&lt;b&gt; &lt;i&gt;"]),
        (["a", True], ["– a · ja"]),
        ({}, []),
    ],
)
def test_a_report_is_read_row_by_row_in_words(
    visitor: Client, person: User, content: Any, rows: list[str]
) -> None:
    with as_tenant(person.pk):
        report = Report.objects.create(
            customer=person, report_id=5, report_name="Oktober", date=NOW, content=content
        )
    User.objects.filter(pk=person.pk).update(language="nb")
    answer = visitor.get(f"/reports/{report.pk}/", headers={"accept-language": "nb"})
    page = answer.content.decode()
    shown = re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", page)
    # The database keeps names in an order of its own.
    assert sorted(f"{name} {value}" for name, value in shown) == sorted(rows)
    assert ("Rapporten er tom" in page) == (not rows)


def test_a_report_may_be_as_deep_as_it_likes() -> None:
    deep: Any = {"b": 1, "c": 2}
    for _each in range(2000):
        deep = [deep]
    assert [value for _name, value in facts_of({"a": deep})] == ["1", "2"]


def test_a_long_name_is_not_copied_whole_into_every_row_inside() -> None:
    for long, shown in (("k" * 200, "k" * 200), ("k" * 201, "k" * 199 + "…")):
        assert list(facts_of({long: [[], []]})) == [(f"{shown}: 1", "–"), (f"{shown}: 2", "–")]


@pytest.mark.parametrize("number", [policy.REPORT_ROWS, policy.REPORT_ROWS + 1])
def test_a_page_shows_so_many_rows_of_a_report_and_says_where_the_rest_is(
    visitor: Client, person: User, number: int
) -> None:
    with as_tenant(person.pk):
        report = Report.objects.create(
            customer=person,
            report_id=5,
            report_name="Oktober",
            date=NOW,
            content={"to": [[]] * number},
        )
    page = visitor.get(f"/reports/{report.pk}/").content.decode()
    assert page.count("<dt>") == policy.REPORT_ROWS
    assert ("holds the whole report" in page) == (number > policy.REPORT_ROWS)


# --- nobody else's -------------------------------------------------------------------------------


def test_another_customers_content_is_not_found(own: ContactList, person: User) -> None:
    with as_tenant(person.pk):
        contact = Contact.objects.first()
        assert contact is not None
        stopped = ContactOptOut.objects.create(customer=person, contact="no@example.test")
        report = Report.objects.create(customer=person, report_id=1, report_name="X", date=NOW)
    stranger = signed_in(make_customer())
    for address in (
        f"/lists/{own.pk}/",
        f"/lists/{own.pk}/contacts.csv",
        f"/lists/{own.pk}/delete/",
        f"/reports/{report.pk}/",
        f"/reports/{report.pk}/delete/",
    ):
        assert stranger.get(address).status_code == 404, address
    for address in (
        f"/lists/{own.pk}/",
        f"/lists/{own.pk}/delete/",
        f"/lists/{own.pk}/contacts/{contact.pk}/remove/",
        f"/lists/opt-outs/{stopped.pk}/remove/",
        f"/reports/{report.pk}/delete/",
    ):
        assert stranger.post(address, {"email": "x@example.test"}).status_code == 404, address
    for address in ("/lists/", "/lists/opt-outs/", "/reports/"):
        page = stranger.get(address).content.decode()
        for foreign in ("Nyhetsbrev", "no@example.test", ">X<"):
            assert foreign not in page
    assert len(contacts_of(person)) == 3
    with as_tenant(person.pk):
        assert ContactOptOut.objects.exists()
        assert Report.objects.exists()


def test_a_contact_is_removed_only_from_the_list_it_is_in(
    visitor: Client, own: ContactList, person: User
) -> None:
    contact = contacts_of(person)[0]
    with as_tenant(person.pk):
        other = make_list(person, "Andre")
    address = f"/lists/{other.pk}/contacts/{contact.pk}/remove/"
    assert visitor.post(address).status_code == 404
