"""A legal hold stands against the customer's own wish to delete, and only for what it names."""

import uuid
from datetime import timedelta

import pytest

from accounts.models import User
from foundation.tenants import as_tenant
from messaging.content import services
from messaging.content.files import Row
from messaging.content.signals import ContentHeld
from messaging.content.taking_in import take_in_batch
from messaging.content.uploads import discard_upload
from messaging.models import (
    Contact,
    ContactList,
    ContactOptOut,
    ListUpload,
    Report,
    UploadPart,
    UploadProblem,
)
from messaging.policy import UPLOADS_WAITING
from retention.entries import DataClass
from retention.holding import is_person_held
from retention.models import Export, LegalHold
from retention.policy import HOLD_UNAPPROVED
from retention.schedule import ENTRIES
from tests.api.feeding import CUSTOMER, feed, wrong
from tests.factories import NOW, make_contact, make_customer, make_list, make_staff
from tests.messaging.uploading import (
    confirm,
    counts_of,
    newest,
    read,
    send_file,
    signed_in,
    uploaded,
)

pytestmark = pytest.mark.django_db


def held(**about: object) -> LegalHold:
    boss = make_staff()
    fields = {
        "reason": "a dispute",
        "reference": str(uuid.uuid4()),
        "review_on": (NOW + timedelta(days=90)).date(),
        "placed_by": boss,
        "placed_at": NOW,
    }
    return LegalHold.objects.create(**(fields | about))


def list_of(person: User) -> ContactList:
    with as_tenant(person.pk):
        made = make_list(person)
        make_contact(made, email="kari@example.test")
    return made


def left(person: User) -> int:
    with as_tenant(person.pk):
        return Contact.objects.count()


def test_a_held_list_is_not_deleted_by_its_owner_and_goes_once_released() -> None:
    person = make_customer()
    own = list_of(person)
    hold = held(customer_id=person.pk)
    with pytest.raises(ContentHeld):
        services.delete_list(own.pk, customer_id=person.pk, now=NOW)
    assert left(person) == 1
    LegalHold.objects.filter(pk=hold.pk).update(
        released_at=NOW, released_by=hold.placed_by, release_reason="settled"
    )
    assert services.delete_list(own.pk, customer_id=person.pk, now=NOW) == 1


def archives(person: User) -> list[str]:
    with as_tenant(person.pk):
        return sorted(Export.objects.values_list("state", flat=True))


def test_what_its_owner_deletes_stands_in_no_archive_either() -> None:
    person, other = make_customer(), make_customer()
    own = list_of(person)
    for each in (person, other):
        for state in (Export.State.READY, Export.State.RUNNING):
            with as_tenant(each.pk):
                Export.objects.create(
                    customer=each, state=state, actor="self", requested_at=NOW, moved_at=NOW
                )
    services.delete_list(own.pk, customer_id=person.pk, now=NOW)
    assert archives(person) == ["requested"]  # begun anew, without the list
    assert archives(other) == ["ready", "running"]


@pytest.mark.parametrize(
    ("content", "state", "counts"),
    [
        (b'E-post;Navn\nper@example.test;Per\n"ola@example.test;Ola\n', "failed", {}),
        (b"E-post;Navn\nper@example.test;Per\n", "finished", {"added": 1}),
        (b"E-post;Navn\nkari@example.test;Karoline\n", "finished", {"changed": 1}),
    ],
    ids=["failed", "added", "changed"],
)
def test_an_archive_stays_while_a_file_is_read_and_goes_with_the_upload(
    content: bytes, state: str, counts: dict[str, int]
) -> None:
    person = make_customer(language="en")
    own = list_of(person)
    with as_tenant(person.pk):
        for each in (Export.State.READY, Export.State.RUNNING):
            Export.objects.create(
                customer=person, state=each, actor="self", requested_at=NOW, checkpoint={"at": 7}
            )
    confirm(person, uploaded(person, content), target=str(own.pk))
    assert read(person, now=lambda: NOW)
    upload = newest(person)
    assert (upload.state, counts_of(upload)) == (state, counts)
    assert archives(person) == ["ready", "running"]
    with as_tenant(person.pk):
        assert set(Export.objects.values_list("checkpoint__at", flat=True)) == {7}
        discard_upload(upload, now=NOW)
    assert archives(person) == ["requested"]


def test_what_a_hold_keeps_stays_in_its_archive() -> None:
    person = make_customer()
    own = list_of(person)
    with as_tenant(person.pk):
        Export.objects.create(
            customer=person, state=Export.State.READY, actor="self", requested_at=NOW
        )
    held(customer_id=person.pk)
    with pytest.raises(ContentHeld):
        services.delete_list(own.pk, customer_id=person.pk, now=NOW)
    assert archives(person) == ["ready"]


@pytest.mark.parametrize("about", [{"data_class": DataClass.BILLING}, {"customer_id": None}])
def test_a_hold_on_something_else_keeps_nobody_from_deleting(about: dict[str, object]) -> None:
    person = make_customer()
    own = list_of(person)
    other = make_customer()
    held(**({"customer_id": other.pk} if about == {"customer_id": None} else about))
    assert services.delete_list(own.pk, customer_id=person.pk, now=NOW) == 1


# --- uploads that their owner would forget -------------------------------------------------------


def kept_upload(person: User, **fields: object) -> ListUpload:
    """One that is over, with a line that was not taken."""
    with as_tenant(person.pk):
        upload = ListUpload.objects.create(
            **({"customer": person, "file_name": "a.csv", "state": "finished"} | fields)
        )
        UploadProblem.objects.create(
            upload=upload, customer=person, line=2, value="12", reason="phone_unknown"
        )
    return upload


def uploads_left(person: User) -> set[str]:
    with as_tenant(person.pk):
        assert UploadProblem.objects.count() == ListUpload.objects.count()
        return set(ListUpload.objects.values_list("file_name", flat=True))


@pytest.mark.parametrize("state", ["finished", "uploaded"])
def test_a_held_upload_is_not_forgotten_by_its_owner_and_goes_once_released(state: str) -> None:
    person = make_customer(language="en")
    upload = kept_upload(person, state=state, mapping={"0": "email"})
    visitor = signed_in(person)
    hold = held(customer_id=person.pk)
    address = f"/lists/upload/{upload.pk}/"
    answer = visitor.post(f"{address}discard/")
    assert answer.headers["Location"] == address
    assert "kept for a dispute" in visitor.get(address).content.decode()
    assert uploads_left(person) == {"a.csv"}
    LegalHold.objects.filter(pk=hold.pk).update(
        released_at=NOW, released_by=hold.placed_by, release_reason="settled"
    )
    assert visitor.post(f"{address}discard/").headers["Location"] == "/lists/"
    assert uploads_left(person) == set()


@pytest.mark.parametrize("is_held", [False, True])
def test_held_files_that_wait_make_no_room_for_another(is_held: bool) -> None:
    person = make_customer(language="en")
    for number in range(UPLOADS_WAITING):
        kept_upload(person, state="uploaded", file_name=f"{number}.csv")
    if is_held:
        held(customer_id=person.pk)
    with as_tenant(person.pk):
        UploadProblem.objects.all().delete()
    answer = send_file(signed_in(person), b"E-post\nkari@example.test\n", "new.csv")
    names = {f"{number}.csv" for number in range(UPLOADS_WAITING)}
    with as_tenant(person.pk):
        left = set(ListUpload.objects.values_list("file_name", flat=True))
    if is_held:
        assert "3 of your files wait" in answer.content.decode()
        assert left == names
    else:
        assert answer.status_code == 302
        assert left == names - {"0.csv"} | {"new.csv"}


@pytest.mark.parametrize("is_held", [False, True])
def test_a_held_file_whose_reading_fails_stays_with_its_upload(is_held: bool) -> None:
    """None of it was taken in, so what it says stands nowhere else."""
    person = make_customer(language="en")
    upload = uploaded(person, b'E-post\nkari@example.test\n"ola@example.test\n')
    hold = held(customer_id=person.pk) if is_held else None
    confirm(person, upload)
    assert read(person, now=lambda: NOW)
    assert newest(person).state == "failed"
    assert left(person) == 0
    with as_tenant(person.pk):
        assert UploadPart.objects.exists() == is_held
    if hold is not None:
        LegalHold.objects.filter(pk=hold.pk).update(
            released_at=NOW, released_by=hold.placed_by, release_reason="settled"
        )
        signed_in(person).post(f"/lists/upload/{upload.pk}/discard/")
        with as_tenant(person.pk):
            assert not UploadPart.objects.exists()


def test_a_held_file_that_was_read_to_its_end_goes_all_the_same() -> None:
    person = make_customer(language="en")
    held(customer_id=person.pk)
    confirm(person, uploaded(person, b"E-post\nkari@example.test\n"))
    assert read(person, now=lambda: NOW)
    assert newest(person).state == "finished"
    assert left(person) == 1
    with as_tenant(person.pk):
        assert not UploadPart.objects.filter(number__gte=0).exists()


def test_a_hold_refuses_nobody_a_file_while_there_is_room() -> None:
    person = make_customer(language="en")
    kept_upload(person, state="uploaded")
    held(customer_id=person.pk)
    assert send_file(signed_in(person), b"E-post\nkari@example.test\n").status_code == 302


def test_an_upload_whose_file_bears_no_date_stays_with_it_under_a_hold_over_any_span() -> None:
    person = make_customer()
    with as_tenant(person.pk):
        upload = ListUpload.objects.create(
            customer=person, state="uploaded", file_name="a.csv", made_at=NOW
        )
        part = UploadPart.objects.create(upload=upload, customer=person, number=0, data=b"+47")
    held(customer_id=person.pk, since=(NOW + timedelta(days=9)).date())
    with as_tenant(person.pk):
        with pytest.raises(ContentHeld):
            discard_upload(upload, now=NOW)
        part.delete()
        discard_upload(upload, now=NOW)
        assert not ListUpload.objects.exists()


def test_a_list_with_a_held_upload_stays_whole() -> None:
    """Before its first contact goes: the upload would lose its list, and the hold with it."""
    person = make_customer()
    own = list_of(person)
    with as_tenant(person.pk):
        Contact.objects.update(added_at=NOW - timedelta(days=9))
        ContactList.objects.update(made_at=NOW - timedelta(days=9))
    kept_upload(person, contact_list=own, made_at=NOW)
    held(since=NOW.date(), until=NOW.date(), customer_id=person.pk)
    with pytest.raises(ContentHeld):
        services.delete_list(own.pk, customer_id=person.pk, now=NOW)
    assert left(person) == 1
    with as_tenant(person.pk):
        assert ListUpload.objects.get().contact_list_id == own.pk


# --- the platform's feed and uploaded files ------------------------------------------------------


@pytest.fixture
def kari() -> User:
    """With a contact from the platform, and one of her own."""
    person = make_customer(platform_id=CUSTOMER)
    feed("contact-lists", {"user_id": CUSTOMER, "list_id": 61, "list_name": "Kunder"})
    assert feed("contacts", contact()).taken == 1
    with as_tenant(person.pk):
        make_contact(ContactList.objects.get(), email="own@example.test", phone_number="")
        Contact.objects.update(added_at=NOW)
    return person


def contact(**fields: object) -> dict[str, object]:
    values = {"user_id": CUSTOMER, "list_id": 61, "contact_id": 1, "phone_number": "+4798765432"}
    return values | fields


def names(person: User) -> list[tuple[int | None, str]]:
    with as_tenant(person.pk):
        rows = Contact.objects.order_by("contact_id").values_list("contact_id", "last_name")
        return list(rows)


def test_the_feed_leaves_held_contacts_as_they_are_and_brings_new_ones(kari: User) -> None:
    hold = held(customer_id=kari.pk)
    lines = (
        contact(last_name="Ødegård"),
        contact(contact_id=2, phone_number="", email="OWN@example.test", last_name="Egen"),
        contact(contact_id=3, phone_number="+4790000000"),
    )
    taken = feed("contacts", *lines)
    assert wrong(taken) == [(1, "", "held"), (2, "", "held")]
    before = names(kari)
    assert [each[0] for each in before] == [1, 3, None]
    assert feed("contacts", contact()).unchanged == 1
    assert feed("opt-outs", {"user_id": CUSTOMER, "phone_number": "+4798765432"}).taken == 1
    assert names(kari) == before
    with as_tenant(kari.pk):
        assert ContactOptOut.objects.count() == 1
    LegalHold.objects.filter(pk=hold.pk).update(
        released_at=NOW, released_by=hold.placed_by, release_reason="settled"
    )
    taken = feed("contacts", *lines)
    assert wrong(taken) == [(1, "phone_number", "opted_out")]
    assert names(kari) == [(1, before[0][1]), (2, "Egen"), (3, before[1][1])]


@pytest.mark.parametrize(
    ("about", "is_held"),
    [
        ({"data_class": DataClass.CONTENT}, True),
        ({"data_class": DataClass.BILLING}, False),
        ({"customer": "another"}, False),
        ({"since": 0, "until": 0}, True),
        ({"until": -1}, False),
        ({"since": 1}, False),
        ({"data_class": DataClass.CONTENT, "placed_at": NOW - HOLD_UNAPPROVED}, False),
        (
            {
                "data_class": DataClass.CONTENT,
                "placed_at": NOW - HOLD_UNAPPROVED + timedelta(microseconds=1),
            },
            True,
        ),
    ],
)
def test_the_feed_knows_of_a_contact_what_every_batch_does(
    kari: User, about: dict[str, object], is_held: bool
) -> None:
    """The database's own answer, beside that of `retention.holding`."""
    placed(about)
    with as_tenant(kari.pk):
        assert is_person_held(ENTRIES["messaging.Contact"], kari.pk, now=NOW) == is_held
    taken = feed("contacts", contact(last_name="Ødegård"))
    assert wrong(taken) == ([(1, "", "held")] if is_held else [])


REPORT = {"user_id": CUSTOMER, "report_id": 3, "report_name": "Uke 1", "content": {"sent": 3}}


@pytest.mark.parametrize(
    ("about", "is_held"),
    [
        ({"data_class": DataClass.CONTENT}, True),
        ({"data_class": DataClass.BILLING}, False),
        ({"customer": "another"}, False),
        ({"since": 0, "until": 0}, True),
        ({"until": -1}, False),
        ({"since": 1}, False),
        ({"data_class": DataClass.CONTENT, "placed_at": NOW - HOLD_UNAPPROVED}, False),
        (
            {
                "data_class": DataClass.CONTENT,
                "placed_at": NOW - HOLD_UNAPPROVED + timedelta(microseconds=1),
            },
            True,
        ),
    ],
)
def test_the_feed_leaves_a_held_list_its_name_and_a_held_report_as_it_is(
    kari: User, about: dict[str, object], is_held: bool
) -> None:
    """The database's own answer, beside that of `retention.holding`."""
    report = REPORT | {"date": int(NOW.timestamp())}
    assert feed("reports", report).taken == 1
    with as_tenant(kari.pk):
        ContactList.objects.update(made_at=NOW)
    hold = placed(about)
    for model in ("messaging.ContactList", "messaging.Report"):
        with as_tenant(kari.pk):
            assert is_person_held(ENTRIES[model], kari.pk, now=NOW) == is_held
    renamed = {"user_id": CUSTOMER, "list_id": 61, "list_name": "Andre"}
    said = (
        feed("contact-lists", renamed),
        feed("reports", report | {"report_name": "Uke 2"}),
        feed("reports", report | {"content": {"sent": 4}}),
    )
    told = [(1, "list_name", "held"), (1, "", "held"), (1, "", "held")]
    assert [line for taken in said for line in wrong(taken)] == (told if is_held else [])
    assert sum(taken.taken for taken in said) == (0 if is_held else 3)
    with as_tenant(kari.pk):
        assert ContactList.objects.get().list_name == ("Kunder" if is_held else "Andre")
        assert Report.objects.get().content == {"sent": 3 if is_held else 4}
    # What says the same again, and what is new, comes in.
    LegalHold.objects.filter(pk=hold.pk).update(approved_at=NOW, approved_by=make_staff())
    assert feed("contact-lists", renamed | {"list_id": 62}).taken == 1
    assert feed("reports", report | {"report_id": 4}).taken == 1


def test_a_list_is_held_with_a_contact_of_it_and_renamed_once_that_is_over(kari: User) -> None:
    with as_tenant(kari.pk):
        ContactList.objects.update(made_at=NOW - timedelta(days=9))
    hold = placed({"since": 0})
    renamed = {"user_id": CUSTOMER, "list_id": 61, "list_name": "Andre"}
    assert wrong(feed("contact-lists", renamed)) == [(1, "list_name", "held")]
    assert feed("contact-lists", renamed | {"list_name": "Kunder"}).unchanged == 1
    LegalHold.objects.filter(pk=hold.pk).update(
        released_at=NOW, released_by=hold.placed_by, release_reason="settled"
    )
    assert feed("contact-lists", renamed).taken == 1


def placed(about: dict[str, object]) -> LegalHold:
    """A hold with days counted from today, on this customer or on another."""
    fields = dict(about)
    if fields.pop("customer", None):
        fields["customer_id"] = make_customer().pk
    for day in ("since", "until"):
        if day in fields:
            fields[day] = NOW.date() + timedelta(days=int(str(fields[day])))
    return held(**fields)


@pytest.mark.parametrize("is_held", [False, True])
def test_an_uploaded_file_leaves_held_contacts_as_they_are(kari: User, is_held: bool) -> None:
    if is_held:
        held(customer_id=kari.pk)
    with as_tenant(kari.pk):
        upload = ListUpload.objects.create(
            customer=kari,
            contact_list=ContactList.objects.get(),
            file_name="a.csv",
            state="running",
            mapping={"0": "phone_number", "1": "last_name"},
            made_at=NOW + timedelta(minutes=1),
        )
    rows = [Row(1, ["+4798765432", "Ødegård"]), Row(2, ["+4790000000", "Ny"])]
    assert take_in_batch(upload, rows, done=0, header=[], now=NOW)
    with as_tenant(kari.pk):
        known = Contact.objects.get(contact_id=1)
        told = list(UploadProblem.objects.values_list("line", "reason"))
        assert Contact.objects.filter(last_name="Ny").exists()
    assert (known.last_name == "Ødegård") == (not is_held)
    assert told == ([(1, "held")] if is_held else [])
    assert (upload.changed, upload.bad) == ((0, 1) if is_held else (1, 0))
