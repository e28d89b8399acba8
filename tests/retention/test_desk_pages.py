"""The pages of the desk: a customer's, a stranger's, staff's, and what everybody reads."""

import uuid
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from allauth.mfa.totp.internal.auth import TOTP
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import support
from accounts.models import AccessEvent, User
from accounts.roles import Role
from messaging.models import Message
from retention import desk
from retention.desk import declared
from retention.models import Breach, DeclaredAccess, PrivacyRequest, Processor, PromiseAlert
from retention.policy import DECLARED_FOR
from tests.factories import NOW, make_customer, make_staff
from tests.staff.sign_in import SECRET, sign_in

pytestmark = pytest.mark.django_db
LIST = "admin:retention_privacyrequest_changelist"


def staff_of(*roles: Role) -> tuple[Client, User]:
    made = make_staff(roles=roles, language="en")
    TOTP.activate(made, SECRET)
    return sign_in(made, "password", "mfa"), made


@pytest.fixture
def officer() -> tuple[Client, User]:
    return staff_of(Role.PRIVACY)


def asked(person: User | None = None, **more: Any) -> PrivacyRequest:
    stranger = {} if person else {"name": "Ola Fremmed", "email": "ola@example.test"}
    fields = {"kind": "access", "text": "What is kept?", "source": "page", "actor": "self"}
    return desk.open_request(**{"person": person, "now": NOW, **stranger, **fields, **more})


def page(request: PrivacyRequest) -> str:
    return reverse("admin:retention_privacyrequest_change", args=[request.pk])


def step(client: Client, request: PrivacyRequest, name: str, **fields: str) -> int:
    url = reverse("admin:retention_privacyrequest_step", args=[request.pk, name])
    status = client.post(url, fields).status_code
    request.refresh_from_db()
    return status


# --- a customer ----------------------------------------------------------------------------------


def test_a_customer_asks_reads_the_answer_and_takes_back_what_is_open() -> None:
    person = make_customer(language="en")
    client = Client(headers={"accept-language": "en"})
    client.force_login(person)
    url = reverse("privacy_requests")
    sent = {"kind": "objection", "text": "Stop that.", "form": str(uuid.uuid4())}
    client.post(url, sent)
    client.post(url, sent)
    request = PrivacyRequest.objects.get(person_id=person.pk)
    assert "Stop that." in client.get(url).text
    desk.answer_request(request, text="Stopped.", actor=make_staff(), now=NOW)
    assert "Stopped." in client.get(url).text
    other = asked(person)
    client.post(reverse("privacy_request_take_back", args=[other.reference]))
    other.refresh_from_db()
    assert other.state == "withdrawn"


def test_a_customer_whose_answer_is_late_is_promised_no_day_that_is_over() -> None:
    person = make_customer(language="en")
    client = Client(headers={"accept-language": "en"})
    client.force_login(person)
    request = asked(person)
    on_the_day = datetime.combine(request.due_on, time(12), ZoneInfo(person.timezone))
    for at, said in [
        (on_the_day, "at the latest."),
        (on_the_day + timedelta(days=1), "We are late: the answer was due on"),
    ]:
        with time_machine.travel(at, tick=False):
            client.force_login(person)
            page = client.get(reverse("privacy_requests")).text
        assert said in page
        assert ("We are late" in page) == (at != on_the_day)


def test_nobody_sees_or_takes_back_another_customers_request() -> None:
    request = asked(make_customer(), text="mine-alone")
    client = Client()
    client.force_login(make_customer())
    assert "mine-alone" not in client.get(reverse("privacy_requests")).text
    url = reverse("privacy_request_take_back", args=[request.reference])
    assert client.post(url).status_code == 404


def test_a_stranger_asks_without_an_account() -> None:
    client = Client(headers={"accept-language": "en"})
    fields = {
        "kind": "erasure",
        "text": "Who has my number?",
        "list_owner": "Fjord Bakery",
        "email": "ola@example.test",
        "form": str(uuid.uuid4()),
    }
    answer = client.post(reverse("privacy_request"), fields)
    assert answer.headers["Location"] == reverse("privacy_request_sent")
    request = PrivacyRequest.objects.get()
    assert (request.person_id, request.identity_at) == (None, None)
    assert request.list_owner == "Fjord Bakery"
    bad = client.post(reverse("privacy_request"), {**fields, "email": "nonsense"})
    assert "Who has my number?" in bad.text


# --- staff ---------------------------------------------------------------------------------------


def test_a_customers_request_opens_with_a_reason_or_by_taking_it(
    officer: tuple[Client, User],
) -> None:
    client, boss = officer
    person = make_customer(language="en")
    request = asked(person, text="only-inside")
    closed = client.get(page(request))
    assert reverse("admin:accounts_user_access", args=[person.pk]) in closed.headers["Location"]
    desk.take_request(request, actor=boss)
    assert "only-inside" in client.get(page(request)).text
    event = AccessEvent.objects.get(person_id=person.pk)
    assert (event.what, event.basis, event.role) == ("requests", "request", "privacy")
    assert event.reference == str(request.reference)


def test_a_strangers_request_is_checked_and_answered(officer: tuple[Client, User]) -> None:
    client, _boss = officer
    request = asked()
    assert "not checked yet" in client.get(page(request)).text
    lost = client.post(
        reverse("admin:retention_privacyrequest_step", args=[request.pk, "answer"]),
        {"text": "A long answer."},
    )
    assert lost.status_code == 422
    assert "A long answer." in lost.text
    assert step(client, request, "check", text="called back") == 302
    assert step(client, request, "answer", text="Nothing.") == 302
    assert request.state == "answered"


def test_a_refusal_needs_its_ground(officer: tuple[Client, User]) -> None:
    client, _boss = officer
    request = asked()
    assert step(client, request, "refuse", text="No.", ground="") == 422
    assert step(client, request, "refuse", text="No.", ground="unidentified") == 302
    assert request.state == "refused"


def test_a_list_is_passed_on_to_a_customer_found_exactly(officer: tuple[Client, User]) -> None:
    client, _boss = officer
    owner = make_customer()
    request = asked()
    step(client, request, "name_owner", text="Fjord Bakery")
    assert step(client, request, "pass_on", owner="nobody@example.test", text="x") == 422
    assert step(client, request, "pass_on", owner=owner.email, text="They answer.") == 302
    assert request.passed_to == owner.pk
    # That they were looked up is told to them, as any search is.
    assert AccessEvent.objects.filter(person_id=owner.pk, what="search").exists()


def test_a_letter_is_due_a_month_after_the_day_it_came(officer: tuple[Client, User]) -> None:
    client, _boss = officer
    came = timezone.localdate() - timedelta(days=9)
    fields = {
        "kind": "access",
        "name": "Ola",
        "text": "By letter.",
        "received_on": came.isoformat(),
        "language": "nb",
        "form": str(uuid.uuid4()),
    }
    url = reverse("admin:retention_privacyrequest_enter")
    assert client.get(url).status_code == 200
    client.post(url, fields)
    assert PrivacyRequest.objects.get().received_on == came
    tomorrow = timezone.localdate() + timedelta(days=2)
    late = client.post(url, {**fields, "received_on": tomorrow.isoformat()})
    assert late.status_code == 200
    assert PrivacyRequest.objects.count() == 1


def test_a_letter_from_far_east_keeps_the_day_that_staff_name(
    officer: tuple[Client, User],
) -> None:
    client, _boss = officer
    person = make_customer(timezone="Pacific/Auckland")
    came = timezone.localdate() - timedelta(days=9)
    fields = {"kind": "access", "customer": person.email, "text": "By letter.", "language": "nb"}
    fields |= {"received_on": came.isoformat(), "form": str(uuid.uuid4())}
    client.post(reverse("admin:retention_privacyrequest_enter"), fields)
    assert PrivacyRequest.objects.get().received_on == came


def test_support_hands_a_question_to_the_privacy_officer_and_reads_no_request() -> None:
    client, boss = staff_of(Role.SUPPORT)
    question = support.ask(
        customer=None,
        email="ola@example.test",
        topic="privacy",
        channel="email",
        text="Delete me.",
        language="nb",
        form=uuid.uuid4(),
        now=NOW,
    )
    shown = client.get(reverse("admin:accounts_supportquestion_change", args=[question.pk])).text
    url = reverse("admin:retention_privacyrequest_from_question")
    assert url in shown
    for _twice in range(2):
        client.post(url, {"question": str(question.pk), "kind": "erasure"})
    request = PrivacyRequest.objects.get()
    assert (request.source, request.actor) == ("question", f"staff:{boss.pk}")
    assert client.get(page(request)).status_code == 403
    assert client.get(reverse(LIST)).status_code == 403
    assert step(client, request, "take") == 403


def test_the_auditor_reads_and_changes_nothing() -> None:
    client, _boss = staff_of(Role.AUDITOR)
    request = asked()
    assert client.get(page(request)).status_code == 200
    assert step(client, request, "check", text="x") == 403
    assert client.get(reverse("admin:retention_privacyrequest_enter")).status_code == 403


def test_what_is_open_stands_on_the_first_page_with_its_day(officer: tuple[Client, User]) -> None:
    client, _boss = officer
    request = asked()
    Breach.objects.create(
        title="A lost phone", confidentiality=True, aware_at=NOW, registered_at=NOW
    )
    PromiseAlert.objects.create(promise="few-see", state="broken", turned_at=NOW, told="x@y.no")
    shown = client.get(reverse("admin:index")).text
    assert page(request) in shown
    assert "A lost phone" in shown
    assert reverse("admin:promise_handbook", args=["few-see"]) in shown


# --- breaches ------------------------------------------------------------------------------------


def breach_fields(**more: Any) -> dict[str, Any]:
    aware = timezone.localtime(NOW)
    return {
        "title": "A lost phone",
        "what_happened": "On the train.",
        "confidentiality": "on",
        "aware_at_0": f"{aware:%Y-%m-%d}",
        "aware_at_1": f"{aware:%H:%M:%S}",
        "risk": "unknown",
        **more,
    }


def test_a_breach_is_registered_told_and_counted_down(officer: tuple[Client, User]) -> None:
    client, boss = officer
    url = reverse("admin:retention_breach_add")
    nothing = client.post(url, {**breach_fields(), "confidentiality": ""})
    assert "seen, changed, lost" in nothing.text
    client.post(url, breach_fields())
    breach = Breach.objects.get()
    assert (breach.registered_by, breach.aware_at) == (boss, NOW)
    assert Message.objects.filter(purpose="breach_alarm").count() == 1
    change = reverse("admin:retention_breach_change", args=[breach.pk])
    assert "hours left" in client.get(change).text
    refused = client.post(reverse("admin:retention_breach_close", args=[breach.pk]), follow=True)
    assert "Assess the risk" in refused.text
    decided = {
        "risk": "unlikely",
        "measures": "Wiped.",
        "not_notified_because": "Encrypted.",
        "people_untold": "no_high_risk",
    }
    client.post(change, breach_fields(**decided))
    client.post(reverse("admin:retention_breach_close", args=[breach.pk]))
    breach.refresh_from_db()
    assert breach.closed_by == boss
    assert client.post(change, breach_fields(measures="Nothing.")).status_code == 403


def test_the_clock_is_not_set_later_on_the_page(officer: tuple[Client, User]) -> None:
    client, _boss = officer
    breach = Breach.objects.create(
        title="A lost phone",
        confidentiality=True,
        aware_at=NOW - timedelta(hours=5),
        registered_at=NOW,
    )
    change = reverse("admin:retention_breach_change", args=[breach.pk])
    assert "never later" in client.post(change, breach_fields()).text


# --- what everybody reads ------------------------------------------------------------------------


def make_processor(**fields: Any) -> Processor:
    today = timezone.localdate()
    values: dict[str, Any] = {
        "name": "Vertskap AS",
        "country": "Norge",
        "task_nb": "drift av maskinene",
        "task_en": "hosting the machines",
        "data_nb": "alt",
        "data_en": "everything",
        "transfer": "none",
        "agreement_on": today,
        "since": today,
        "confirmed_on": today,
    }
    made: Processor = Processor.objects.create(**(values | fields))
    return made


def declare(what: str = "database", **fields: Any) -> DeclaredAccess:
    today = timezone.localdate()
    values: dict[str, Any] = {
        "what": what,
        "people": 2,
        "who_nb": "driftsavdelingen",
        "who_en": "the operations team",
        "why_nb": "drift",
        "why_en": "running it",
        "since": today,
        "confirmed_on": today,
    }
    made: DeclaredAccess = DeclaredAccess.objects.create(**(values | fields))
    return made


@pytest.mark.parametrize("name", ["privacy", "trust"])
def test_everybody_reads_who_else_can_see_data_in_their_language(name: str) -> None:
    make_processor()
    declare()
    make_processor(
        name="Ferdig AS",
        until=timezone.localdate() - timedelta(days=1),
        since=timezone.localdate() - timedelta(days=9),
        agreement_on=timezone.localdate() - timedelta(days=9),
    )
    english = Client(headers={"accept-language": "en"}).get(reverse(name)).text
    assert "Vertskap AS" in english
    assert "hosting the machines" in english
    assert "the operations team" in english
    assert "Ferdig AS" not in english
    norwegian = Client(headers={"accept-language": "nb"}).get(reverse(name)).text
    assert "drift av maskinene" in norwegian


def test_people_are_counted_and_what_nobody_declared_is_named() -> None:
    now = timezone.now()
    assert declared.undeclared(now) == ["database", "host"]
    declare("database", people=2)
    declare("host", people=3)
    assert (declared.declared_people(now), declared.undeclared(now)) == (5, [])
    make_processor()
    make_processor(name="Blind AS", can_read=False)
    assert declared.processors_who_read(now) == 1


def test_a_declaration_is_looked_at_every_year(officer: tuple[Client, User]) -> None:
    client, _boss = officer
    today = timezone.localdate()
    declare("database", confirmed_on=today - DECLARED_FOR)
    assert declared.overdue_declarations(timezone.now()) == 0
    declare("host", confirmed_on=today - DECLARED_FOR - timedelta(days=1))
    assert declared.overdue_declarations(timezone.now()) == 1
    assert "to be looked at again" in client.get(reverse("admin:index")).text


def test_what_was_published_is_ended_not_taken_away(officer: tuple[Client, User]) -> None:
    client, _boss = officer
    processor = make_processor()
    url = reverse("admin:retention_processor_delete", args=[processor.pk])
    assert client.post(url, {"post": "yes"}).status_code == 403
    assert client.get(reverse("admin:retention_processor_changelist")).status_code == 200
    assert client.get(reverse("admin:retention_declaredaccess_add")).status_code == 200


def test_any_member_of_staff_reads_what_to_do_when_a_promise_turns() -> None:
    client, _boss = staff_of(Role.EDITOR)
    shown = client.get(reverse("admin:promise_handbook", args=["few-see"])).text
    assert "Declared accesses" in shown
    unknown = reverse("admin:promise_handbook", args=["no-such"])
    assert client.get(unknown).status_code == 404
