"""A person's own choices: a no and a pause count at once, a yes by a token is asked for anew."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection
from django.utils import timezone

from accounts.models import User
from consent import services
from consent.models import ConsentDetail, Preference, Source, State, Suppression, Topic
from consent.suppression import suppress
from foundation import standstill
from messaging.models import Message
from tests.api.conftest import Caller, app_of, error
from tests.factories import NOW, make_customer, retire_topic, topic

pytestmark = pytest.mark.django_db


def standing(person: User, slug: str = "newsletter") -> Preference:
    found: Preference = Preference.objects.get(person=person, topic=topic(slug))
    return found


def test_the_list_has_every_live_topic_in_order(app: Caller) -> None:
    rows = app.send("get", "preferences").json()["preferences"]
    assert [row["slug"] for row in rows] == [each.slug for each in Topic.objects.live()]
    by_slug = {row["slug"]: row for row in rows}
    assert by_slug["newsletter"] | {"description": ""} == {
        "slug": "newsletter",
        "kind": "mail",
        "name": "Newsletter",
        "description": "",
        "state": "granted",
        "since": NOW.isoformat().replace("+00:00", "Z"),
        "source": "signup",
        "paused_until": None,
        "may_receive": True,
    }
    assert by_slug["special_offers"]["state"] == "refused"
    assert by_slug["product_news"]["state"] == "not_asked"
    assert not by_slug["special_offers"]["may_receive"]
    assert not by_slug["product_news"]["may_receive"]


def test_names_follow_the_language_asked_for(app: Caller) -> None:
    answer = app.send("get", "preferences/newsletter", headers={"accept-language": "nb"})
    assert answer.json()["name"] == "Nyhetsbrev"
    assert app.send("get", "preferences/newsletter").json()["name"] == "Newsletter"


def test_a_yes_without_effect_says_so(kari: User, app: Caller) -> None:
    suppress(kari.email, reason=Suppression.Reason.HARD_BOUNCE, now=NOW)
    row = app.send("get", "preferences/newsletter").json()
    assert (row["state"], row["may_receive"]) == ("granted", False)


def test_a_retired_or_unknown_topic_is_not_there(app: Caller) -> None:
    retire_topic(topic(), now=NOW)
    assert error(app.send("get", "preferences/newsletter")) == (404, "not_found")
    assert error(app.send("put", "preferences/newsletter", {"choice": "no"})) == (404, "not_found")
    assert error(app.send("get", "preferences/none")) == (404, "not_found")


def test_a_no_by_token_counts_at_once_and_says_who(kari: User, app: Caller) -> None:
    answer = app.send("put", "preferences/newsletter", {"choice": "no"})
    assert answer.status_code == 200
    assert (answer.json()["state"], answer.json()["source"]) == ("withdrawn", "app")
    event = ConsentDetail.objects.of(kari.pk).get(state=State.WITHDRAWN)
    assert (event.source, event.actor) == (Source.APP, "self")
    # What a script's Accept-Language says, nobody read.
    assert (event.language, event.wording_version) == ("", None)
    assert event.received_at is not None
    assert event.received_at <= event.at


def test_a_no_twice_is_one_event(kari: User, app: Caller) -> None:
    for _ in range(2):
        assert app.send("put", "preferences/newsletter", {"choice": "no"}).status_code == 200
    assert ConsentDetail.objects.of(kari.pk).filter(state=State.WITHDRAWN).count() == 1


def test_a_yes_by_token_is_asked_for_by_mail_and_changes_nothing(kari: User, app: Caller) -> None:
    answer = app.send("put", "preferences/special_offers", {"choice": "yes"})
    assert answer.status_code == 202
    assert (answer.json()["confirmation"], answer.json()["state"]) == ("sent", "refused")
    assert standing(kari, "special_offers").state == State.REFUSED
    mail = Message.objects.get(person_id=kari.pk, purpose="confirm_choice")
    assert "/preferences/confirm/" in mail.text


def test_a_yes_by_token_that_stands_already_sends_nothing(kari: User, app: Caller) -> None:
    services.record_pause(
        kari.pk, [topic().pk], months=1, source=Source.PREFERENCES, now=timezone.now()
    )
    answer = app.send("put", "preferences/newsletter", {"choice": "yes"})
    assert answer.status_code == 200
    assert answer.json()["paused_until"] is not None
    assert not Message.objects.filter(purpose="confirm_choice").exists()


def test_confirmations_asked_for_are_few_an_hour(app: Caller) -> None:
    put = [app.send("put", "preferences/product_news", {"choice": "yes"}) for _ in range(4)]
    assert [each.status_code for each in put] == [202, 202, 202, 429]
    assert error(put[-1]) == (429, "throttled")
    assert put[-1]["Retry-After"] == "3600"
    assert Message.objects.filter(purpose="confirm_choice").count() == 3


def test_the_database_refuses_a_yes_by_a_token(kari: User) -> None:
    with pytest.raises(IntegrityError):
        services.record_choices(
            kari.pk, {topic("special_offers").pk: True}, source=Source.APP, now=NOW
        )


def test_a_yes_signed_in_is_an_own_act(kari: User, signed_in: Callable[..., Caller]) -> None:
    answer = signed_in().send("put", "preferences/special_offers", {"choice": "yes"})
    assert (answer.status_code, answer.json()["state"]) == (200, "granted")
    assert standing(kari, "special_offers").source == Source.API_SIGNED_IN


def test_the_page_can_tell_how_such_a_choice_came_in(
    kari: User, signed_in: Callable[..., Caller]
) -> None:
    browser = signed_in()
    browser.send("put", "preferences/special_offers", {"choice": "yes"})
    assert browser.get("/preferences/").status_code == 200


def test_a_session_needs_the_csrf_token(kari: User, signed_in: Callable[..., Caller]) -> None:
    browser = signed_in(enforce_csrf_checks=True)
    put = browser.send("put", "preferences/newsletter", {"choice": "no"})
    assert error(put) == (403, "permission_denied")
    assert standing(kari).state == State.GRANTED
    browser.get("/preferences/")
    token = browser.cookies["csrftoken"].value
    put = browser.send(
        "put", "preferences/newsletter", {"choice": "no"}, headers={"x-csrftoken": token}
    )
    assert put.status_code == 200
    assert standing(kari).source == Source.API_SIGNED_IN


def test_a_token_needs_no_csrf_token(kari: User) -> None:
    secret = app_of(kari).defaults["HTTP_AUTHORIZATION"].split()[1]
    caller = Caller(secret, enforce_csrf_checks=True)
    assert caller.send("put", "preferences/newsletter", {"choice": "no"}).status_code == 200


@pytest.mark.parametrize("months", [1, 3, 6])
def test_a_pause_rests_the_yes(kari: User, app: Caller, months: int) -> None:
    answer = app.send("put", "preferences/newsletter", {"pause_months": months})
    assert answer.status_code == 200
    assert (answer.json()["state"], answer.json()["may_receive"]) == ("granted", False)
    until = standing(kari).paused_until
    assert until is not None
    assert until > timezone.now() + timedelta(days=27 * months)


def test_ending_a_pause_needs_a_sign_in(
    kari: User, app: Caller, signed_in: Callable[..., Caller]
) -> None:
    app.send("put", "preferences/newsletter", {"pause_months": 1})
    put = app.send("put", "preferences/newsletter", {"pause_months": None})
    assert error(put) == (403, "own_act_needed")
    assert standing(kari).paused_until is not None
    assert (
        signed_in()
        .send("put", "preferences/newsletter", {"pause_months": None})
        .json()["may_receive"]
    )


def test_a_no_cannot_be_paused(app: Caller) -> None:
    put = app.send("put", "preferences/special_offers", {"pause_months": 1})
    assert error(put) == (409, "no_yes_to_pause")


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        "no",
        {"choice": "maybe"},
        {"choice": None},
        {"choice": "yes", "pause_months": 1},
        {"choice": "no", "pausemonths": 1},
        {"pause_months": 2},
        {"pause_months": "1"},
        {"pause_months": True},
        {"pause_months": 1.0},
    ],
)
def test_nonsense_changes_nothing(kari: User, app: Caller, body: object) -> None:
    status, _code = error(app.send("put", "preferences/newsletter", body))
    assert status == 400
    assert ConsentDetail.objects.of(kari.pk).count() == 2


def test_in_a_standstill_only_a_no_is_taken(
    kari: User, app: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standstill, "why", lambda **_: "an older database")
    assert error(app.send("get", "preferences")) == (503, "standstill")
    assert app.send("get", "preferences")["Retry-After"] == "300"
    for body in ({"choice": "yes"}, {"pause_months": 1}):
        assert error(app.send("put", "preferences/newsletter", body)) == (503, "standstill")
    assert standing(kari).state == State.GRANTED
    assert app.send("put", "preferences/newsletter", {"choice": "no"}).status_code == 200
    assert standing(kari).state == State.WITHDRAWN


def test_nobody_sees_or_changes_anothers_choices(kari: User, app: Caller) -> None:
    ola = make_customer(yes=("newsletter", "product_news"))
    other = app_of(ola)
    other.send("put", "preferences/newsletter", {"choice": "no"})
    assert standing(kari).state == State.GRANTED
    mine, theirs = (
        {row["slug"]: row["state"] for row in each.send("get", "preferences").json()["preferences"]}
        for each in (app, other)
    )
    assert (mine["newsletter"], mine["product_news"]) == ("granted", "not_asked")
    assert (theirs["newsletter"], theirs["product_news"]) == ("withdrawn", "granted")


def test_two_persons_with_a_token_of_one_name_stay_apart(kari: User) -> None:
    first, second = app_of(kari, name="same"), app_of(make_customer(), name="same")
    assert first.send("get", "preferences/newsletter").json()["state"] == "granted"
    assert second.send("get", "preferences/newsletter").json()["state"] == "not_asked"


def test_what_is_read_changes_no_row(app: Caller) -> None:
    app.send("get", "preferences")  # the first use of a day is noted
    with connection.execute_wrapper(refuse_writes):
        assert app.send("get", "preferences").status_code == 200
        assert app.send("head", "preferences").status_code == 200


def refuse_writes(execute, sql, params, many, context):
    assert sql.lstrip().upper().startswith(("SELECT", "SAVEPOINT", "RELEASE")), sql
    return execute(sql, params, many, context)
