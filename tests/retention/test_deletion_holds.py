"""A legal hold keeps what it names out of a deletion; released, the deletion goes on by itself."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import AccessEvent, User
from foundation.roles import APP, KEEPER, as_role
from foundation.tenants import as_tenant
from messaging.models import ListUpload, MessageContent, UploadPart
from retention import deleting, services
from retention.holdings import Holding, preview_erasure
from retention.holds import HoldRefused, approve_hold
from retention.models import DeletionRequest, LegalHold, Scope, Source
from retention.parts import preview_part
from retention.policy import HOLD_UNAPPROVED
from retention.schedule import ENTRIES, personal_entries
from retention.whose import rows_about
from tests.factories import NOW, make_customer, make_staff, topic
from tests.retention.belongings import give_archives, give_message
from tests.retention.life import VALUES, make_full_customer
from tests.retention.test_deletion import withheld
from tests.retention.test_deletion_requests import english

pytestmark = [pytest.mark.slow, pytest.mark.django_db]


def hold(**names: Any) -> LegalHold:
    with as_role(KEEPER):
        made: LegalHold = LegalHold.objects.create(
            reason="Dispute",
            reference="2026/1",
            review_on=NOW.date(),
            **({"placed_at": NOW} | names),
        )
    return made


def release(each: LegalHold) -> None:
    with as_role(KEEPER):
        LegalHold.objects.filter(pk=each.pk).update(released_at=NOW)


def ask(person: User, scope: Scope = Scope.EVERYTHING) -> DeletionRequest:
    return services.request_deletion(
        person.pk, source=Source.CUSTOMER, actor="self", now=NOW, scope=scope
    )


def work() -> int:
    with as_role(KEEPER):
        return services.run_deletions(NOW, batch=2)


def left(person: User) -> dict[str, int]:
    with as_role(KEEPER):
        return {
            entry.model: number
            for entry in personal_entries()
            if (number := rows_about(entry, person.pk).count())
        }


def test_a_held_class_stays_and_everything_else_goes() -> None:
    person = make_full_customer()
    billing = hold(data_class="billing")
    wish = ask(person)
    assert work() == 0
    wish.refresh_from_db()
    assert wish.state == "requested"
    assert wish.held_at == NOW
    assert set(left(person)) == {"accounts.Invoice", "accounts.Transaction", "accounts.User"}
    release(billing)
    assert work() == 1
    wish.refresh_from_db()
    assert wish.is_finished
    assert not left(person)


def test_a_hold_on_the_customer_keeps_all_and_still_no_mail_goes() -> None:
    person = make_customer(yes=("newsletter",))
    hold(customer_id=person.pk)
    ask(person)
    before = left(person)
    assert work() == 0
    assert left(person) == before
    assert withheld(person, topic().pk) == "deactivated"


@pytest.mark.parametrize("whose", ["theirs", "another's"])
def test_a_file_that_nobody_confirmed_stays_with_its_upload_under_a_hold(whose: str) -> None:
    """Its contacts stand nowhere else yet."""
    person = make_customer()
    with as_tenant(person.pk):
        upload = ListUpload.objects.create(
            customer=person, state="uploaded", file_name="a.csv", made_at=NOW
        )
        UploadPart.objects.create(upload=upload, customer=person, number=0, data=b"+4740000001")
    held = whose == "theirs"
    placed = hold(customer_id=person.pk if held else make_customer().pk)
    assert ("messaging.UploadPart" in shown(preview_erasure(person.pk, now=NOW).held)) == held
    ask(person)
    assert work() == int(not held)
    assert left(person).get("messaging.UploadPart", 0) == int(held)
    release(placed)
    assert work() == int(held)
    assert not left(person)


def test_the_hold_of_somebody_else_holds_nothing_back() -> None:
    person = make_full_customer()
    hold(customer_id=make_customer().pk)
    ask(person)
    assert work() == 1


@pytest.mark.parametrize("names", [{}, {"data_class": "content"}, {"since": NOW.date()}])
def test_one_that_lapsed_holds_nothing_back_and_is_over_once_it_names_nobody(
    names: dict[str, Any],
) -> None:
    person = make_customer()
    lapsed = hold(customer_id=person.pk, placed_at=NOW - HOLD_UNAPPROVED, **names)
    wish = ask(person)
    assert work() == 1
    wish.refresh_from_db()
    assert wish.removed["retention.LegalHold"] == 1
    lapsed.refresh_from_db()
    assert (lapsed.customer_id, lapsed.reason, lapsed.released_at) == (None, "", NOW)
    # What was about one customer holds nobody else's rows by a late word.
    with pytest.raises(HoldRefused):
        approve_hold(lapsed.pk, actor=make_staff(), now=NOW)


def test_that_a_hold_was_released_stays_as_it_was() -> None:
    person = make_customer()
    before = NOW - timedelta(days=9)
    released = hold(customer_id=person.pk, released_at=before)
    ask(person)
    assert work() == 1
    released.refresh_from_db()
    assert (released.customer_id, released.released_at) == (None, before)


def test_of_a_period_only_its_messages_are_held() -> None:
    person = make_customer()
    with as_role(KEEPER):
        give_message(person, "held", now=NOW - timedelta(days=2))
        give_message(person, "free", now=NOW - timedelta(minutes=1))
    day = (NOW - timedelta(days=2)).date()
    span = hold(data_class="content", since=day, until=day)
    wish = ask(person, Scope.MESSAGES)
    assert work() == 0
    with as_role(KEEPER):
        assert MessageContent.objects.filter(customer_id=person.pk).count() == 1
    release(span)
    assert work() == 1
    wish.refresh_from_db()
    assert wish.removed["messaging.MessageContent"] == 2


def test_a_hold_placed_meanwhile_is_seen_by_the_next_batches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    person = make_full_customer()
    wish = ask(person)
    run = deleting.run_together

    def run_then_hold(request: DeletionRequest, *args: Any, **kwargs: Any) -> Any:
        """Nobody can place one while a transaction of batches runs: they wait for its end."""
        more = run(request, *args, **kwargs)
        contents = request.steps.get(name="messaging.MessageContent")
        if contents.removed and not LegalHold.objects.exists():
            hold(data_class="content")
        return more

    with monkeypatch.context() as patch:
        patch.setattr(deleting, "run_together", run_then_hold)
        work()
    wish.refresh_from_db()
    step = wish.steps.get(name="messaging.MessageContent")
    assert (step.removed, step.finished_at) == (2, None)
    with as_role(KEEPER):
        assert MessageContent.objects.filter(customer_id=person.pk).count() == 1
    assert "accounts.User" in left(person)


def test_the_preview_and_the_progress_name_what_is_held() -> None:
    person = make_full_customer(language="en")
    hold(data_class="billing")
    preview = preview_erasure(person.pk, now=NOW)
    assert {each.entry.model for each in preview.held} >= {
        "accounts.Invoice",
        "accounts.Transaction",
    }
    assert not {each.entry.model for each in preview.deleted} & {"accounts.Invoice"}
    client = Client()
    client.force_login(person)
    assert "Held back for now" in english(client, "/data/delete/")
    wish = ask(person)
    work()
    page = english(Client(), f"/data/delete/{wish.reference}/")
    assert "held back for now" in page
    assert "Invoices" in page
    for value in VALUES:
        assert value not in page


def shown(told: list[Holding]) -> dict[str, int]:
    return {each.entry.model: each.count for each in told}


def test_of_a_class_held_in_part_the_preview_names_both_numbers_and_they_come_true() -> None:
    """What needs more than deleting rows is held as a whole, and is shown so."""
    person = make_full_customer()
    with as_role(KEEPER):
        give_message(person, "old", now=NOW - timedelta(days=9))
    day = (NOW - timedelta(days=9)).date()
    hold(customer_id=person.pk, data_class="content", since=day, until=day)
    for at in (NOW, NOW - timedelta(days=20)):
        with as_role(APP):
            AccessEvent.objects.create(
                person_id=person.pk, actor="staff:x", role="support", what="search",
                basis="reason", at=at, reference="7", reason="x", salt=bytes(16),
            )  # fmt: skip
    before = left(person)
    before["messaging.MessageContent"] -= 1
    before["messaging.MessageRecord"] -= 1
    looked = (NOW - timedelta(days=20)).date()
    sign_in = ENTRIES["accounts.AccessEvent"].data_class
    hold(customer_id=person.pk, data_class=sign_in, since=looked, until=looked)
    preview = preview_erasure(person.pk, now=NOW)
    held, deleted = shown(preview.held), shown(preview.deleted)
    for name in ("messaging.MessageContent", "messaging.MessageRecord"):
        assert (held[name], deleted[name]) == (1, before[name])
    assert held["accounts.AccessEvent"] == before["accounts.AccessEvent"]
    assert "accounts.AccessEvent" not in deleted
    ask(person)
    assert work() == 0
    now_left = left(person)
    for name in held:
        assert now_left[name] == held[name]
    assert not now_left.keys() - held.keys()


def test_of_a_part_held_in_part_the_preview_names_both_numbers_and_they_come_true() -> None:
    person = make_customer()
    with as_role(KEEPER):
        for number, days in enumerate((9, 9, 2)):
            give_message(person, str(number), now=NOW - timedelta(days=days))
        give_archives(person, now=NOW - timedelta(days=2))
    day = (NOW - timedelta(days=2)).date()
    span = hold(customer_id=person.pk, since=day, until=day)
    asked = DeletionRequest(scope=Scope.MESSAGES, requested_at=NOW)
    preview = preview_part(asked, person.pk, now=NOW)
    names = ("messaging.MessageContent", "messaging.MessageRecord")
    assert shown(preview.held) == {**dict.fromkeys(names, 1), "retention.HeldRow": 1}
    assert shown(preview.deleted) == {**dict.fromkeys(names, 2), "retention.Export": 1}
    ask(person, Scope.MESSAGES)
    assert work() == 0
    now_left = left(person)
    assert {name: now_left[name] for name in names} == dict.fromkeys(names, 1)
    release(span)
    assert not preview_part(asked, person.pk, now=NOW).held


def test_of_a_held_account_the_preview_blanks_nothing() -> None:
    person = make_full_customer()
    asked = DeletionRequest(scope=Scope.PROFILE, requested_at=NOW)
    assert shown(preview_part(asked, person.pk, now=NOW).blanked) == {"accounts.User": 1}
    hold(data_class="billing")
    preview = preview_part(asked, person.pk, now=NOW)
    assert (shown(preview.held), preview.blanked) == ({"accounts.User": 1}, [])


def test_without_a_hold_nothing_is_said_to_be_held() -> None:
    person = make_full_customer(language="en")
    assert preview_erasure(person.pk, now=NOW).held == []
    wish = ask(person)
    assert "held back" not in english(Client(), f"/data/delete/{wish.reference}/")


def test_the_profile_of_a_held_account_is_not_blanked() -> None:
    person = make_full_customer()
    each = hold(customer_id=person.pk)
    ask(person, Scope.PROFILE)
    assert work() == 0
    person.refresh_from_db()
    assert person.company == VALUES[5]
    release(each)
    assert work() == 1
