"""Questions to us: asked on a page, answered the way that was wished, closed."""

import uuid
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from accounts import support
from accounts.models import SupportEntry, SupportQuestion, User
from accounts.policy import ANSWERED_FOR
from tests.accounts.walk import link_in, mails_to
from tests.factories import NOW, make_customer, make_staff

pytestmark = pytest.mark.django_db
State = SupportQuestion.State


@pytest.fixture
def kari() -> User:
    return make_customer(email="kari@example.test", language="en", support_channel="email")


@pytest.fixture
def browser(client: Client, kari: User) -> Client:
    client.force_login(kari)
    return client


def form(**fields: str) -> dict[str, str]:
    values = {"topic": "billing", "text": "What is line 3?", "channel": "email"}
    return values | {"form": str(uuid.uuid4())} | fields


def asked(kari: User | None = None, *, channel: str = "email", **fields: str) -> SupportQuestion:
    stranger = {} if kari else {"name": "Ola", "email": "ola@example.test"}
    return support.ask(
        customer=kari,
        topic="other",
        channel=channel,
        phone="+4722000000" if channel == "phone" else "",
        text="How do I begin?",
        language="en",
        form=uuid.uuid4(),
        now=NOW,
        **stranger,
        **fields,
    )


def say(act, question: SupportQuestion, text: str = "Like this.", **more) -> None:
    act(question, text=text, actor=make_staff(), form=more.get("form", uuid.uuid4()), now=NOW)


# --- asking --------------------------------------------------------------------------------------


def test_a_question_stands_in_the_account_and_is_confirmed_by_mail(browser: Client) -> None:
    answer = browser.post("/account/support/", form())
    question = SupportQuestion.objects.get()
    assert answer["Location"] == f"/account/support/{question.reference}/"
    assert "What is line 3?" in browser.get(answer["Location"]).text
    mail = mails_to("kari@example.test")[-1]
    assert mail.purpose == "question_received"
    assert link_in(mail) == answer["Location"]


def test_the_confirmation_says_nothing_of_what_was_asked(client: Client) -> None:
    client.post("/contact/", form(email="ola@example.test", text="secret words"))
    mail = mails_to("ola@example.test")[-1]
    assert "secret words" not in mail.text + mail.html + mail.subject


def test_the_same_form_sent_twice_is_one_question_and_one_mail(browser: Client) -> None:
    twice = form()
    browser.post("/account/support/", twice)
    browser.post("/account/support/", twice)
    assert SupportQuestion.objects.count() == 1
    assert len(mails_to("kari@example.test")) == 1


def test_the_form_begins_with_the_channel_of_the_profile(client: Client) -> None:
    client.force_login(make_customer(support_channel="phone", phone="+4722000000"))
    initial = client.get("/account/support/").context["form"].initial
    assert initial == {"channel": "phone", "phone": "+4722000000"}


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"text": ""}, "text"),
        ({"text": "x" * 5001}, "text"),
        ({"topic": "nonsense"}, "topic"),
        ({"channel": "phone", "phone": ""}, "phone"),
        ({"channel": "phone", "phone": "12"}, "phone"),
        ({"channel": "letter"}, "channel"),
    ],
)
def test_bad_input_says_which_field_and_loses_nothing(browser: Client, fields, wrong) -> None:
    page = browser.post("/account/support/", form() | fields)
    assert list(page.context["form"].errors) == [wrong]
    assert not SupportQuestion.objects.exists()


def test_a_number_is_kept_only_where_it_is_to_be_called(browser: Client) -> None:
    browser.post("/account/support/", form(phone="+4722000000", call_when="after 15"))
    question = SupportQuestion.objects.get()
    assert (question.phone, question.call_when) == ("", "")


def test_a_stranger_reads_the_thread_by_the_link_in_their_mail(client: Client) -> None:
    client.post("/contact/", form(name="Ola", email="ola@example.test"))
    path = link_in(mails_to("ola@example.test")[-1])
    page = client.get(path)
    assert "What is line 3?" in page.text
    assert page["Referrer-Policy"] == "no-referrer"


def test_a_customers_thread_opens_for_nobody_else(client: Client, kari: User) -> None:
    question = asked(kari)
    assert client.get(f"/contact/{question.reference}/").status_code == 404
    client.force_login(make_customer())
    assert client.get(f"/account/support/{question.reference}/").status_code == 404


# --- answering -----------------------------------------------------------------------------------


def test_an_answer_goes_to_the_address_of_the_account(kari: User) -> None:
    question = asked(kari)
    say(support.answer_by_email, question, "Press the <button>.")
    question.refresh_from_db()
    mail = mails_to("kari@example.test")[-1]
    assert (mail.purpose, question.state) == ("question_answered", State.ANSWERED)
    assert "Press the <button>." in mail.text
    assert "Press the &lt;button&gt;." in mail.html


def test_whoever_wants_a_call_gets_no_mail_instead(kari: User) -> None:
    question = asked(kari, channel="phone")
    with pytest.raises(support.WrongChannelError):
        say(support.answer_by_email, question)
    say(support.note_call, question)
    assert [mail.purpose for mail in mails_to("kari@example.test")] == ["question_received"]


def test_whoever_wants_a_mail_is_not_called(kari: User) -> None:
    with pytest.raises(support.WrongChannelError):
        say(support.note_call, asked(kari))


@pytest.mark.parametrize(
    ("channel", "kind"), [("phone", "answer"), ("email", "call"), ("email", "attempt")]
)
def test_the_database_refuses_the_other_way(kari: User, channel: str, kind: str) -> None:
    question = asked(kari, channel=channel)
    with pytest.raises(IntegrityError, match="to be answered by"), transaction.atomic():
        SupportEntry.objects.create(question=question, kind=kind, text="x")


def test_the_database_keeps_the_way_that_was_wished(kari: User) -> None:
    question = asked(kari)
    with pytest.raises(IntegrityError, match="stays"), transaction.atomic():
        SupportQuestion.objects.filter(pk=question.pk).update(channel="phone")


def test_answering_twice_with_one_form_sends_one_mail(kari: User) -> None:
    question, once = asked(kari), uuid.uuid4()
    say(support.answer_by_email, question, form=once)
    say(support.answer_by_email, question, form=once)
    assert [mail.purpose for mail in mails_to("kari@example.test")] == [
        "question_received",
        "question_answered",
    ]


def test_saying_more_makes_it_wait_for_us_again(browser: Client, kari: User) -> None:
    question = asked(kari)
    say(support.answer_by_email, question)
    browser.post(f"/account/support/{question.reference}/", form(text="And then?"))
    question.refresh_from_db()
    assert question.state == State.OPEN


# --- closing -------------------------------------------------------------------------------------


def test_a_closed_question_takes_nothing_more(browser: Client, kari: User) -> None:
    question = asked(kari)
    browser.post(f"/account/support/{question.reference}/", {"close": "1"})
    browser.post(f"/account/support/{question.reference}/", form(text="And then?"))
    with pytest.raises(support.ClosedError):
        say(support.answer_by_email, question)
    assert question.entries.count() == 1


def test_closing_twice_keeps_the_first_moment(kari: User) -> None:
    question = asked(kari)
    support.close(question, now=NOW)
    support.close(question, now=NOW + timedelta(days=1))
    question.refresh_from_db()
    assert question.closed_at == NOW


@pytest.mark.parametrize(
    ("late", "state"), [(timedelta(0), State.CLOSED), (-timedelta(seconds=1), State.ANSWERED)]
)
def test_an_answer_met_with_silence_closes_after_a_month(kari, late, state) -> None:
    question = asked(kari)
    say(support.answer_by_email, question)
    support.close_answered(NOW + ANSWERED_FOR + late)
    question.refresh_from_db()
    assert question.state == state


def test_what_waits_for_us_never_closes_by_itself(kari: User) -> None:
    asked(kari)
    assert support.close_answered(NOW + timedelta(days=400)) == 0


# --- limits --------------------------------------------------------------------------------------


def test_a_flood_of_questions_is_refused_and_the_words_stay(browser: Client) -> None:
    for _each in range(10):
        assert browser.post("/account/support/", form()).status_code == 302
    page = browser.post("/account/support/", form(text="one too many"))
    assert page.status_code == 429
    assert "one too many" in page.text
    assert SupportQuestion.objects.count() == 10


def test_an_address_is_not_flooded_with_confirmations(client: Client) -> None:
    """Whoever fills in the form may name somebody else's, however written."""
    addresses = ["ola@example.test", "OLA@example.test", "ola@Example.test", "ola@example.test"]
    answers = [client.post("/contact/", form(email=each)).status_code for each in addresses]
    assert answers == [302, 302, 302, 429]
    assert len(mails_to("ola@example.test")) <= 3


def test_a_thread_takes_only_so_much_in_an_hour(browser: Client, kari: User) -> None:
    question = asked(kari)
    path = f"/account/support/{question.reference}/"
    answers = [browser.post(path, form(text="more")).status_code for _each in range(21)]
    assert (answers[19], answers[20]) == (302, 429)
    assert question.entries.count() == 21


# --- nobody answers the phone --------------------------------------------------------------------


def test_an_attempt_to_call_is_told_and_the_question_still_waits(kari: User) -> None:
    question, later = asked(kari, channel="phone"), NOW + timedelta(minutes=5)
    once = uuid.uuid4()
    for _twice in range(2):
        support.note_no_answer(question, actor=make_staff(), form=once, now=later)
    question.refresh_from_db()
    assert (question.state, question.moved_at) == (State.OPEN, NOW)
    assert [entry.kind for entry in question.entries.all()] == ["question", "attempt"]
    assert "reached nobody" in question.entries.last().text


def test_whoever_wants_a_mail_has_no_attempts_to_call(kari: User) -> None:
    with pytest.raises(support.WrongChannelError):
        support.note_no_answer(asked(kari), actor=make_staff(), form=uuid.uuid4(), now=NOW)
