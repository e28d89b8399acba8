"""What was done and cannot go yet, or whose customer, key or year has gone."""

import uuid
from datetime import timedelta

import pytest
from django.conf import settings

from accounts.models import User
from foundation.ids import uuid7_floor
from foundation.roles import KEEPER, as_role
from foundation.tenants import as_tenant
from messaging.content import services
from messaging.content.deeds import TICK
from messaging.models import (
    Contact,
    ContactList,
    ContactOptOut,
    OwnDeed,
)
from retention import services as retention
from retention.holds import place_hold, release_hold
from retention.journal import deeds
from retention.journal.guard import check
from retention.journal.leaving import let_years_go
from retention.journal.store import open_journal
from retention.models import LegalHold
from retention.models import Source as Way
from tests.api.feeding import feed
from tests.factories import NOW, make_contact, make_customer, make_staff
from tests.journal.deeds import (
    DONE,
    LATER,
    delete_messages,
    delete_report,
    mine,
    opt_out,
    remove_contact,
    rounds,
    run,
    stock,
)
from tests.journal.life import entries_of, forgotten
from tests.journal.test_years import OVER, everything
from tests.messaging.test_tombstones import (
    a_contact,
    count,
)

pytestmark = [pytest.mark.slow, pytest.mark.django_db]


def hold_content(person: User, staff: User) -> LegalHold:
    return place_hold(
        customer_id=person.pk,
        data_class="content",
        reason="a dispute",
        reference="24-1",
        review_on=(NOW + timedelta(days=90)).date(),
        actor=staff,
        now=NOW,
    )


@pytest.mark.parametrize("name", ["list", "own list", "contact", "message", "report"])
def test_what_a_hold_keeps_goes_once_it_is_released(kari: User, name: str) -> None:
    staff = make_staff()
    before = stock(kari)
    with forgotten():
        DONE[name](kari)
        after = stock(kari)
        rounds()
        hold = hold_content(kari, staff)
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


@pytest.mark.parametrize("stays", [False, True], ids=["before", "after"])
def test_who_was_brought_in_again_after_the_deed_that_waits_stays(kari: User, stays: bool) -> None:
    """The platform's number of then is not here, only the one who is typed or uploaded; the file
    may have been uploaded before the deed, and confirmed after it."""
    staff = make_staff()
    with forgotten():
        feed("contacts", a_contact(5))
        remove_contact(kari, "+4798765435")
        done_at = mine(kari, OwnDeed).done_at
        rounds()
        hold = hold_content(kari, staff)
        rounds()
    run()
    first_after = uuid7_floor(done_at + TICK)
    with as_tenant(kari.pk):
        again = make_contact(
            ContactList.objects.get(list_id=61),
            pk=first_after if stays else uuid.UUID(int=first_after.int - 1),
            phone_number="+4798765435",
            added_at=NOW,
        )
    with as_role(KEEPER):
        release_hold(hold.pk, reason="over", actor=staff, now=LATER)
        retention.run_deletions(LATER)
    with as_tenant(kari.pk):
        assert Contact.objects.filter(pk=again.pk).exists() == stays
        assert not OwnDeed.objects.filter(waits=True).exists()


def test_a_held_opt_out_stands_and_its_contact_is_marked(kari: User) -> None:
    staff = make_staff()
    with forgotten():
        opt_out(kari)
        rounds()
        hold_content(kari, staff)
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
        hold = hold_content(kari, staff)
        rounds()
    run()
    kept = stock(kari)
    former = dict(settings.SUPPRESSION_KEYS)
    monkeypatch.setattr(settings, "SUPPRESSION_KEYS", {max(former) + 1: bytes(32)})
    with as_role(KEEPER):
        release_hold(hold.pk, reason="over", actor=staff, now=LATER)
        assert deeds.take_up(LATER) == 0
        assert deeds.take_up(LATER) == 0
    assert caplog.text.count(f"SUPPRESSION_KEYS lacks {max(former)}") == 1  # not every half minute
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
