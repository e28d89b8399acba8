"""A deletion that waits 14 days: mail stops at once, and there is a way back until its day."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
import redis
from django.core.cache import cache
from django.db import DatabaseError, connection, transaction
from django.test import Client

from accounts import services as accounts
from accounts.models import Session, User
from accounts.signals import account_reactivated
from foundation.roles import KEEPER, as_role
from messaging.models import Message
from retention import asking, deleting, erasure, services
from retention.models import DeletionRequest, DeletionStep, RetentionRun, Scope, Source
from retention.policy import ANSWER, WAY_BACK
from retention.receipts import removed
from retention.tokens import Purpose, make_token
from tests.factories import NOW, make_customer, make_staff, topic
from tests.retention.test_data_pages import proven
from tests.retention.test_deletion import withheld

pytestmark = pytest.mark.django_db
MOMENT = timedelta(seconds=1)
ITS_DAY = NOW + WAY_BACK


def ask(person: User, *, wait: bool = True, now: Any = NOW) -> DeletionRequest:
    return services.request_deletion(
        person.pk, source=Source.CUSTOMER, actor="self", now=now, wait=wait
    )


def work(now: Any) -> int:
    with as_role(KEEPER):
        return services.run_deletions(now)


def mails(purpose: str) -> list[Message]:
    return list(Message.objects.filter(purpose=purpose))


def test_mail_and_sign_ins_stop_at_once_and_nothing_is_gone() -> None:
    person = make_customer(yes=("newsletter",))
    Session.objects.create(session_key="k", session_data="", expire_date=NOW, user=person)
    wish = ask(person)
    assert (wish.state, wish.begins_at) == ("scheduled", ITS_DAY)
    assert withheld(person, topic().pk) == "deactivated"
    assert not Session.objects.filter(user=person).exists()
    person.refresh_from_db()
    assert person.is_active  # to sign in and take it back
    (mail,) = mails("deletion_scheduled")
    assert mail.to_address == person.email
    assert f"/data/delete/back/{wish.reference.hex}." in mail.text


def test_it_begins_on_its_day_and_not_a_second_before() -> None:
    person = make_customer()
    ask(person)
    assert work(ITS_DAY - MOMENT) == 0
    assert User.objects.filter(pk=person.pk).exists()
    assert work(ITS_DAY) == 1
    assert not User.objects.filter(pk=person.pk).exists()


def ran(*moments: datetime) -> None:
    """Nights that ran, by what the clock said then."""
    with as_role(KEEPER):
        for at in moments:
            RetentionRun.objects.create(
                rule="x", actor="beat", cutoff=at, started_at=at, duration=timedelta(1)
            )


def test_none_begins_under_a_clock_that_cannot_be_right(caplog: Any) -> None:
    person = make_customer()
    ask(person)
    ran(ITS_DAY - timedelta(days=41))
    assert work(ITS_DAY) == 0
    assert work(ITS_DAY + MOMENT) == 0
    said = [each.message for each in caplog.records if "did not begin" in each.message]
    assert len(said) == 1  # not every half minute
    assert User.objects.filter(pk=person.pk).exists()


def test_what_needs_no_clock_goes_on_under_such_a_one_without_the_cache_too(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_args: object, **_kwargs: object) -> bool:
        raise redis.ConnectionError

    ask(make_customer())
    ask(make_customer(), wait=False)
    ran(ITS_DAY - timedelta(days=41))
    monkeypatch.setattr(cache, "add", broken)
    assert work(ITS_DAY) == 1
    assert work(ITS_DAY) == 0
    assert caplog.text.count("did not begin") == 2  # rather said too often than never


@pytest.mark.parametrize(
    ("nights", "begins"),
    [
        ([timedelta(0), timedelta(hours=24)], True),  # just ran, as the night before
        ([timedelta(hours=23, minutes=59), timedelta(hours=48)], True),  # runs in a minute
        ([timedelta(hours=26)], True),
        ([timedelta(hours=26, seconds=1)], False),  # the night has not come
        # It came at once, when the clock jumped or the portal came back.
        ([timedelta(minutes=1), timedelta(days=14)], False),
        ([timedelta(hours=11, minutes=59), timedelta(days=3)], False),
        ([timedelta(hours=12), timedelta(days=3)], True),  # by itself
        ([timedelta(minutes=1), timedelta(hours=38)], True),
        ([timedelta(minutes=1), timedelta(hours=38, seconds=1)], False),
        ([timedelta(minutes=1)], True),  # the first night of a new house
    ],
)
def test_none_begins_until_the_nights_have_followed_each_other_for_a_while(
    nights: list[timedelta], begins: bool
) -> None:
    """A clock that jumped by the 14 days looks like a portal that stood still for them."""
    person = make_customer()
    ask(person)
    ran(*(ITS_DAY - since for since in nights))
    assert work(ITS_DAY) == begins
    assert User.objects.filter(pk=person.pk).exists() != begins


def test_what_has_begun_goes_on_whatever_the_clock_says() -> None:
    person = make_customer()
    ask(person, wait=False)
    ran(NOW - timedelta(days=50))
    assert work(NOW) == 1
    assert not User.objects.filter(pk=person.pk).exists()


def test_who_signed_in_meanwhile_is_signed_out_when_it_begins() -> None:
    person = make_customer()
    wish = ask(person)
    Session.objects.create(session_key="k", session_data="", expire_date=ITS_DAY, user=person)
    with as_role(KEEPER):
        deleting.begin_scheduled(ITS_DAY)
    person.refresh_from_db()
    assert not person.is_active
    assert not Session.objects.filter(user=person).exists()
    work(ITS_DAY)
    wish.refresh_from_db()
    assert wish.removed["accounts.Session"] == 1


def sign_in_on(person: User, *devices: str) -> None:
    for device in devices:
        Session.objects.create(
            session_key=device, session_data="", expire_date=ITS_DAY, user=person
        )


@pytest.mark.parametrize("by", ["link", "link, with 14 days", "two checks", "do not wait"])
def test_sign_ins_that_end_with_a_word_are_counted_with_those_of_its_day(by: str) -> None:
    person = make_customer()
    if by == "do not wait":
        wish = ask(person)
    else:
        wish = services.request_for_customer(
            person.pk, actor=make_staff(), now=NOW, wait="14" in by
        )
    sign_in_on(person, "phone", "laptop")
    if by == "do not wait":
        ask(person, wait=False)
    elif by == "two checks":
        for _each in range(2):
            services.record_identity_check(wish, actor=make_staff(), note="seen", now=NOW)
    else:
        services.confirm_deletion(wish.reference, now=NOW)
    assert not Session.objects.filter(user=person).exists()
    later = 0
    if "14" in by:
        sign_in_on(person, "tablet")
        later = 1
    work(ITS_DAY)
    wish.refresh_from_db()
    assert wish.removed["accounts.Session"] == 2 + later
    (row,) = [row for row in removed(wish) or () if row["model"] == "accounts.Session"]
    assert (row["method"], row["count"]) == ("deleted", 2 + later)


def test_a_word_that_ends_no_sign_in_tells_of_none() -> None:
    wish = services.request_for_customer(make_customer().pk, actor=make_staff(), now=NOW)
    services.confirm_deletion(wish.reference, now=NOW)
    work(NOW)
    wish.refresh_from_db()
    assert "accounts.Session" not in wish.removed


def test_taken_back_in_time_the_account_is_as_it_was() -> None:
    person = make_customer(yes=("newsletter",))
    wish = ask(person)
    services.withdraw_deletion(wish.reference, actor="self", now=ITS_DAY - MOMENT)
    wish.refresh_from_db()
    assert (wish.state, wish.person_id) == ("withdrawn", None)
    assert withheld(person, topic().pk) == ""
    assert len(mails("deletion_withdrawn")) == 1
    assert work(ITS_DAY + WAY_BACK) == 0
    assert User.objects.filter(pk=person.pk).exists()


def test_on_its_day_there_is_no_way_back() -> None:
    person = make_customer()
    wish = ask(person)
    with pytest.raises(services.TooLateError):
        services.withdraw_deletion(wish.reference, actor="self", now=ITS_DAY)
    assert work(ITS_DAY) == 1


def test_one_that_begins_at_once_has_no_way_back() -> None:
    wish = ask(make_customer(), wait=False)
    with pytest.raises(services.TooLateError):
        services.withdraw_deletion(wish.reference, actor="self", now=NOW)


def test_taking_back_twice_is_once() -> None:
    wish = ask(make_customer())
    for _time in range(2):
        services.withdraw_deletion(wish.reference, actor="self", now=NOW)
    assert len(mails("deletion_withdrawn")) == 1


def test_who_had_deactivated_before_stays_deactivated() -> None:
    person = make_customer()
    accounts.deactivate_account(person, now=NOW)
    wish = ask(person)
    assert not wish.deactivated
    services.withdraw_deletion(wish.reference, actor="self", now=NOW)
    person.refresh_from_db()
    assert person.is_deactivated


def test_who_reactivates_the_account_takes_the_deletion_back() -> None:
    person = make_customer()
    wish = ask(person)
    person.refresh_from_db()
    accounts.reactivate_account(person, now=NOW)
    wish.refresh_from_db()
    assert wish.state == "withdrawn"


def test_reactivating_after_its_day_changes_nothing_about_it() -> None:
    person = make_customer()
    ask(person)
    account_reactivated.send(sender=User, user=person, now=ITS_DAY)
    assert work(ITS_DAY) == 1


def test_asked_again_without_waiting_it_begins_now() -> None:
    person = make_customer()
    first = ask(person)
    second = ask(person, wait=False, now=NOW + timedelta(days=2))
    assert first == second
    assert second.state == "requested"
    assert second.due_on == first.due_on
    assert work(NOW + timedelta(days=2)) == 1


def test_asked_again_to_wait_its_day_is_not_put_off() -> None:
    person = make_customer()
    ask(person)
    assert ask(person, now=NOW + timedelta(days=5)).begins_at == ITS_DAY
    assert len(mails("deletion_scheduled")) == 1


def test_one_under_way_is_not_made_to_wait() -> None:
    person = make_customer()
    ask(person, wait=False)
    assert ask(person).state == "requested"


def test_after_it_was_taken_back_it_can_be_asked_for_anew() -> None:
    person = make_customer()
    services.withdraw_deletion(ask(person).reference, actor="self", now=NOW)
    assert ask(person, wait=False).state == "requested"
    assert DeletionRequest.objects.count() == 2


def test_who_has_become_staff_meanwhile_is_not_erased(caplog: pytest.LogCaptureFixture) -> None:
    person = make_customer()
    ask(person)
    User.objects.filter(pk=person.pk).update(is_staff=True)
    assert work(ITS_DAY) == 0
    assert User.objects.filter(pk=person.pk).exists()
    assert "is staff by now" in caplog.text


@pytest.mark.parametrize("name", ["begin", "execute_deletion"])
def test_one_that_fails_stops_no_other(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    first, second = make_customer(), make_customer()
    failing = ask(first)
    ask(second)
    act = getattr(deleting, name)

    def fail(request: DeletionRequest, **kwargs: Any) -> Any:
        if request == failing:
            raise OverflowError
        return act(request, **kwargs)

    monkeypatch.setattr(deleting, name, fail)
    assert work(ITS_DAY) == 1
    assert list(User.objects.all()) == [first]
    assert str(failing.reference) in caplog.text


def test_a_class_that_the_schedule_has_got_since_gets_its_step() -> None:
    person = make_customer()
    wish = ask(person)
    with as_role(KEEPER):
        DeletionStep.objects.filter(request=wish, name="accounts.Invoice").delete()
    assert work(ITS_DAY) == 1
    assert wish.steps.filter(name="accounts.Invoice").exists()
    assert wish.steps.count() == len(erasure.step_names())


@pytest.mark.parametrize(
    ("asked", "zone", "due"),
    [
        ("2027-01-31T12:00+00:00", "Europe/Oslo", date(2027, 2, 28)),
        ("2028-01-31T12:00+00:00", "Europe/Oslo", date(2028, 2, 29)),
        ("2026-12-31T22:59+00:00", "Europe/Oslo", date(2027, 1, 31)),
        ("2026-12-31T23:00+00:00", "Europe/Oslo", date(2027, 2, 1)),
        ("2026-12-31T23:00+00:00", "America/New_York", date(2027, 1, 31)),
    ],
)
def test_it_is_due_a_month_later_by_the_customers_calendar(
    asked: str, zone: str, due: date
) -> None:
    now = datetime.fromisoformat(asked)
    assert ANSWER.end(asking.day_of(User(timezone=zone), now)) == due


# --- who may move it ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "values",
    [
        {"state": "finished", "finished_at": NOW, "person_id": None},
        {"state": "withdrawn", "finished_at": NOW, "person_id": None},
        {"source": "staff"},
        {"source": "replay"},
        {"state": "unconfirmed"},
        {"state": "scheduled", "begins_at": None},
        {"due_on": None},
        {"checked_by": "staff:1"},
        {"journal_position": 7},
        {"held_at": NOW},
        {"removed": {"accounts.User": 1}},
    ],
    # No moments: every process must name a test alike.
    ids=lambda values: ",".join(f"{name}-{values[name]}"[:20] for name in values),
)
def test_the_web_process_adds_wishes_and_no_results(values: dict[str, Any]) -> None:
    usual = {
        "person_id": make_customer().pk,
        "source": "customer",
        "actor": "self",
        "requested_at": NOW,
        "due_on": NOW.date(),
    }
    with pytest.raises(DatabaseError, match="keeper"), transaction.atomic():
        DeletionRequest.objects.create(**(usual | values))
    DeletionRequest.objects.create(**usual)


def test_the_web_process_adds_no_step_that_is_done() -> None:
    wish = ask(make_customer())
    with pytest.raises(DatabaseError, match="keeper"), transaction.atomic():
        DeletionStep.objects.create(request=wish, position=99, name="x", finished_at=NOW)


def test_a_finished_request_moves_nowhere() -> None:
    wish = ask(make_customer(), wait=False)
    work(NOW)
    with connection.cursor() as cursor:
        for word in ("checked", "confirmed", "anew"):
            assert not moved(wish, word)
        cursor.execute("SELECT retention_withdraw(%s, %s)", [wish.pk, NOW - WAY_BACK])
        assert cursor.fetchone() == (False,)
    wish.refresh_from_db()
    assert wish.is_finished


def moved(wish: DeletionRequest, word: str, *, begins: datetime = NOW) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT retention_move_on(%s, %s, %s, false, false)", [wish.pk, word, begins]
        )
        return bool(cursor.fetchone()[0])


def test_no_clock_of_the_web_process_takes_back_what_has_begun() -> None:
    wish = ask(make_customer(), now=NOW - WAY_BACK)
    with connection.cursor() as cursor:
        cursor.execute("SELECT retention_withdraw(%s, %s)", [wish.pk, NOW - WAY_BACK])
        assert cursor.fetchone() == (False,)
    wish.refresh_from_db()
    assert wish.state == "scheduled"


def test_what_staff_began_runs_on_two_checks_and_not_on_the_word_for_them() -> None:
    wish = services.request_for_customer(make_customer().pk, actor=make_staff(), now=NOW)
    assert not moved(wish, "checked")
    services.record_identity_check(wish, actor=make_staff(), note="seen", now=NOW)
    assert not moved(wish, "checked")
    with pytest.raises(DatabaseError, match="by what"), transaction.atomic():
        moved(wish, "just so")
    wish.refresh_from_db()
    assert wish.state == "unconfirmed"


def test_no_word_but_the_customers_shortens_the_time_to_think_it_over() -> None:
    wish = ask(make_customer())
    assert not moved(wish, "checked")
    assert not moved(wish, "confirmed")
    wish.refresh_from_db()
    assert (wish.state, wish.begins_at) == ("scheduled", ITS_DAY)
    begun = services.request_for_customer(
        make_customer().pk, actor=make_staff(), now=NOW, wait=True
    )
    assert moved(begun, "confirmed", begins=NOW - WAY_BACK)
    begun.refresh_from_db()
    assert (begun.state, begun.begins_at) == ("scheduled", ITS_DAY)


def test_the_schedule_does_not_shorten_what_the_customer_chose() -> None:
    person = make_customer()
    wish = ask(person)
    same = services.request_deletion(person.pk, source=Source.SCHEDULE, actor="beat", now=NOW)
    assert same == wish
    assert (same.state, same.begins_at) == ("scheduled", ITS_DAY)


# --- pages ----------------------------------------------------------------------------------------


def english(client: Client, address: str) -> str:
    return client.get(address, headers={"accept-language": "en"}).content.decode()


def test_the_page_lets_choose_and_the_second_button_waits() -> None:
    person = make_customer(language="en")
    client = Client()
    client.force_login(person)
    page = english(client, "/data/delete/")
    assert "Delete my data now" in page
    assert "Delete it in 14 days" in page
    answer = proven(client).post("/data/delete/", {"when": "later"}, follow=True)
    wish = DeletionRequest.objects.get()
    assert wish.state == "scheduled"
    assert str(wish.reference) in answer.redirect_chain[-1][0]
    said = english(client, answer.redirect_chain[-1][0])
    assert "sign in and press “Take it back”" in said
    assert client.get("/data/").status_code == 302


def test_who_signs_in_again_can_take_it_back_on_the_page() -> None:
    person = make_customer(language="en")
    wish = services.request_deletion(
        person.pk, source=Source.CUSTOMER, actor="self", now=NOW + timedelta(hours=1), wait=True
    )
    client = Client()
    client.force_login(person)
    assert "Take it back" in english(client, "/data/delete/")
    client.get("/data/delete/back/")
    wish.refresh_from_db()
    assert wish.state == "scheduled"
    client.post("/data/delete/back/")
    wish.refresh_from_db()
    assert wish.state == "withdrawn"


def test_the_link_of_the_mail_shows_on_get_and_acts_on_post() -> None:
    person = make_customer(language="en")
    wish = ask(person)
    address = f"/data/delete/back/{make_token(Purpose.WITHDRAW, wish.reference, person.address)}/"
    client = Client()
    assert "Take it back" in english(client, address)
    client.head(address)
    wish.refresh_from_db()
    assert wish.state == "scheduled"
    assert client.post(address).status_code == 302
    wish.refresh_from_db()
    assert wish.state == "withdrawn"
    assert "no longer works" in english(client, address)
    status = english(client, f"/data/delete/{wish.reference}/")
    assert "The deletion was taken back" in status


@pytest.mark.parametrize("wrong", ["other purpose", "other address", "other request", "cut"])
def test_no_other_link_takes_it_back(wrong: str) -> None:
    person = make_customer()
    wish = ask(person)
    purpose, reference, address = Purpose.WITHDRAW, wish.reference, person.address
    if wrong == "other purpose":
        purpose = Purpose.CONFIRM
    if wrong == "other address":
        address = "former@example.test"
    if wrong == "other request":
        reference = ask(make_customer()).reference
    token = make_token(purpose, reference, address)
    client = Client()
    client.post(f"/data/delete/back/{token[:-1] if wrong == 'cut' else token}/")
    wish.refresh_from_db()
    assert wish.state == "scheduled"


def test_the_link_of_another_purpose_confirms_nothing() -> None:
    person, boss = make_customer(), make_staff()
    wish = services.request_for_customer(person.pk, actor=boss, now=NOW)
    token = make_token(Purpose.WITHDRAW, wish.reference, person.address)
    Client().post(f"/data/delete/confirm/{token}/")
    wish.refresh_from_db()
    assert wish.state == "unconfirmed"


@pytest.mark.parametrize("scope", [Scope.EVERYTHING, Scope.PROFILE])
def test_the_status_page_says_what_it_is_about_and_names_nobody(scope: Scope) -> None:
    person = make_customer(username="zquist", phone="+4798765432")
    wish = services.request_deletion(
        person.pk, source=Source.CUSTOMER, actor="self", now=NOW, scope=scope
    )
    page = english(Client(), f"/data/delete/{wish.reference}/")
    assert "The deletion is under way" in page
    assert f"0 of {wish.steps.count()}" in page
    assert "zquist" not in page
    work(NOW)
    assert "The deletion is done" in english(Client(), f"/data/delete/{wish.reference}/")
