"""A part of a customer's data goes, and nothing else: a list, a period, its words, the profile."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client

from accounts.models import Session, User
from foundation.roles import KEEPER, as_role
from foundation.tenants import as_tenant
from messaging.models import Contact, ContactList, Message, MessageContent, MessageRecord
from retention import deleting, erasure, services
from retention.exporting import request_export
from retention.models import (
    DeletionRequest,
    DeletionStep,
    Export,
    ExportPart,
    HeldRow,
    LegalHold,
    Scope,
    Source,
)
from retention.receipts import removed
from retention.schedule import personal_entries
from retention.whose import rows_about
from tests.factories import NOW, make_customer, make_staff, topic
from tests.retention.belongings import give_lists, give_message
from tests.retention.life import COUNTS, make_full_customer
from tests.retention.test_data_pages import proven
from tests.retention.test_deletion import withheld
from tests.retention.test_deletion_requests import english

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
OSLO = ZoneInfo("Europe/Oslo")


class Killed(BaseException):
    """Not an Exception: nothing in the portal may catch it, as nothing catches kill -9."""


def ask(person: User, scope: Scope, **more: Any) -> DeletionRequest:
    return services.request_deletion(
        person.pk, source=Source.CUSTOMER, actor="self", now=NOW, scope=scope, **more
    )


def work(*, batch: int = 2) -> int:
    with as_role(KEEPER):
        return services.run_deletions(NOW, batch=batch)


def count(model: Any, person: User) -> int:
    with as_role(KEEPER):
        return int(model.objects.filter(customer_id=person.pk).count())


def counts(person: User) -> dict[str, int]:
    with as_role(KEEPER):
        return {entry.model: rows_about(entry, person.pk).count() for entry in personal_entries()}


def changed(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    return {name: before[name] - after[name] for name in before if before[name] != after[name]}


COPIES = {"retention.Export": 1, "retention.ExportPart": 2}


def only_list(person: User) -> Any:
    with as_role(KEEPER):
        return ContactList.objects.get(customer=person).pk


def test_one_list_goes_with_its_contacts_and_uploads_and_another_stays() -> None:
    person = make_full_customer()
    doomed = only_list(person)
    with as_role(KEEPER):
        ContactList.objects.filter(pk=doomed).update(list_id=1)
        stays = give_lists_once_more(person)
    before = counts(person)
    wish = ask(person, Scope.LIST, contact_list_id=doomed)
    assert work() == 1
    wish.refresh_from_db()
    gone = {
        "messaging.Contact": 3,
        "messaging.ContactList": 1,
        "messaging.ListUpload": 1,
        "messaging.UploadPart": 1,
        "messaging.UploadProblem": 1,
    }
    assert wish.removed == gone | COPIES
    # The mail that says so, and what keeps the platform from bringing it back, after a restore too.
    left = {"messaging.Message": -1, "messaging.Tombstone": -1, "messaging.OwnDeed": -1}
    assert changed(before, counts(person)) == gone | COPIES | left
    with as_role(KEEPER):
        assert ContactList.objects.get(customer=person) == stays
        assert Contact.objects.filter(contact_list=stays).exists()


def give_lists_once_more(person: User) -> ContactList:
    own = ContactList.objects.create(customer=person, list_name="Another")
    Contact.objects.create(contact_list=own, customer=person, phone_number="+4740000999")
    return own


def test_the_list_of_somebody_else_cannot_be_named() -> None:
    person, other = make_full_customer(), make_customer()
    with as_role(KEEPER):
        theirs = give_lists(other, now=NOW)
    ask(person, Scope.LIST, contact_list_id=theirs.pk)
    assert work() == 1
    assert count(Contact, other) == 3
    assert count(Contact, person) == 3


def messages_around_midnight(person: User) -> list[datetime]:
    """The last moment of a day, the first and last of the next, the first of the one after."""
    first = datetime.combine(NOW.astimezone(OSLO).date() - timedelta(days=2), datetime.min.time())
    begin, end = (
        (first + timedelta(days=days)).replace(tzinfo=OSLO).astimezone(UTC) for days in (0, 1)
    )
    tick = timedelta(milliseconds=1)
    moments = [begin - tick, begin, end - tick, end]
    with as_role(KEEPER):
        for number, moment in enumerate(moments):
            give_message(person, f"edge-{number}", now=moment)
    return moments


def the_day() -> date:
    return NOW.astimezone(OSLO).date() - timedelta(days=2)


@pytest.mark.parametrize(
    ("scope", "records"), [(Scope.CONTENT, 4), (Scope.MESSAGES, 2)], ids=["content", "messages"]
)
def test_a_period_is_whole_days_of_the_customer(scope: Scope, records: int) -> None:
    person = make_customer(timezone="Europe/Oslo")
    moments = messages_around_midnight(person)
    wish = ask(person, scope, since=the_day(), until=the_day())
    assert work() == 1
    wish.refresh_from_db()
    assert wish.removed["messaging.MessageContent"] == 2
    with as_role(KEEPER):
        left = MessageContent.objects.filter(customer_id=person.pk).count()
        dates = set(
            MessageRecord.objects.filter(customer_id=person.pk).values_list("date", flat=True)
        )
    assert left == 2
    assert len(dates) == records
    assert {moments[0], moments[3]} <= dates


def test_open_ends_are_all_there_was_when_it_was_asked_for() -> None:
    person = make_customer()
    with as_role(KEEPER):
        give_message(person, "before", now=NOW - timedelta(days=1))
    ask(person, Scope.CONTENT)
    with as_role(KEEPER):
        give_message(person, "after", now=NOW + timedelta(minutes=1))
    assert work() == 1
    assert count(MessageContent, person) == 1


def test_a_change_of_the_time_zone_moves_no_day_that_was_asked_for() -> None:
    person = make_customer(timezone="Europe/Oslo")
    moments = messages_around_midnight(person)
    wish = ask(person, Scope.MESSAGES, since=the_day(), until=the_day())
    User.objects.filter(pk=person.pk).update(timezone="Pacific/Auckland")
    assert work() == 1
    with as_role(KEEPER):
        left = MessageRecord.objects.filter(customer_id=person.pk).values_list("date", flat=True)
        assert sorted(left) == [moments[0], moments[3]]
    wish.refresh_from_db()
    assert (wish.covers_from, wish.covers_before) == (moments[1], moments[3])


@pytest.mark.parametrize("until", [None, NOW.date() + timedelta(days=90)], ids=["open", "ahead"])
def test_what_came_after_one_that_a_hold_keeps_open_is_asked_for_anew(until: date | None) -> None:
    person = make_customer()
    first = ask(person, Scope.MESSAGES, until=until)
    assert ask(person, Scope.MESSAGES, until=until) == first
    later = NOW + timedelta(days=40)
    second = services.request_deletion(
        person.pk,
        source=Source.CUSTOMER,
        actor="self",
        now=later,
        scope=Scope.MESSAGES,
        until=until,
    )
    assert second != first
    assert (first.covers_before, second.covers_before) == (NOW, later)


def test_de_identified_records_stay_and_name_nobody() -> None:
    person = make_full_customer()
    before = counts(person)
    with as_role(KEEPER):
        records = list(MessageRecord.objects.filter(customer_id=person.pk).values())
    ask(person, Scope.CONTENT, until=NOW.date() + timedelta(days=1))
    with as_role(KEEPER):
        services.run_deletions(NOW + timedelta(seconds=1))
        assert list(MessageRecord.objects.filter(customer_id=person.pk).values()) == records
    gone = changed(before, counts(person))
    # What keeps the words from coming in again, and the mail that says so.
    assert gone["messaging.DeidentifiedStretch"] == -1
    assert set(gone) <= {
        "messaging.DeidentifiedStretch",
        "messaging.MessageContent",
        "retention.HeldRow",
        "messaging.Message",
    } | set(COPIES)


def test_the_profile_is_blanked_and_the_person_stays_reachable() -> None:
    person = make_full_customer(support_channel="phone", timezone="Europe/London")
    wish = ask(person, Scope.PROFILE)
    assert work() == 1
    person.refresh_from_db()
    wish.refresh_from_db()
    left = (str(person.phone), person.company, person.country.code, person.timezone)
    assert left == ("", "", "", "") or left[2] in ("", None)
    assert person.support_channel == "email"
    assert (person.first_name, person.username, person.language) == ("Zebulon", "zquist77", "nb")
    assert person.is_active
    assert wish.blanked["accounts.User"]["count"] == 1
    assert "phone" in wish.blanked["accounts.User"]["fields"]


def test_a_part_stops_no_mail_and_ends_no_sign_in() -> None:
    person = make_customer(yes=("newsletter",))
    Session.objects.create(session_key="k", session_data="", expire_date=NOW, user=person)
    ask(person, Scope.PROFILE)
    work()
    assert withheld(person, topic().pk) == ""
    assert Session.objects.filter(user=person).count() == 1
    mail = Message.objects.get(purpose="part_deleted")
    assert (mail.to_address, mail.person_id) == (person.email, person.pk)


def test_asking_for_the_same_part_twice_is_one_request() -> None:
    person = make_customer()
    day = date(2026, 3, 1)
    first = ask(person, Scope.CONTENT, since=day)
    assert ask(person, Scope.CONTENT, since=day) == first
    assert ask(person, Scope.CONTENT) != first
    assert ask(person, Scope.MESSAGES, since=day) != first
    work()
    assert ask(person, Scope.CONTENT, since=day) != first


def test_a_part_of_what_goes_altogether_is_the_request_for_everything() -> None:
    person = make_customer()
    whole = ask(person, Scope.EVERYTHING)
    assert ask(person, Scope.PROFILE) == whole


def test_everything_takes_the_open_parts_along() -> None:
    person = make_full_customer()
    with as_role(KEEPER):
        LegalHold.objects.create(
            customer_id=person.pk, reason="x", reference="1", review_on=NOW.date(), placed_at=NOW
        )
    part = ask(person, Scope.PROFILE)
    assert work() == 0
    with as_role(KEEPER):
        LegalHold.objects.all().delete()
    ask(person, Scope.EVERYTHING)
    begun = services.request_for_customer(make_customer().pk, actor=make_staff(), now=NOW)
    work()
    part.refresh_from_db()
    assert (part.state, part.person_id) == ("finished", None)
    begun.refresh_from_db()
    assert begun.state == "unconfirmed"


def test_a_finished_part_names_nobody() -> None:
    person = make_full_customer()
    wish = ask(person, Scope.LIST, contact_list_id=only_list(person))
    work()
    wish.refresh_from_db()
    assert (wish.person_id, wish.contact_list_id, wish.is_finished) == (None, None, True)
    assert wish.journal_position is not None


# What each class of a full customer counts; the profile is one row.
WHOLE = COUNTS | {"accounts.User": 1}
STEPS = [
    (scope, name)
    for scope in (Scope.LIST, Scope.MESSAGES, Scope.CONTENT, Scope.PROFILE)
    for name in erasure.step_names(scope)
]


@pytest.mark.parametrize(("scope", "name"), STEPS, ids=[f"{s}-{n}" for s, n in STEPS])
def test_a_worker_killed_at_any_step_of_a_part_is_succeeded_by_another(
    scope: Scope, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = make_full_customer()
    part = {"contact_list_id": only_list(person)} if scope == Scope.LIST else {}
    soon = NOW + timedelta(minutes=1)
    wish = services.request_deletion(
        person.pk, source=Source.CUSTOMER, actor="self", now=soon, scope=scope, **part
    )
    with as_role(KEEPER):
        with monkeypatch.context() as patch:
            patch.setattr(deleting, "run_step", dying_in(name))
            with pytest.raises(Killed):
                services.run_deletions(soon, batch=2)
        services.run_deletions(soon, batch=2)
    wish.refresh_from_db()
    assert wish.is_finished
    assert {step: WHOLE.get(step) for step in wish.removed} == wish.removed
    assert Message.objects.filter(purpose="part_deleted").count() == 1


def dying_in(at: str) -> Any:
    run = deleting.run_step

    def run_and_die(wish: DeletionRequest, step: DeletionStep, *args: Any, **kwargs: Any) -> Any:
        progress = run(wish, step, *args, **kwargs)
        if step.name == at:
            raise Killed
        return progress

    return run_and_die


# --- pages ----------------------------------------------------------------------------------------


@pytest.fixture
def visitor() -> Client:
    client = Client()
    client.force_login(make_full_customer(language="en"))
    return client


def test_de_identifying_is_previewed_with_counts_and_done_on_post(visitor: Client) -> None:
    address = "/data/de-identify/"
    assert "De-identify now" not in english(visitor, address)
    page = english(visitor, f"{address}?look=1&since=2020-01-01&until=")
    assert "De-identify now" in page
    assert "<dd>3</dd>" in page
    left_out, record = "what it said is left out", "Its record comes in"
    assert left_out in page
    assert record not in page
    other = english(visitor, "/data/delete/messages/?look=1&since=2020-01-01&until=")
    assert left_out in other
    assert record in other
    assert not DeletionRequest.objects.exists()
    answer = proven(visitor).post(address, {"since": "2020-01-01", "until": ""})
    wish = DeletionRequest.objects.get()
    assert answer.headers["Location"] == f"/data/delete/{wish.reference}/"
    today = wish.requested_at.astimezone(OSLO).date()
    assert (wish.scope, wish.since, wish.until) == ("content", date(2020, 1, 1), today)


def test_days_in_the_wrong_order_are_told_and_do_nothing(visitor: Client) -> None:
    wrong = {"since": "2026-02-01", "until": "2026-01-01"}
    page = proven(visitor).post("/data/delete/messages/", wrong).content.decode()
    assert "before the first one" in page
    assert "2026-02-01" in page
    assert not DeletionRequest.objects.exists()


@pytest.mark.parametrize("odd", [{"until": "9999-12-31"}, {"since": "1969-12-31"}])
def test_an_odd_day_is_told_and_does_nothing(visitor: Client, odd: dict[str, str]) -> None:
    said = "Choose a day from 1970 to 2100."
    assert said in visitor.get("/data/de-identify/", {"look": "1", **odd}).content.decode()
    assert said in proven(visitor).post("/data/de-identify/", odd).content.decode()
    assert not DeletionRequest.objects.exists()


@pytest.mark.parametrize("days", [(None, date.max), (date.min, None), (date(1970, 1, 1), None)])
def test_a_period_with_an_odd_day_ends_as_any_other(days: tuple[date | None, date | None]) -> None:
    person = make_customer(timezone="Europe/Oslo")
    with as_role(KEEPER):
        give_message(person, "before", now=NOW - timedelta(days=1))
    wish = ask(person, Scope.CONTENT, since=days[0], until=days[1])
    with as_role(KEEPER):
        services.run_deletions(NOW)
        assert not MessageContent.objects.filter(customer_id=person.pk).exists()
    wish.refresh_from_db()
    assert wish.is_finished


def test_one_of_the_customers_own_lists_is_chosen(visitor: Client) -> None:
    page = english(visitor, "/data/delete/list/")
    assert "Quist AS VIP" in page
    with as_role(KEEPER):
        stranger = give_lists(make_customer(), now=NOW)
    answer = proven(visitor).post("/data/delete/list/", {"contact_list": str(stranger.pk)})
    assert answer.status_code == 200
    assert not DeletionRequest.objects.exists()


def test_every_part_asks_who_it_is_before_it_acts(visitor: Client) -> None:
    for address in ("/data/delete/profile/", "/data/de-identify/", "/data/delete/messages/"):
        answer = visitor.post(address, {"since": "", "until": ""})
        assert "reauthenticate" in answer.headers["Location"]
    assert not DeletionRequest.objects.exists()


def test_the_profile_is_one_page_with_its_preview(visitor: Client) -> None:
    page = english(visitor, "/data/delete/profile/")
    assert "Delete it now" in page
    deleted, blanked = page.split("<h2>Blanked</h2>")
    assert "Your account and profile" not in deleted
    assert "Phone, company, country, time zone" in blanked
    proven(visitor).post("/data/delete/profile/")
    assert DeletionRequest.objects.get().scope == "profile"


def test_a_profile_that_says_nothing_more_has_nothing_to_blank() -> None:
    person = make_customer(language="en", support_channel="email", timezone="")
    User.objects.filter(pk=person.pk).update(phone="", company="", country="")
    client = Client()
    client.force_login(person)
    page = english(client, "/data/delete/profile/")
    assert "There is nothing of it." in page
    assert "Blanked" not in page


def test_a_part_does_not_wait() -> None:
    with pytest.raises(ValueError, match="does not wait"):
        ask(make_customer(), Scope.PROFILE, wait=True)
    assert not DeletionRequest.objects.exists()


def test_archives_made_before_hold_it_too_so_they_go() -> None:
    person = make_full_customer()
    wish = ask(person, Scope.PROFILE)
    work()
    assert (count(Export, person), count(ExportPart, person)) == (0, 0)
    # The customer asked for one archive; in how many pieces it lay is for the receipt.
    mail = Message.objects.get(purpose="part_deleted").text
    for told in (mail, english(Client(), f"/data/delete/{wish.reference}/")):
        assert told.count("rchives you asked for") + told.count("rkiver du har bedt om") == 1
    wish.refresh_from_db()
    titles = [row["title"] for row in removed(wish) or ()]
    assert len(set(titles)) == len(titles)
    assert count(HeldRow, person) == 1


def pack(person: User, state: str) -> None:
    """An archive as a worker has it in hand, or leaves it."""
    with as_role(KEEPER):
        packed = Export.objects.create(
            customer=person, state=state, actor="self", language="nb", requested_at=NOW
        )
        for number in range(2):
            ExportPart.objects.create(export=packed, customer=person, number=number, data=b"words")


@pytest.mark.parametrize("state", ["ready", "running"])
def test_an_archive_packed_while_a_hold_keeps_the_part_open_goes_with_it(state: str) -> None:
    person = make_full_customer()
    with as_role(KEEPER):
        give_message(person, "before", now=NOW - timedelta(days=3))
        hold = LegalHold.objects.create(
            data_class="content", reason="Dispute", placed_at=NOW, review_on=NOW.date()
        )
    wish = ask(person, Scope.CONTENT)
    assert (work(), count(Export, person)) == (0, 0)
    pack(person, state)
    assert (work(), count(Export, person)) == (0, 1)
    with as_role(KEEPER):
        hold.released_at = NOW
        hold.save()
    assert work() == 1
    assert (count(Export, person), count(ExportPart, person)) == (0, 0)
    wish.refresh_from_db()
    assert {name: wish.removed[name] for name in COPIES} == {
        name: 2 * number for name, number in COPIES.items()
    }


def test_an_archive_made_between_two_batches_of_a_part_goes_and_one_asked_for_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One that nobody has begun is packed after the end, of what is left then."""
    person = make_full_customer()
    with as_role(KEEPER):
        for number in range(4):
            give_message(person, str(number), now=NOW - timedelta(days=3))
    wish = ask(person, Scope.MESSAGES)
    together = deleting.run_together
    archives: list[Any] = []

    def run_and_pack(*args: Any, **kwargs: Any) -> bool:
        is_more = together(*args, **kwargs)
        if is_more and not archives and wish.steps.get(name="retention.Export").finished_at:
            pack(person, "ready")
            archives.append(request_export(person.pk, actor="self", now=NOW, wake=False))
        return is_more

    monkeypatch.setattr(deleting, "run_together", run_and_pack)
    assert work(batch=1) == 1
    assert archives
    with as_role(KEEPER):
        assert list(Export.objects.filter(customer=person)) == archives
    assert count(ExportPart, person) == 0
    wish.refresh_from_db()
    assert wish.removed["retention.Export"] == 2


def test_rows_are_counted_although_the_web_process_sees_one_tenant_only() -> None:
    person = make_full_customer()
    assert MessageContent.objects.filter(customer_id=person.pk).count() == 0
    with as_tenant(person.pk):
        assert MessageContent.objects.filter(customer_id=person.pk).count() == 3


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_one_part_do_it_once() -> None:
    person = make_full_customer()
    wish = ask(person, Scope.LIST, contact_list_id=only_list(person))

    def both() -> None:
        work(batch=1)
        connection.close()

    with ThreadPoolExecutor(2) as pool:
        for each in [pool.submit(both), pool.submit(both)]:
            each.result(timeout=60)
    wish.refresh_from_db()
    assert wish.removed["messaging.Contact"] == 3
    assert Message.objects.filter(purpose="part_deleted").count() == 1
