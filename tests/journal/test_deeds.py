"""What customers deleted themselves is gone again after a restore; the journal says of it once."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from foundation.roles import APP, KEEPER, SENDER, as_role
from foundation.tenants import as_tenant
from messaging.content import deeds as noting
from messaging.content import services
from messaging.content.querysets import MessageFilter
from messaging.content.words import FILES
from messaging.models import (
    Contact,
    ContactList,
    ListUpload,
    MessageContent,
    MessageRecord,
    OwnDeed,
    Tombstone,
    UploadPart,
)
from retention import burying
from retention import services as retention
from retention.holds import place_hold
from retention.journal import deeds, keeping, replay
from retention.journal.audit import first_difference
from retention.journal.guard import Reason, check
from retention.journal.store import open_journal
from retention.models import Scope
from retention.models import Source as Way
from tests.api.feeding import CUSTOMER, feed, message, wrong
from tests.factories import NOW, make_contact, make_customer, make_staff
from tests.journal.deeds import (
    CANARIES,
    DONE,
    LATER,
    delete_list,
    delete_messages,
    delete_report,
    mine,
    opt_out,
    other,
    press,
    remove_contact,
    rounds,
    run,
    stock,
    upload,
)
from tests.journal.life import Killed, entries_of, forgotten, no
from tests.journal.test_years import everything
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
from tests.messaging.uploading import confirm, contacts_of, newest, read, signed_in, uploaded

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
FILE = b"Mobil;Fornavn\n98765441;Slettet\n98765442;Blir\n"


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


@pytest.mark.parametrize(
    ("by_hand", "by_platform"),
    [
        ({"phone_number": "+4798765439"}, {}),
        ({"email": "İda@x.gr"}, {"phone_number": "", "email": "ida@X.gr"}),
        ({"email": "ΟΔΟΣ@x.gr"}, {"phone_number": "", "email": "οδοσ@x.gr"}),
    ],
)
def test_a_contact_typed_by_hand_that_got_its_number_after_the_backup_is_gone_again(
    kari: User, by_hand: dict[str, str], by_platform: dict[str, str]
) -> None:
    line = a_contact(9, list_id=62, **by_platform)
    with as_tenant(kari.pk):
        typed = make_contact(ContactList.objects.get(list_id=62), **by_hand)
        beside = make_contact(ContactList.objects.get(list_name="Egen"), **by_hand)
    before = stock(kari)
    with forgotten():
        assert feed("contacts", line).bad == []
        gone = mine(kari, Contact, contact_id=9)
        assert gone.pk != typed.pk  # the platform's is another row
        press(kari, "list_contact_remove", list_id=gone.contact_list_id, contact_id=gone.pk)
        rounds()
    assert mine(kari, Contact, pk=typed.pk).contact_id is None
    assert "1  own deletions" in run()
    assert mine(kari, Contact, **by_hand) == beside
    assert stock(kari) == before | {
        "Contact": before["Contact"] - 1,
        "Tombstone": before["Tombstone"] + 1,
    }
    assert wrong(feed("contacts", line)) == [(1, "contact_id", DELETED)]


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


@pytest.mark.parametrize("held", [False, True], ids=["free", "held"])
def test_a_file_that_was_being_read_is_read_no_further_for_it_may_name_who_was_deleted(
    kari: User, held: bool
) -> None:
    """Whose file it is: theirs too, of whom the journal says nothing."""
    staff = make_staff()
    waiting = uploaded(kari, b"Mobil\n98765440\n")
    files = {who: uploaded(who, FILE) for who in (kari, other())}
    for who, each in files.items():
        confirm(who, each, new_list="Fra fil")
    assert "knows everything" in run()  # no restore, and nothing ends
    with forgotten():
        assert read(kari)
        remove_contact(kari, "+4798765441")
        if held:
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
    assert "2  uploads ended" in run("--dry-run")
    assert {newest(who).state for who in files} == {"running"}
    assert "2  uploads ended" in run()
    for who, each in files.items():
        assert read(who)
        assert mine(who, ListUpload, pk=each.pk).state == "failed"
        assert not {"+4798765441", "+4798765442"} & {one.phone_number for one in contacts_of(who)}
    with as_tenant(kari.pk):
        pieces = UploadPart.objects.filter(upload=files[kari].pk, number__gte=0)
        assert pieces.exists() == held
    assert mine(kari, ListUpload, pk=waiting.pk).state == "uploaded"
    page = signed_in(kari).get(f"/lists/upload/{files[kari].pk}/").content.decode()
    assert str(FILES["restored"]) in page


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
