"""A part that was erased is erased again after a restore, and an older state is noticed."""

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import User
from foundation import standstill
from foundation.roles import KEEPER, as_role
from messaging.models import Contact, MessageContent, MessageRecord
from retention import services
from retention.holds import place_hold, release_hold
from retention.journal.audit import first_difference
from retention.journal.keeping import keep_log
from retention.journal.replay import replay
from retention.journal.store import Journal, open_journal
from retention.models import DeletionRequest, LegalHold, Scope, Source
from retention.receipts import described
from tests.api.feeding import CUSTOMER, feed, message
from tests.factories import NOW, make_customer, make_staff
from tests.journal.life import entries_of, forgotten
from tests.retention.life import ALL_VALUES, make_full_customer
from tests.retention.test_partial_requests import only_list

pytestmark = pytest.mark.django_db
SOON = NOW + timedelta(minutes=1)
LATER = NOW + timedelta(minutes=2)


@pytest.fixture
def journal() -> Journal:
    return open_journal()


def ask(person: User, scope: Scope, **part: Any) -> DeletionRequest:
    return services.request_deletion(
        person.pk, source=Source.CUSTOMER, actor="self", now=SOON, scope=scope, **part
    )


def work() -> None:
    with as_role(KEEPER):
        services.run_deletions(LATER)


def restored(said: dict[str, int]) -> None:
    standstill.forget()
    assert "older than the journal" in standstill.why(pages=True)
    with as_role(KEEPER):
        report = replay(LATER)
        assert {name: report.done[name] for name in said} == said
    standstill.forget()
    assert not standstill.why(pages=True)


@pytest.mark.usefixtures("own_journal")
def test_the_same_part_goes_again_and_the_rest_stays(journal: Journal) -> None:
    person = make_full_customer()
    with as_role(KEEPER):
        keep_log(NOW)
    with forgotten():
        wish = ask(person, Scope.CONTENT)
        reference = wish.reference
        work()
    restored({"parts erased again": 1})
    with as_role(KEEPER):
        assert not MessageContent.objects.filter(customer_id=person.pk).exists()
        assert MessageRecord.objects.filter(customer_id=person.pk).count() == 3
        assert Contact.objects.filter(customer=person).count() == 3
    again = DeletionRequest.objects.get()
    assert (again.reference, again.source, again.is_finished) == (reference, "replay", True)
    assert (again.scope, again.requested_at) == ("content", SOON)
    assert len(entries_of(journal, "partial")) == 1


@pytest.mark.usefixtures("own_journal")
@pytest.mark.parametrize("held", [False, True], ids=["free", "held"])
def test_words_of_messages_that_came_after_the_backup_are_not_brought_back(held: bool) -> None:
    """They are gone with the database, and the platform sends all since the backup once more."""
    person = make_customer(platform_id=CUSTOMER)
    sent = [message(message_id="known"), message(message_id="since", status="Sent")]
    feed("message-records", sent[0])
    with as_role(KEEPER):
        keep_log(NOW)
        if held:
            LegalHold.objects.create(
                customer_id=person.pk,
                reason="x",
                reference="1",
                review_on=NOW.date(),
                placed_at=NOW,
            )
    with forgotten():
        feed("message-records", *sent)
        ask(person, Scope.CONTENT)
        work()
    restored({"parts erased again": 1})
    later = message(message_id="later", date=(SOON + timedelta(seconds=1)).isoformat())
    assert feed("message-records", *sent, later).taken == 2
    with as_role(KEEPER):
        assert MessageRecord.objects.count() == 3
        words = MessageContent.objects.values_list("pk", flat=True)
        named = MessageRecord.objects.filter(pk__in=list(words))
        left = {"known", "later"} if held else {"later"}
        assert set(named.values_list("message_id", flat=True)) == left


@pytest.mark.usefixtures("own_journal")
def test_the_days_of_a_part_are_those_of_the_time_zone_of_then() -> None:
    person = make_customer(timezone="Europe/Oslo")
    with as_role(KEEPER):
        keep_log(NOW)
    with forgotten():
        wish = ask(person, Scope.MESSAGES, since=NOW.date() - timedelta(days=3))
        days = (wish.covers_from, wish.covers_before)
        work()
    User.objects.filter(pk=person.pk).update(timezone="Pacific/Auckland")
    restored({"parts erased again": 1})
    again = DeletionRequest.objects.get()
    assert (again.covers_from, again.covers_before) == days


@pytest.mark.usefixtures("own_journal")
def test_one_list_is_found_by_its_key_and_the_profile_by_its_person() -> None:
    person = make_full_customer()
    doomed = only_list(person)
    with as_role(KEEPER):
        keep_log(NOW)
    with forgotten():
        ask(person, Scope.LIST, contact_list_id=doomed)
        ask(person, Scope.PROFILE)
        work()
    restored({"parts erased again": 2})
    person.refresh_from_db()
    assert person.company == ""
    with as_role(KEEPER):
        assert not Contact.objects.filter(customer=person).exists()


@pytest.mark.usefixtures("own_journal")
def test_of_somebody_who_is_not_in_the_backup_only_the_proof_is_left() -> None:
    with as_role(KEEPER):
        keep_log(NOW)
    with forgotten():
        ask(make_customer(), Scope.PROFILE)
        work()
    restored({})
    again = DeletionRequest.objects.get()
    assert (again.is_finished, again.scope, again.removed) == (True, "profile", None)


@pytest.mark.usefixtures("own_journal")
@pytest.mark.parametrize("wait", [True, False], ids=["it waited", "unconfirmed"])
def test_a_request_that_waited_in_the_backup_and_was_done_since_is_noticed(wait: bool) -> None:
    person = make_customer()
    source = Source.CUSTOMER if wait else Source.STAFF
    wish = services.request_deletion(person.pk, source=source, actor="self", now=SOON, wait=wait)
    with as_role(KEEPER):
        keep_log(NOW)
    with forgotten():
        services.request_deletion(person.pk, source=Source.CUSTOMER, actor="self", now=SOON)
        work()
    restored({})
    wish.refresh_from_db()
    assert wish.is_finished
    assert not User.objects.filter(pk=person.pk).exists()


@pytest.mark.usefixtures("own_journal")
def test_an_older_wish_in_the_backup_makes_room_for_the_one_in_the_journal() -> None:
    person = make_customer()
    former = services.request_deletion(
        person.pk, source=Source.CUSTOMER, actor="self", now=SOON, wait=True
    )
    with as_role(KEEPER):
        keep_log(NOW)
    with forgotten():
        services.withdraw_deletion(former.reference, actor="self", now=SOON)
        done = services.request_deletion(person.pk, source=Source.CUSTOMER, actor="self", now=SOON)
        reference = done.reference
        work()
    restored({"people erased again": 1})
    former.refresh_from_db()
    assert former.state == "withdrawn"
    assert DeletionRequest.objects.get(reference=reference).is_finished


@pytest.mark.usefixtures("own_journal")
@pytest.mark.parametrize("done", [True, False], ids=["done before", "never begun"])
def test_of_two_requests_for_one_part_that_a_hold_keeps_the_first_is_what_it_was(
    done: bool,
) -> None:
    person, staff = make_customer(company="First"), make_staff()
    if not done:
        former = services.request_for_customer(
            person.pk, actor=staff, now=NOW, scope=Scope.PROFILE
        ).reference
    with as_role(KEEPER):
        keep_log(NOW)
    with forgotten():
        if done:
            former = ask(person, Scope.PROFILE).reference
            work()
            User.objects.filter(pk=person.pk).update(company="Second")
        else:
            services.withdraw_deletion(former, actor="self", now=SOON)
        again = ask(person, Scope.PROFILE).reference
        work()
        hold = place_hold(
            customer_id=person.pk,
            data_class="account",
            reason="x",
            reference="1",
            review_on=LATER.date() + timedelta(days=90),
            actor=staff,
            now=NOW,
        )
        with as_role(KEEPER):
            keep_log(LATER)
    restored({"legal holds placed again": 1, "parts erased again": 1 + done})
    states = dict(DeletionRequest.objects.values_list("reference", "state"))
    assert states == {former: "finished" if done else "withdrawn", again: "requested"}
    if done:
        told = described(DeletionRequest.objects.get(reference=former))
        assert (told["deletion"]["removed"], told["deletion"]["kept"]) == (None, None)
    with as_role(KEEPER):
        assert not first_difference(LATER)
        release_hold(hold.pk, reason="over", actor=staff, now=LATER)
        assert services.run_deletions(LATER) == 1
    person.refresh_from_db()
    assert person.company == ""
    assert DeletionRequest.objects.get(reference=again).is_finished


@pytest.mark.usefixtures("own_journal")
def test_the_journals_record_of_a_part_names_nobody(journal: Journal) -> None:
    person = make_full_customer()
    ask(person, Scope.LIST, contact_list_id=only_list(person))
    work()
    (entry,) = entries_of(journal, "partial")
    assert set(entry) == {
        "position",
        "kind",
        "at",
        "asked",
        "reference",
        "key",
        "person",
        "scope",
        "list",
        "since",
        "until",
        "from",
        "before",
    }
    for value in (*ALL_VALUES, str(person.pk)):
        assert value not in str(entry)
