"""`POST /opt-outs`: another system passes on a no; nothing tells whether the address is known."""

from typing import Any

import pytest
from django import forms
from django.utils import timezone

from accounts import services as accounts
from accounts.models import User
from consent import services
from consent.admin.customers import OptOutForm
from consent.history import readable_history
from consent.models import ConsentDetail, Preference, ServiceKey, Source, State
from consent.services import optional_topics
from consent.suppression import is_suppressed
from foundation import standstill
from tests.api.conftest import Caller, error, system
from tests.factories import NOW, make_customer, retire_topic, topic

pytestmark = pytest.mark.django_db


def no(caller: Caller, address: str, **body: Any) -> Any:
    return caller.send("post", "opt-outs", {"address": address, **body})


def states(person: User) -> set[str]:
    return set(Preference.objects.of(person.pk).values_list("state", flat=True))


def test_a_no_to_a_topic_counts_and_says_by_whom_and_why(kari: User, shop: Caller) -> None:
    answer = no(shop, kari.email.upper(), topic="newsletter", reason="Ticket 4711")
    assert (answer.status_code, answer.json()) == (202, {"received": True})
    event = ConsentDetail.objects.of(kari.pk).get(state=State.WITHDRAWN)
    key = ServiceKey.objects.get()
    assert (event.source, event.actor, event.reason) == (Source.API, f"key:{key.pk}", "Ticket 4711")
    assert event.received_at is not None
    assert event.received_at <= event.at
    assert readable_history(kari.pk)


def test_a_no_to_all_reaches_every_topic_of_optional_mail(kari: User, shop: Caller) -> None:
    assert no(shop, kari.email, all=True).status_code == 202
    assert states(kari) == {"refused", "withdrawn"}
    assert Preference.objects.of(kari.pk).count() == len(optional_topics())


def test_a_no_to_all_leaves_the_reference_program_too_and_no_tailoring(shop: Caller) -> None:
    person = make_customer(yes=("newsletter", "reference_quote", "tailoring"))
    assert no(shop, person.email, all=True).status_code == 202
    found = dict(Preference.objects.of(person.pk).values_list("topic__slug", "state"))
    assert (found["reference_quote"], found["tailoring"]) == (State.WITHDRAWN, State.GRANTED)


def test_a_no_to_a_retired_topic_is_taken(kari: User, shop: Caller) -> None:
    retire_topic(topic(), now=NOW)
    assert no(shop, kari.email, topic="newsletter").status_code == 202
    assert Preference.objects.get(person=kari, topic=topic()).state == State.WITHDRAWN


def test_nobody_learns_whether_the_address_is_known(kari: User, shop: Caller) -> None:
    known = no(shop, kari.email, topic="newsletter")
    unknown = no(shop, "nobody@shop.example", topic="newsletter")
    assert (known.status_code, known.content) == (unknown.status_code, unknown.content)
    dropped = {"Date", "Set-Cookie"}
    assert {k: v for k, v in known.items() if k not in dropped} == {
        k: v for k, v in unknown.items() if k not in dropped
    }


def register(**fields: Any) -> User:
    values = {"answers": {topic().pk: True}, "language": "nb", "username": "nobody77"} | fields
    accounts.register_customer(email="nobody@shop.example", now=NOW, **values)
    made: User = User.objects.with_address("nobody@shop.example").get()
    return made


ABOUT: list[dict[str, Any]] = [{"topic": "newsletter"}, {"all": True}]


@pytest.mark.parametrize("about", ABOUT)
def test_the_no_of_somebody_unknown_is_kept_until_its_owner_confirms(
    shop: Caller, about: dict[str, Any]
) -> None:
    assert no(shop, "Nobody@Shop.example", **about).status_code == 202
    assert is_suppressed("nobody@shop.example")
    person = register()
    assert is_suppressed(person.email)
    accounts.confirm_address(person, password="a-good-long-password", now=NOW)
    assert not is_suppressed(person.email)
    assert "granted" in states(person)


def test_the_no_of_somebody_unknown_ends_with_their_own_later_yes(shop: Caller) -> None:
    no(shop, "nobody@shop.example", topic="newsletter")
    person = make_customer(email="nobody@shop.example", no=("newsletter",))
    assert is_suppressed(person.email)
    services.record_choices(
        person.pk, {topic().pk: True}, source=Source.PREFERENCES, now=timezone.now()
    )
    assert not is_suppressed(person.email)


def test_a_no_outlives_a_sign_up_that_nobody_confirmed(shop: Caller) -> None:
    person = register()
    no(shop, person.email, topic="newsletter")
    assert "granted" not in states(person)
    assert is_suppressed(person.email)


@pytest.mark.parametrize("slug", ["tailoring", "reference_name"])
def test_a_no_to_what_is_no_mail_bars_no_address(shop: Caller, slug: str) -> None:
    assert no(shop, "nobody@shop.example", topic=slug).status_code == 202
    assert not is_suppressed("nobody@shop.example")


@pytest.mark.parametrize("about", ABOUT)
def test_a_confirmed_customer_keeps_the_topics_that_were_not_meant(
    kari: User, shop: Caller, about: dict[str, Any]
) -> None:
    no(shop, kari.email, **about)
    assert not is_suppressed(kari.email)


@pytest.mark.parametrize("ip", ["203.0.113.7", "2001:db8::1", "::ffff:203.0.113.7"])
def test_no_ip_address_comes_to_stand_beside_the_person(kari: User, shop: Caller, ip: str) -> None:
    no(shop, kari.email, topic="newsletter", reason=f"from {ip}, ticket 4")
    event = ConsentDetail.objects.of(kari.pk).get(state=State.WITHDRAWN)
    assert event.reason == "from [ip], ticket 4"


def test_a_reason_that_grows_when_it_is_cut_still_fits(kari: User, shop: Caller) -> None:
    assert no(shop, kari.email, topic="newsletter", reason="::, " * 50).status_code == 202
    event = ConsentDetail.objects.of(kari.pk).get(state=State.WITHDRAWN)
    assert event.reason.startswith("[ip], [ip], ")


def test_staff_write_no_ip_address_beside_the_person_either() -> None:
    form = OptOutForm({"topics": [topic().pk], "reason": "Rang from 2001:db8::1"}, choices=[])
    form.fields["topics"] = forms.Field(required=False)
    assert form.is_valid()
    assert form.cleaned_data["reason"] == "Rang from [ip]"


def test_twice_is_once(kari: User, shop: Caller) -> None:
    for _ in range(2):
        assert no(shop, kari.email, topic="newsletter").status_code == 202
    assert ConsentDetail.objects.of(kari.pk).filter(state=State.WITHDRAWN).count() == 1


def test_it_is_taken_in_a_standstill(
    kari: User, shop: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standstill, "why", lambda **_: "an older database")
    assert no(shop, kari.email, topic="newsletter").status_code == 202
    assert "withdrawn" in states(kari)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"topic": ""},
        {"all": False},
        {"all": "true"},
        {"all": True, "topic": "newsletter"},
        {"topic": "newsletter", "choice": "yes"},
        {"topic": "newsletter", "reason": "x" * 201},
        {"topic": "newsletter", "address": "kari"},
        {"topic": "newsletter", "address": None},
        {"topic": "newsletter", "reason": 4711},
        {"topic": 1},
    ],
)
def test_nonsense_changes_nothing(kari: User, shop: Caller, body: dict[str, Any]) -> None:
    answer = shop.send("post", "opt-outs", {"address": kari.email, **body})
    assert error(answer)[0] == 400
    assert states(kari) == {"granted", "refused"}


def test_a_key_without_the_scope_says_no_for_nobody(kari: User) -> None:
    caller = system(ServiceKey.Scope.PERMISSION, ServiceKey.Scope.OPT_OUTS)
    assert error(no(caller, kari.email, topic="newsletter")) == (403, "permission_denied")
    assert states(kari) == {"granted", "refused"}
