"""Questions as staff see and answer them."""

import uuid

import pytest
from django.test import Client
from django.urls import reverse

from accounts import support
from accounts.models import SupportQuestion, User
from tests.factories import NOW, make_customer, make_staff
from tests.staff.door import let_in
from tests.staff.sign_in import at_work, sign_in

pytestmark = pytest.mark.django_db


def asked(channel: str = "email") -> SupportQuestion:
    return support.ask(
        customer=make_customer(first_name="Kari", last_name="Nordmann"),
        topic="other",
        channel=channel,
        phone="+4722000000" if channel == "phone" else "",
        call_when="after 15",
        text="How do I begin?",
        language="nb",
        form=uuid.uuid4(),
        now=NOW,
    )


def act(client: Client, question: SupportQuestion, **fields: str) -> int:
    url = reverse("admin:accounts_supportquestion_act", args=[question.pk])
    return client.post(url, {"form": str(uuid.uuid4())} | fields).status_code


def page(client: Client, question: SupportQuestion) -> str:
    url = reverse("admin:accounts_supportquestion_change", args=[question.pk])
    return str(client.get(url).text)


def test_the_wished_way_stands_before_the_answer(staff: Client, boss: User) -> None:
    question = asked("phone")
    support.assign(question, actor=boss)
    found = page(staff, question)
    assert found.index("Answer by phone") < found.index("How do I begin?")
    assert "+4722000000" in found
    assert "after 15" in found


def test_an_answer_is_sent_and_the_question_taken(staff: Client, boss: User) -> None:
    question = asked()
    assert question.customer is not None
    let_in(boss, question.customer)
    act(staff, question, text="Like this.")
    question.refresh_from_db()
    assert (question.state, question.assigned_to) == ("answered", boss)
    assert "Like this." in page(staff, question)


def test_an_empty_answer_is_not_sent(staff: Client) -> None:
    question = asked()
    act(staff, question, text=" ")
    assert question.entries.count() == 1


def test_the_list_of_work_has_who_waits_and_how(staff: Client) -> None:
    asked("phone")
    found = staff.get(reverse("admin:index")).text
    assert "Questions to answer" in found
    assert "Something else · Phone" in found


def test_the_list_shows_no_names(staff: Client) -> None:
    asked()
    assert "Nordmann" not in staff.get(reverse("admin:accounts_supportquestion_changelist")).text


def test_who_may_only_look_can_not_answer() -> None:
    reader = make_staff(rights=["view_supportquestion"])
    question = asked()
    client = sign_in(reader, "password", "mfa")
    assert act(client, question, text="x") in (302, 403)
    assert question.entries.count() == 1


def test_an_attempt_to_call_is_noted_by_one_button(staff: Client, boss: User) -> None:
    question = asked("phone")
    support.assign(question, actor=boss)
    assert "Nobody answered" in page(staff, question)
    act(staff, question, nobody="1")
    question.refresh_from_db()
    assert question.state == "open"
    assert "reached nobody" in page(staff, question) or "fikk ikke tak i" in page(staff, question)


def test_nobody_is_called_in_vain_who_wants_a_mail(staff: Client, boss: User) -> None:
    question = asked()
    support.assign(question, actor=boss)
    assert "Nobody answered" not in page(staff, question)
    act(staff, question, nobody="1")
    assert question.entries.count() == 1


def test_the_list_is_narrowed_to_mine_and_to_nobodys(staff: Client, boss: User) -> None:
    mine, nobodys = asked(), asked()
    support.assign(mine, actor=boss)
    address = reverse("admin:accounts_supportquestion_changelist")
    for whose, there, absent in (("mine", mine, nobodys), ("nobody", nobodys, mine)):
        html = staff.get(address, {"whose": whose}).text
        assert str(there.reference)[:8] in html
        assert str(absent.reference)[:8] not in html


def test_billing_has_questions_about_money_and_no_other() -> None:
    person = make_staff(roles=("billing",), language="en")
    client = at_work(person)
    ours, other = asked(), asked("phone")
    SupportQuestion.objects.filter(pk=ours.pk).update(topic="billing")
    for question in (ours, other):
        support.assign(question, actor=person)
    html = client.get(reverse("admin:accounts_supportquestion_changelist")).text
    assert str(ours.reference)[:8] in html
    assert str(other.reference)[:8] not in html
    assert "How do I begin?" in page(client, ours)
    for name in ("change", "history"):
        address = reverse(f"admin:accounts_supportquestion_{name}", args=[other.pk])
        answer = client.get(address)
        assert (answer.status_code, answer["Location"]) == (302, reverse("admin:index"))
    act(client, other, close="1")
    other.refresh_from_db()
    assert other.state == "open"
    # Nor is it a reason to look at whoever asked.
    assert other.customer is not None
    door = reverse("admin:accounts_user_access", args=[other.customer.pk])
    assert str(other.reference) not in client.get(door).text


@pytest.mark.parametrize("role", ["support", "privacy", "auditor"])
def test_the_others_have_questions_about_anything(role: str) -> None:
    question = asked()
    client = at_work(make_staff(roles=(role,), language="en"))
    html = client.get(reverse("admin:accounts_supportquestion_changelist")).text
    assert str(question.reference)[:8] in html
