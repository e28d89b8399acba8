"""A customer opens for a reason, for half an hour, to one member of staff, and reads of it."""

import uuid
from datetime import timedelta

import pytest
import redis
from allauth.mfa.totp.internal.auth import TOTP
from django.core.cache import cache
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts import support
from accounts.access import services
from accounts.models import (
    AccessEvent,
    AccessGrant,
    Basis,
    LookUp,
    SupportQuestion,
    User,
)
from accounts.policy import ACCESS_LASTS
from foundation.roles import OWNER, as_role
from retention import services as retention
from retention.desk import open_request
from tests.factories import NOW, make_customer, make_staff
from tests.staff.door import let_in
from tests.staff.sign_in import SECRET, sign_in

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
MINUTE = timedelta(minutes=1)


@pytest.fixture
def kari(db: None) -> User:
    return make_customer(
        username="kari-n", first_name="Kari", last_name="Nordmann", email="kari@fjell.test"
    )


def change(person: User) -> str:
    return reverse("admin:accounts_user_change", args=[person.pk])


def door(person: User) -> str:
    return reverse("admin:accounts_user_access", args=[person.pk])


def colleague(*roles: str) -> tuple[Client, User]:
    made = make_staff(roles=roles or ("support",), language="en")
    TOTP.activate(made, SECRET)
    return sign_in(made, "password", "mfa"), made


def asked(person: User | None, **fields: str) -> SupportQuestion:
    return support.ask(
        customer=person,
        topic="billing",
        channel="email",
        text="What is this invoice?",
        language="nb",
        form=uuid.uuid4(),
        now=NOW,
        **fields,
    )


def seen_of(person: User) -> list[tuple[str, str]]:
    events = AccessEvent.objects.filter(person_id=person.pk).order_by("at", "id")
    return list(events.values_list("what", "basis"))


# --- the reason ----------------------------------------------------------------------------------


def test_a_customer_asks_for_a_reason_first_and_opens_where_one_was_going(
    staff: Client, kari: User
) -> None:
    answer = staff.get(change(kari), follow=True)
    assert answer.redirect_chain[-1][0].startswith(door(kari))
    page = answer.content.decode()
    assert "Why do you want to see this customer?" in page
    assert "K. N." in page
    for value in ("kari-n", "Kari", "Nordmann", "fjell", "k•••@f••.test"):
        assert value not in page
    assert seen_of(kari) == []

    given = {"why": "other", "reason": "asked by phone", "reference": "call of Monday"}
    answer = staff.post(answer.redirect_chain[-1][0], given | {"next": change(kari)})
    assert (answer.status_code, answer["Location"]) == (302, change(kari))
    assert "kari@fjell.test" in staff.get(change(kari)).content.decode()


def test_what_was_seen_is_written_down_with_why_and_without_content(
    staff: Client, boss: User, kari: User
) -> None:
    let_in(boss, kari)
    staff.get(change(kari))
    staff.get(change(kari))
    events = AccessEvent.objects.filter(person_id=kari.pk)
    assert sorted(event.what for event in events) == ["billing", "choices", "profile"]
    assert {(e.actor, e.basis, e.reason) for e in events} == {
        (f"staff:{boss.pk}", "reason", "asked by phone")
    }
    for event in events:
        said = " ".join(str(value) for value in event.__dict__.values())
        assert not any(value in said for value in ("Kari", "Nordmann", "fjell"))


@pytest.mark.parametrize(
    ("reason", "reference"), [("", "call"), ("asked", ""), ("  ", "call"), ("asked", " ")]
)
def test_neither_the_reason_nor_what_it_belongs_to_may_be_missing(
    staff: Client, kari: User, reason: str, reference: str
) -> None:
    given = {"why": "other", "reason": reason, "reference": reference}
    page = staff.post(door(kari), given).content.decode()
    assert "Say why, and what it belongs to." in page
    assert not AccessGrant.objects.exists()


def test_the_database_too_wants_to_know_why(boss: User, kari: User) -> None:
    for fields in ({"reference": ""}, {"reference": "x", "reason": ""}):
        with pytest.raises(IntegrityError), transaction.atomic():
            AccessGrant.objects.create(
                staff=boss,
                person=kari,
                basis=Basis.REASON,
                opened_at=NOW,
                until=NOW + ACCESS_LASTS,
                **fields,
            )


def test_addresses_are_taken_out_of_a_reason(boss: User, kari: User) -> None:
    grant = services.open_access(
        boss,
        kari,
        basis=Basis.REASON,
        reference="from 10.0.0.1",
        reason="kari@fjell.test rang",
        now=NOW,
    )
    assert (grant.reference, grant.reason) == ("from [ip]", "[address] rang")


def test_what_grows_when_addresses_are_taken_out_is_cut(
    staff: Client, boss: User, kari: User
) -> None:
    given = {"why": "other", "reason": "a@b " * 50, "reference": "a@b " * 20}
    assert staff.post(door(kari), given).status_code == 302
    grant = AccessGrant.objects.get()
    assert len(grant.reason) <= 200
    assert len(grant.reference) <= 80
    other = services.open_access(
        boss, make_customer(), basis=Basis.REASON, reference="a@b " * 20, reason="x", now=NOW
    )
    assert len(other.reference) <= 80


def test_the_page_that_asks_is_counted_once_however_one_comes_to_it(
    staff: Client, kari: User
) -> None:
    answer = staff.get(change(kari), follow=True)
    assert LookUp.objects.count() == 1
    staff.get(answer.redirect_chain[-1][0])
    assert LookUp.objects.count() == 1
    staff.get(door(kari))
    staff.post(door(kari), {"why": "other"})
    assert LookUp.objects.filter(found=True).count() == 3
    # What was counted of one customer counts for no other.
    _path, query = answer.redirect_chain[-1][0].split("?")
    staff.get(f"{door(make_customer())}?{query}")
    assert LookUp.objects.count() == 4


def test_no_colleague_and_nobody_is_shown_on_the_page_that_asks(staff: Client) -> None:
    for key in (make_staff(roles=("privacy",)).pk, uuid.uuid4()):
        page = reverse("admin:accounts_user_access", args=[key])
        assert staff.get(page).status_code == 404
    assert LookUp.objects.filter(found=False).count() == 2


def test_one_is_led_to_staff_pages_only(staff: Client, kari: User) -> None:
    given = {"why": "other", "reason": "asked", "reference": "call"}
    for outside in ("https://elsewhere.example/", "//elsewhere.example/admin/", "/data/"):
        answer = staff.post(door(kari), given | {"next": outside})
        assert answer["Location"] == change(kari)


# --- for how long, and for whom ------------------------------------------------------------------


def test_a_reason_lasts_half_an_hour(boss: User, kari: User) -> None:
    grant = let_in(boss, kari)
    opened = grant.opened_at
    last = opened + ACCESS_LASTS - timedelta(microseconds=1)
    assert services.current_grant(boss, kari.pk, now=last) == grant
    assert services.current_grant(boss, kari.pk, now=opened + ACCESS_LASTS) is None


def test_after_it_ran_out_every_page_asks_again_and_nothing_is_saved(
    staff: Client, boss: User, kari: User
) -> None:
    let_in(boss, kari)
    late = timezone.now() - ACCESS_LASTS
    with as_role(OWNER):
        AccessGrant.objects.update(opened_at=late - MINUTE, until=late)
    for name in ("change", "history", "opt_out", "delete"):
        address = reverse(f"admin:accounts_user_{name}", args=[kari.pk])
        assert staff.get(address)["Location"].startswith(door(kari)), name
    address = reverse("admin:accounts_user_opt_out", args=[kari.pk])
    answer = staff.post(address, {"reason": "x"}, follow=True)
    assert "Nothing was saved" in answer.content.decode()
    assert change(kari) in answer.redirect_chain[0][0].replace("%2F", "/")
    assert seen_of(kari) == []
    assert LookUp.objects.filter(staff=boss, by="key", found=True).count() == 5


def test_one_reason_opens_one_customer(staff: Client, boss: User, kari: User) -> None:
    let_in(boss, kari)
    other = make_customer()
    assert staff.get(change(kari)).status_code == 200
    assert staff.get(change(other)).status_code == 302


def test_what_a_colleague_opened_is_closed_to_the_next(boss: User, kari: User) -> None:
    let_in(boss, kari)
    client, second = colleague("support")
    assert client.get(change(kari))["Location"].startswith(door(kari))
    assert LookUp.objects.get().staff == second


def test_a_session_of_before_opens_nothing_without_its_second_factor(
    boss: User, kari: User
) -> None:
    let_in(boss, kari)
    assert sign_in(boss, "password").get(change(kari)).status_code == 302
    assert seen_of(kari) == []


def test_asking_twice_is_one_access(boss: User, kari: User) -> None:
    assert let_in(boss, kari) == let_in(boss, kari)
    assert AccessGrant.objects.count() == 1


def test_two_tabs_queue_before_they_look_what_is_open(boss: User, kari: User) -> None:
    with CaptureQueriesContext(connection) as queries:
        let_in(boss, kari)
    said = [query["sql"] for query in queries if query["sql"].startswith("SELECT")]
    assert "FOR NO KEY UPDATE" in said[0]
    assert "accounts_accessgrant" in said[1]


def test_a_role_without_customers_is_not_even_asked_why(kari: User) -> None:
    client, administrator = colleague("administrator")
    for address in (change(kari), door(kari), reverse("admin:accounts_user_changelist")):
        assert client.get(address).status_code == 403
    assert LookUp.objects.get().staff == administrator


def test_nobody_asks_to_see_themselves(staff: Client, boss: User) -> None:
    assert staff.get(door(boss)).status_code == 404


# --- work as the reason --------------------------------------------------------------------------


def test_a_question_i_took_opens_by_itself_and_is_the_reason(kari: User) -> None:
    client, mine = colleague("support")
    question = asked(kari)
    support.assign(question, actor=mine)
    address = reverse("admin:accounts_supportquestion_change", args=[question.pk])
    assert "What is this invoice?" in client.get(address).content.decode()
    assert "kari@fjell.test" in client.get(change(kari)).content.decode()
    assert seen_of(kari) == [
        ("question", "question"),
        ("profile", "question"),
        ("choices", "question"),
    ]
    event = AccessEvent.objects.first()
    assert event is not None
    assert (event.role, event.reference) == ("support", str(question.reference))


def test_a_question_of_nobody_s_can_be_picked_as_the_reason(kari: User) -> None:
    client, _mine = colleague("support")
    question = asked(kari)
    address = reverse("admin:accounts_supportquestion_change", args=[question.pk])
    answer = client.get(address, follow=True)
    page = answer.content.decode()
    assert "What is this invoice?" not in page
    assert "Invoices and payments" in page
    given = {"why": str(question.reference), "next": address}
    answer = client.post(answer.redirect_chain[-1][0], given, follow=True)
    assert "What is this invoice?" in answer.content.decode()
    assert seen_of(kari) == [("question", "question")]


def test_a_colleague_s_question_and_a_closed_one_open_nothing_by_themselves(kari: User) -> None:
    client, mine = colleague("support")
    question = asked(kari)
    support.assign(question, actor=make_staff(roles=("support",)))
    address = reverse("admin:accounts_supportquestion_change", args=[question.pk])
    assert client.get(address).status_code == 302
    support.assign(question, actor=mine)
    support.close(question, now=NOW)
    assert client.get(address).status_code == 302
    assert seen_of(kari) == []


def test_an_answered_question_is_a_reason_to_pick_and_opens_nothing_by_itself(kari: User) -> None:
    client, mine = colleague("support")
    question = asked(kari)
    support.answer_by_email(question, text="So.", actor=mine, form=uuid.uuid4(), now=NOW)
    answer = client.get(change(kari), follow=True)
    assert answer.redirect_chain[-1][0].startswith(door(kari))
    assert "Invoices and payments" in answer.content.decode()
    given = {"why": str(question.reference), "next": change(kari)}
    assert client.post(door(kari), given)["Location"] == change(kari)
    # It opens by itself again when the customer asks on.
    second, other = colleague("support")
    support.assign(question, actor=other)
    support.add(question, text="And?", form=uuid.uuid4(), now=NOW)
    assert second.get(change(kari)).status_code == 200


def test_work_of_a_right_one_lacks_is_no_reason(kari: User) -> None:
    client, reader = colleague("auditor")
    support.assign(asked(kari), actor=reader)
    assert client.get(change(kari)).status_code == 302
    page = client.get(door(kari)).content.decode()
    assert "Invoices and payments" not in page


def test_a_question_of_a_stranger_names_no_account_and_opens(staff: Client) -> None:
    question = asked(None, name="Ola", email="ola@fjell.test")
    address = reverse("admin:accounts_supportquestion_change", args=[question.pk])
    assert staff.get(address).status_code == 200
    assert not AccessEvent.objects.exists()


def test_a_stranger_looked_at_counts_as_a_look_up_once_in_half_an_hour(
    staff: Client, boss: User
) -> None:
    question = asked(None, name="Ola", email="ola@fjell.test")
    request = open_request(
        kind="access",
        name="Ola",
        email="ola@fjell.test",
        text="?",
        source="page",
        actor="",
        now=NOW,
    )
    for name, one in (("supportquestion", question), ("privacyrequest", request)):
        address = reverse(f"admin:{one._meta.app_label}_{name}_change", args=[one.pk])
        assert staff.get(address).status_code == 200
        staff.get(address)
    assert list(LookUp.objects.values_list("staff", "by", "found")) == [(boss.pk, "key", True)] * 2


def test_a_stranger_looked_at_counts_without_the_cache_too(
    staff: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object, **_kwargs: object) -> bool:
        raise redis.ConnectionError

    monkeypatch.setattr(cache, "add", broken)
    question = asked(None, name="Ola", email="ola@fjell.test")
    staff.get(reverse("admin:accounts_supportquestion_change", args=[question.pk]))
    assert LookUp.objects.count() == 1


def test_a_deletion_i_began_opens_by_itself_and_another_asks(kari: User) -> None:
    client, mine = colleague("privacy")
    wish = retention.request_for_customer(kari.pk, actor=mine, now=timezone.now())
    address = reverse("admin:retention_deletionrequest_change", args=[wish.pk])
    assert client.get(address).status_code == 200
    assert seen_of(kari) == [("requests", "deletion")]
    second, _other = colleague("privacy")
    page = second.get(address, follow=True).content.decode()
    assert "The deletion request of" in page
    answer = second.post(door(kari), {"why": str(wish.reference), "next": address}, follow=True)
    assert answer.redirect_chain[-1][0] == address
