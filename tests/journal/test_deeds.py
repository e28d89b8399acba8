"""What customers deleted themselves, and who said no to them, is so again after a restore."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from foundation.roles import APP, KEEPER, SENDER, as_role
from foundation.tenants import as_tenant
from messaging.content import deeds as noting
from messaging.content import services
from messaging.content.files import Row
from messaging.content.querysets import MessageFilter
from messaging.content.services import Refused
from messaging.content.taking_in import take_in_batch
from messaging.models import (
    Contact,
    ContactList,
    ContactOptOut,
    ListUpload,
    MessageContent,
    MessageRecord,
    OwnDeed,
    Report,
    Tombstone,
)
from retention import burying
from retention import services as retention
from retention.holds import place_hold, release_hold
from retention.journal import deeds, keeping, replay
from retention.journal.audit import first_difference
from retention.journal.guard import Reason, check
from retention.journal.leaving import let_years_go
from retention.journal.store import open_journal
from retention.models import Scope
from retention.models import Source as Way
from tests.api.feeding import CUSTOMER, feed, message, wrong
from tests.factories import NOW, make_contact, make_customer, make_list, make_staff
from tests.journal.life import Killed, entries_of, forgotten, no
from tests.journal.test_years import OVER, everything
from tests.messaging.test_tombstones import (
    DELETED,
    OTHER,
    a_contact,
    a_list,
    a_report,
    count,
    detach,
    key_of,
    rows_in,
)

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(minutes=10)
# Whoever reads the journal must find none of these.
CANARIES = ("Kunder", "Egen", "kari@canary.test", "+4798765431", "4798765431", "m1-canary", "Uke 1")


@pytest.fixture
def kari(own_journal: Path) -> User:
    """From the platform: two lists, three contacts, three messages, two reports; and a list of her
    own. Another customer has the same, under the same numbers."""
    for user_id in (CUSTOMER, OTHER):
        person = make_customer(platform_id=user_id)
        feed("contact-lists", *(a_list(user_id=user_id, list_id=n) for n in (61, 62)))
        feed("contacts", *(a_contact(n, user_id=user_id) for n in (1, 2)))
        feed("contacts", a_contact(3, user_id=user_id, list_id=62, email="kari@canary.test"))
        names = ("m1-canary", "m2", "m3")
        feed("message-records", *(message(user_id=user_id, message_id=name) for name in names))
        feed("reports", *(a_report(user_id=user_id, report_id=n) for n in (3, 4)))
        with as_tenant(person.pk):
            own = make_list(person, "Egen")
            make_contact(own, phone_number="+4790000001")
            make_contact(own, phone_number="+4790000002")
    rounds()
    kari: User = User.objects.get(platform_id=CUSTOMER)
    return kari


def rounds(minutes: int = 0) -> None:
    with as_role(KEEPER):
        keeping.keep_log(NOW + timedelta(minutes=minutes))


def run(*arguments: str) -> str:
    said = StringIO()
    call_command("replay_journal", *arguments, stdout=said)
    return said.getvalue()


def stock(person: User) -> dict[str, int]:
    models = (ContactList, Contact, ContactOptOut, MessageRecord, MessageContent, Report, Tombstone)
    return {model.__name__: count(person, model) for model in models}


def other() -> User:
    found: User = User.objects.get(platform_id=OTHER)
    return found


# --- what they do, on their pages ----------------------------------------------------------------


def press(person: User, name: str, data: dict[str, Any] | None = None, **where: Any) -> None:
    client = Client()
    client.force_login(person)
    answer = client.post(reverse(name, kwargs=where), data or {})
    assert answer.status_code == 302, answer.content[:500]


def mine(person: User, model: Any, **which: Any) -> Any:
    with as_tenant(person.pk):
        return model.objects.get(**which)


def delete_list(person: User, name: str = "") -> None:
    found = {"list_name": name} if name else {"list_id": 61}
    press(person, "list_delete", list_id=mine(person, ContactList, **found).pk)


def remove_contact(person: User, number: str = "+4798765431") -> None:
    found = mine(person, Contact, phone_number=number)
    press(person, "list_contact_remove", list_id=found.contact_list_id, contact_id=found.pk)


def delete_messages(person: User) -> None:
    with as_tenant(person.pk):
        newest, size = MessageRecord.objects.latest("pk"), MessageRecord.objects.count()
    press(person, "messages_delete", {"newest": newest.pk, "size": size})


def delete_report(person: User) -> None:
    press(person, "report_delete", report_id=mine(person, Report, report_id=3).pk)


def opt_out(person: User, contact: str = "+4798765431") -> None:
    press(person, "list_opt_outs", {"contact": contact})


def opt_in(person: User) -> None:
    found = mine(person, ContactOptOut)
    press(person, "list_opt_out_remove", opt_out_id=found.pk)


DONE: dict[str, Callable[[User], None]] = {
    "list": delete_list,
    "own list": lambda person: delete_list(person, "Egen"),
    "contact": remove_contact,
    "own contact": lambda person: remove_contact(person, "+4790000001"),
    "message": delete_messages,
    "report": delete_report,
    "opt_out": opt_out,
}


@pytest.mark.parametrize("name", DONE)
def test_what_they_did_is_so_again_and_nobody_elses_is_touched(kari: User, name: str) -> None:
    before, others = stock(kari), stock(other())
    with forgotten():
        DONE[name](kari)
        after = stock(kari)
        assert OwnDeed.objects.count() == 0  # nobody sees it without saying whose it is
        rounds()
    assert after != before
    (entry,) = entries_of(open_journal(), "own")
    assert entry["what"] == name.removeprefix("own ")
    assert entry["numbered"] == (name in ("list", "contact", "message", "report"))
    assert stock(kari) == before
    assert check().startswith(Reason.RESTORED)
    assert "Nothing was changed" in run("--dry-run")
    assert stock(kari) == before
    said = run()
    assert stock(kari) == after
    assert stock(other()) == others
    assert ("1  opt-outs of contacts" if name == "opt_out" else "1  own deletions") in said
    assert check() == ""
    assert "knows everything" in run()
    rounds(10)
    assert len(entries_of(open_journal(), "own")) == 1
    assert stock(kari) == after
    with as_role(KEEPER):
        assert first_difference(LATER) == ""


def test_the_journal_holds_none_of_it(kari: User) -> None:
    for do in reversed(DONE.values()):
        if do is not DONE["opt_out"]:
            do(kari)
    opt_out(kari, "kari@canary.test")
    rounds()
    assert len(entries_of(open_journal(), "own")) == len(DONE)
    said = everything(open_journal())
    for canary in (*CANARIES, str(kari.pk), kari.email, str(CUSTOMER)):
        assert canary not in said


@pytest.mark.parametrize(
    ("name", "kind", "lines", "field"),
    [
        ("list", "contact-lists", [a_list()], "list_id"),
        ("list", "contacts", [a_contact(1)], "list_id"),
        ("contact", "contacts", [a_contact(1, list_id=62)], "contact_id"),
        ("message", "message-records", [message(message_id="m2")], "message_id"),
        ("report", "reports", [a_report()], "report_id"),
    ],
)
def test_the_platform_does_not_bring_it_back(
    kari: User, name: str, kind: str, lines: list[Any], field: str
) -> None:
    with forgotten():
        DONE[name](kari)
        rounds()
    run()
    others = [{**line, "user_id": OTHER} for line in lines]
    taken = feed(kind, *lines, *others)
    assert wrong(taken) == [(1, field, DELETED)]
    assert (taken.taken, taken.unchanged) in {(0, 1), (1, 0)}


def test_what_came_after_the_backup_and_was_deleted_does_not_come_in_again(kari: User) -> None:
    with forgotten():
        feed("message-records", message(message_id="late"))
        feed("contact-lists", a_list(list_id=63))
        delete_messages(kari)
        press(kari, "list_delete", list_id=mine(kari, ContactList, list_id=63).pk)
        rounds()
    run()
    assert wrong(feed("message-records", message(message_id="late"))) == [
        (1, "message_id", DELETED)
    ]
    assert wrong(feed("contact-lists", a_list(list_id=63))) == [(1, "list_id", DELETED)]


def test_nor_what_was_so_much_that_a_worker_deleted_it(
    kari: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(burying, "BURY_BATCH", 2)
    with forgotten():
        feed("message-records", message(message_id="late"))
        feed("contact-lists", a_list(list_id=63))
        late = mine(kari, ContactList, list_id=63).pk
        for scope, chosen in ((Scope.MESSAGES, None), (Scope.LIST, late)):
            retention.request_deletion(
                kari.pk,
                source=Way.CUSTOMER,
                actor="self",
                now=LATER,
                scope=scope,
                contact_list_id=chosen,
            )
        with as_role(KEEPER):
            assert retention.run_deletions(LATER) == 2
        after = stock(kari)
        rounds(11)
    own = entries_of(open_journal(), "own")
    said = [(each["what"], len(each["digests"]) // 64) for each in own]
    assert sorted(said) == [("list", 1), ("message", 2), ("message", 2)]
    run()
    assert stock(kari) == after
    assert check() == ""
    assert [each.reason for each in feed("message-records", message(message_id="late")).bad] == [
        DELETED
    ]
    assert wrong(feed("contact-lists", a_list(list_id=63))) == [(1, "list_id", DELETED)]
    rounds(12)
    assert len(entries_of(open_journal(), "own")) == 3  # what is done again is not said again


# --- uploads that were thrown away ---------------------------------------------------------------


@pytest.mark.parametrize("state", ["uploaded", "running"])
def test_an_upload_that_was_thrown_away_is_so_again_and_read_no_further(
    kari: User, state: str
) -> None:
    """One that ran when the backup was made stood still later, and was stopped."""
    made, beside = upload(kari, ["98765435", ""]), upload(kari, ["98765436", ""])
    theirs = upload(other(), ["98765433", ""])
    with as_tenant(kari.pk):
        ListUpload.objects.filter(pk=made.pk).update(state=state, made_at=timezone.now())
    with forgotten():
        with as_tenant(kari.pk):
            ListUpload.objects.filter(pk=made.pk).update(state="failed")
        press(kari, "list_upload_discard", upload_id=made.pk)
        rounds()
    (entry,) = entries_of(open_journal(), "own")
    assert (entry["what"], entry["numbered"]) == ("upload", False)
    assert "1  own deletions" in run()
    assert mine(kari, ListUpload) == beside
    assert mine(other(), ListUpload) == theirs
    assert count(kari, Contact) == 5 + 2  # what was taken in stays
    assert check() == ""


# --- contacts who said no ------------------------------------------------------------------------


@pytest.fixture
def unknown(kari: User) -> User:
    """The one who said no came after the backup: no row here tells who it was."""
    with forgotten():
        feed("contacts", a_contact(9, email="Nei@canary.test"))
        opt_out(kari, "nei@canary.test")
        opt_out(kari, "+4798765439")
        rounds()
    assert "2  opt-outs of contacts, known by their hash alone" in run()
    assert count(kari, ContactOptOut) == 0
    return kari


def upload(person: User, *rows: list[str]) -> ListUpload:
    with as_tenant(person.pk):
        made = ListUpload.objects.create(
            customer=person,
            contact_list=ContactList.objects.get(list_id=62),
            file_name="x.csv",
            state="running",
            mapping={"0": "phone_number", "1": "email"},
            country="NO",
            made_at=NOW,
        )
    lines = [Row(number, cells) for number, cells in enumerate(rows, start=2)]
    assert take_in_batch(made, lines, done=0, header=["tlf", "epost"], now=NOW)
    return made


def test_a_contact_who_said_no_does_not_come_back_by_upload(unknown: User) -> None:
    made = upload(unknown, ["98765439", ""], ["", "NEI@canary.test"], ["", "ja@canary.test"])
    assert (made.opted_out, made.added) == (2, 1)
    with as_tenant(unknown.pk):
        found = set(ContactOptOut.objects.values_list("contact", "since"))
        deeds = list(OwnDeed.objects.values_list("waits", "done_at"))
    assert {contact for contact, _since in found} == {"+4798765439", "nei@canary.test"}
    assert {(False, since) for _contact, since in found} == set(deeds)
    assert upload(other(), ["98765439", ""]).added == 1


def test_nor_by_the_platform(unknown: User) -> None:
    lines = [
        a_contact(9, email="Nei@canary.test"),
        a_contact(9, contact_id=10, phone_number="", email="Nei@canary.test"),
        a_contact(8),
    ]
    others = [{**line, "user_id": OTHER} for line in lines]
    taken = feed("contacts", *lines, others[0])
    assert wrong(taken) == [(1, "phone_number", "opted_out"), (2, "email", "opted_out")]
    assert count(unknown, ContactOptOut) == 2


def test_nor_by_hand_and_the_page_says_that_there_are_some(unknown: User) -> None:
    client = Client()
    client.force_login(unknown)
    page = client.get(reverse("list_opt_outs"), headers={"Accept-Language": "en"})
    assert page.context["unnamed"] == 2
    with as_tenant(unknown.pk):
        own = ContactList.objects.get(list_id=62)
        for values in ({"email": "nei@canary.test"}, {"phone_number": "+4798765439"}):
            with pytest.raises(Refused, match="opted_out"):
                services.add_contact(own, values, now=LATER)
    assert count(unknown, ContactOptOut) == 2
    assert client.get(reverse("list_opt_outs")).context["unnamed"] == 0


def test_the_platform_says_it_again_and_it_is_one_opt_out_which_may_be_taken_back(
    unknown: User,
) -> None:
    feed("opt-outs", {"user_id": CUSTOMER, "phone_number": "+4798765439"})
    assert count(unknown, ContactOptOut) == 1
    opt_in(unknown)
    with as_tenant(unknown.pk):
        own = ContactList.objects.get(list_id=62)
        services.add_contact(own, {"phone_number": "+4798765439"}, now=LATER)


def test_one_who_is_said_again_on_the_page_is_known_by_name_and_stays_out_once(
    unknown: User,
) -> None:
    opt_out(unknown, "+4798765439")
    assert count(unknown, ContactOptOut) == 1
    opt_in(unknown)
    assert upload(unknown, ["98765439", ""]).added == 1


def test_who_wrote_or_was_written_to_is_known_by_the_messages(kari: User) -> None:
    with forgotten():
        opt_out(kari, "+4798765432")
        with as_tenant(kari.pk):
            Contact.objects.filter(phone_number="+4798765432").delete()
        rounds()
    with as_tenant(kari.pk):
        Contact.objects.filter(phone_number="+4798765432").delete()
    run()
    assert mine(kari, ContactOptOut).contact == "+4798765432"
    assert mine(kari, ContactOptOut).since == mine(kari, OwnDeed).done_at


@pytest.mark.parametrize("contact", ["+4798765431", "+4798765439"])
def test_a_no_that_was_taken_back_is_none_and_one_said_again_is_one(
    kari: User, contact: str
) -> None:
    with forgotten():
        opt_out(kari, contact)
        opt_in(kari)
        rounds()
    with forgotten():
        run()
        assert count(kari, ContactOptOut) == 0
        assert upload(kari, [contact, "x@canary.test"]).opted_out == 0
    with forgotten():
        run()
        rounds()
        opt_out(kari, contact)
        rounds()
    run()
    assert upload(kari, [contact, ""]).opted_out == 1


def test_a_no_of_before_the_backup_that_was_taken_back_after_it(kari: User) -> None:
    opt_out(kari)
    rounds()
    with forgotten():
        opt_in(kari)
        rounds()
    said = run()
    assert "1  opt-outs of contacts taken back" in said
    assert count(kari, ContactOptOut) == 0


# --- a round, or a replay, that dies -------------------------------------------------------------


@pytest.mark.parametrize("name", ["note_deed", "move_mark"])
def test_a_round_killed_between_the_entry_and_the_mark_says_it_once(
    kari: User, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove_contact(kari)

    def die(*_args: object) -> None:
        raise Killed

    with monkeypatch.context() as patch, as_role(KEEPER):
        patch.setattr(keeping, name, die)
        with pytest.raises(Killed):
            keeping.keep_log(NOW)
    for role in (APP, SENDER):  # asked by whoever serves or sends: it is no restore
        with as_role(role):
            assert check() == ""
    rounds()
    rounds()
    (entry,) = entries_of(open_journal(), "own")
    found = mine(kari, OwnDeed)
    assert (found.journal_position, found.waits) == (entry["position"], False)
    assert check() == ""


@pytest.mark.parametrize("name", ["list", "message"])
def test_a_replay_killed_before_its_mark_is_done_once_more(
    kari: User, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with forgotten():
        DONE[name](kari)
        after = stock(kari)
        rounds()

    def die(*_args: object, **_more: object) -> bool:
        raise Killed

    with monkeypatch.context() as patch, as_role(KEEPER):
        patch.setattr(deeds, "redo", die)
        with pytest.raises(Killed):
            replay.replay(LATER)
    assert check().startswith(Reason.RESTORED)
    run()
    assert stock(kari) == after
    assert check() == ""


def test_what_the_backup_knew_and_the_journal_not_yet_is_said_once(kari: User) -> None:
    remove_contact(kari)
    with forgotten():
        rounds()
    assert check() == ""  # the rows are gone here too: nothing is missing
    rounds()
    assert len(entries_of(open_journal(), "own")) == 1
    with forgotten():
        no(make_customer(yes=("newsletter",)))
        delete_report(kari)
        rounds()
    run()
    rounds()
    assert len(entries_of(open_journal(), "own")) == 2


def test_a_restored_database_with_a_deed_that_is_not_said_yet(kari: User) -> None:
    """Its record stands behind others that are missing."""
    remove_contact(kari)
    with forgotten():
        no(make_customer(yes=("newsletter",)))
        rounds()
    run()
    rounds()
    (entry,) = entries_of(open_journal(), "own")
    assert mine(kari, OwnDeed).journal_position == entry["position"]


# --- much at once --------------------------------------------------------------------------------


def test_many_messages_are_a_few_records_and_a_list_is_one(
    kari: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(noting, "DIGESTS", 4)
    monkeypatch.setattr(keeping, "DEEDS", 2)
    lines = (
        message(message_id=f"n{n}", date=int(NOW.timestamp()) - n % 5, to=None) for n in range(10)
    )
    feed("message-records", *lines)
    with forgotten():
        services.delete_messages(MessageFilter(), customer_id=kari.pk, now=NOW)
        delete_list(kari)
        rounds()
        assert len(entries_of(open_journal(), "own")) == 2  # the next round goes on
        rounds()
        rounds()
    found = entries_of(open_journal(), "own")
    assert [(each["what"], len(each["digests"]) // 64) for each in found] == [
        ("message", 4),
        ("message", 4),
        ("message", 4),
        ("message", 1),
        ("list", 1),
    ]
    assert found[0]["before"] <= found[2]["before"]
    monkeypatch.setattr(deeds, "CHUNK", 2)
    run()
    assert count(kari, MessageRecord) == count(kari, MessageContent) == 0
    assert count(other(), MessageRecord) == 3
    assert count(kari, Tombstone) == 14


def test_what_was_kept_of_a_period_stays(kari: User) -> None:
    feed("message-records", message(message_id="old", date=int(NOW.timestamp()) - 90))
    since = NOW - timedelta(seconds=60)
    with forgotten():
        services.delete_messages(MessageFilter(since=since), customer_id=kari.pk, now=NOW)
        rounds()
    run()
    assert mine(kari, MessageRecord).message_id == "old"


def test_messages_in_a_detached_month_go_too(kari: User, monkeypatch: pytest.MonkeyPatch) -> None:
    with forgotten():
        delete_messages(kari)
        rounds()
    months = [detach(model, key_of(kari)) for model in (MessageContent, MessageRecord)]
    monkeypatch.setattr(deeds, "CHUNK", 2)
    run()
    assert [(rows_in(month, kari), rows_in(month, other())) for month in months] == [(0, 3)] * 2


# --- holds, erasures, keys, years ----------------------------------------------------------------


@pytest.mark.parametrize("name", ["list", "own list", "contact", "message", "report"])
def test_what_a_hold_keeps_goes_once_it_is_released(kari: User, name: str) -> None:
    staff = make_staff()
    before = stock(kari)
    with forgotten():
        DONE[name](kari)
        after = stock(kari)
        rounds()
        hold = place_hold(
            customer_id=kari.pk,
            data_class="content",
            reason="a dispute",
            reference="24-1",
            review_on=(NOW + timedelta(days=90)).date(),
            actor=staff,
            now=NOW,
        )
        rounds()
    said = run()
    assert "1  legal holds placed again" in said
    assert "1  own deletions that wait for a legal hold" in said
    kept = stock(kari)
    assert kept == before | {"Tombstone": after["Tombstone"]}
    assert check() == ""
    with as_role(KEEPER):
        retention.run_deletions(LATER)
    assert stock(kari) == kept
    with as_role(KEEPER):
        release_hold(hold.pk, reason="over", actor=staff, now=LATER)
        retention.run_deletions(LATER)
    assert stock(kari) == after
    with as_tenant(kari.pk):
        assert not OwnDeed.objects.filter(waits=True).exists()


def test_a_held_opt_out_stands_and_its_contact_is_marked(kari: User) -> None:
    staff = make_staff()
    with forgotten():
        opt_out(kari)
        rounds()
        place_hold(
            customer_id=kari.pk,
            data_class="content",
            reason="a dispute",
            reference="24-1",
            review_on=(NOW + timedelta(days=90)).date(),
            actor=staff,
            now=NOW,
        )
        rounds()
    run()
    assert count(kari, ContactOptOut) == 1
    assert mine(kari, Contact, phone_number="+4798765431")


def test_who_was_erased_after_it_is_erased_and_leaves_no_deed(kari: User) -> None:
    with forgotten():
        for name in ("list", "message", "opt_out"):
            DONE[name](kari)
        rounds()
        wish = retention.request_deletion(kari.pk, source=Way.CUSTOMER, actor="self", now=NOW)
        with as_role(KEEPER):
            retention.execute_deletion(wish, now=NOW)
            assert not OwnDeed.objects.exists()
        rounds()
    run()
    with as_role(KEEPER):
        assert not User.objects.filter(pk=kari.pk).exists()
        assert not OwnDeed.objects.exists()


def test_somebody_who_is_not_in_the_backup_is_passed_over(kari: User) -> None:
    with forgotten():
        late = make_customer()
        with as_tenant(late.pk):
            services.record_contact_opt_out("nei@canary.test", customer_id=late.pk, now=NOW)
        rounds()
    run()
    assert check() == ""


def test_what_waited_for_a_hold_waits_for_its_key_as_well(
    kari: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    staff = make_staff()
    with forgotten():
        delete_report(kari)
        delete_messages(kari)
        after = stock(kari)
        rounds()
        hold = place_hold(
            customer_id=kari.pk,
            data_class="content",
            reason="a dispute",
            reference="24-1",
            review_on=(NOW + timedelta(days=90)).date(),
            actor=staff,
            now=NOW,
        )
        rounds()
    run()
    kept = stock(kari)
    former = dict(settings.SUPPRESSION_KEYS)
    monkeypatch.setattr(settings, "SUPPRESSION_KEYS", {max(former) + 1: bytes(32)})
    with as_role(KEEPER):
        release_hold(hold.pk, reason="over", actor=staff, now=LATER)
        assert deeds.take_up(LATER) == 0
    assert f"SUPPRESSION_KEYS lacks {max(former)}" in caplog.text
    assert stock(kari) == kept
    monkeypatch.setattr(settings, "SUPPRESSION_KEYS", former)
    with as_role(KEEPER):
        assert deeds.take_up(LATER) == 2
    assert stock(kari) == after


def test_a_deed_of_a_former_key_is_found_and_a_lost_key_is_told(
    kari: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    former = dict(settings.SUPPRESSION_KEYS)
    newest = {max(former) + 1: bytes(32), **former}
    with forgotten():
        DONE["message"](kari)
        opt_out(kari)
        monkeypatch.setattr(settings, "SUPPRESSION_KEYS", newest)
        remove_contact(kari, "+4798765432")
        after = stock(kari) | {"Tombstone": 7}  # messages' under either key
        rounds()
    monkeypatch.setattr(settings, "SUPPRESSION_KEYS", {max(newest): bytes(32)})
    with pytest.raises(Exception, match="SUPPRESSION_KEYS lacks"):
        run()
    monkeypatch.setattr(settings, "SUPPRESSION_KEYS", newest)
    run()
    assert stock(kari) == after


def test_deeds_leave_the_journal_with_their_year(kari: User) -> None:
    for name in ("message", "opt_out"):
        DONE[name](kari)
    rounds()
    digests = [entry["digests"] for entry in entries_of(open_journal(), "own")]
    assert all(each in everything(open_journal()) for each in digests)
    with as_role(KEEPER):
        let_years_go(OVER)
    assert not any(each in everything(open_journal()) for each in digests)
    assert check() == ""
