"""A customer reads who looked at their data, by role and with the reason, and may object."""

import re
from datetime import timedelta
from html import unescape
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from accounts.models import AccessEvent, Basis, Seen, SupportQuestion, User
from accounts.roles import Role
from accounts.support import ask
from consent.history import human_date
from retention import looks as looking
from retention.looks import WHO, WHY, told
from retention.models import PrivacyRequest
from tests.consent.looked import look
from tests.factories import NOW, make_customer, make_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def person() -> User:
    return make_customer(language="en")


@pytest.fixture
def visitor(person: User) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(person)
    return client


def page(visitor: Client, query: str = "") -> str:
    answer = visitor.get(reverse("data_access") + query)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", unescape(answer.content.decode()))


def asked(customer: User) -> SupportQuestion:
    return ask(
        customer=customer,
        topic="billing",
        channel="email",
        text="Blåbærsyltetøy: why is the invoice so high?",
        language="en",
        form=uuid4(),
        now=NOW,
    )


class TestReading:
    def test_a_look_is_told_in_a_sentence_with_role_day_and_question(self, person, visitor):
        question = asked(person)
        look(person, basis="question", reference=str(question.reference), reason="")
        said = page(visitor)
        day = human_date_in_english(NOW)
        assert (
            f"Customer support looked at your contact details on {day}: "
            "your question about “Invoices and payments”." in said
        )
        assert reverse("account_support_thread", args=[question.reference]) in said

    def test_another_reason_is_told_in_the_words_staff_wrote_with_its_reference(
        self, person, visitor
    ):
        look(person, what="choices", reason="A letter without a name.", reference="letter 12")
        said = page(visitor)
        day = human_date_in_english(NOW)
        assert (
            f"Customer support looked at your choices and their history on {day}: "
            "“A letter without a name”." in said
        )
        assert "Reference: letter 12" in said

    def test_a_search_is_told_as_one(self, person, visitor):
        look(person, what="search", reason="", reference="")
        day = human_date_in_english(NOW)
        assert (
            f"Customer support searched for you on {day} and saw that you are a customer."
            in page(visitor)
        )

    @pytest.mark.parametrize("basis", [each for each in Basis if each != Basis.REASON])
    def test_every_basis_has_its_words(self, person, visitor, basis):
        look(person, basis=basis, reference="x", reason="")
        said = page(visitor)
        with translation.override("en"):
            assert f": {WHY[basis]}." in said

    @pytest.mark.parametrize("what", Seen)
    @pytest.mark.parametrize("language", ["nb", "en"])
    def test_everything_that_can_be_seen_is_told_in_both_languages(self, person, what, language):
        event = look(person, what=what, role=Role.PRIVACY)
        with translation.override(language):
            (said,) = told([event], person.pk)
            if what != Seen.SEARCH:
                assert str(Seen(what).label) in said.sentence
            assert str(WHO[Role.PRIVACY]) in said.sentence
            assert human_date(event.at) in said.sentence

    @pytest.mark.parametrize("role", Role)
    def test_staff_stand_there_by_role_and_never_by_name_or_number(self, person, visitor, role):
        staff = make_staff(
            first_name="Torbjørn", last_name="Egentoft", email="torbjorn@staff.example.test"
        )
        event = look(person, staff=staff, role=role)
        said = page(visitor)
        assert str(WHO[role]) in said
        for trace in ("Torbjørn", "Egentoft", "torbjorn", staff.username, str(staff.pk)):
            assert trace not in said
        assert event.actor not in said

    def test_a_role_that_no_longer_exists_keeps_its_word(self, person, visitor):
        look(person, role="archivist")
        assert "archivist looked at your contact details" in page(visitor)

    def test_nothing_of_what_the_customer_wrote_stands_in_an_event(self, person):
        question = asked(person)
        event = look(person, basis="question", reference=str(question.reference), reason="")
        text = " ".join(str(value) for value in AccessEvent.objects.values_list().get(pk=event.pk))
        for trace in ("Blåbærsyltetøy", person.email, person.first_name, person.last_name):
            assert trace not in text

    def test_the_newest_stands_first_and_older_ones_on_further_pages(
        self, person, visitor, monkeypatch
    ):
        from retention.views import access

        monkeypatch.setattr(access, "LOOKS_ON_A_PAGE", 2)
        staff = make_staff()
        for number in range(5):
            at = NOW - timedelta(hours=number)
            look(person, staff=staff, reason=f"Reason {number}", at=at)
        found = [re.findall(r"Reason \d", page(visitor, f"?page={n}")) for n in (1, 2, 3)]
        assert [sorted(set(each)) for each in found] == [
            ["Reason 0", "Reason 1"],
            ["Reason 2", "Reason 3"],
            ["Reason 4"],
        ]
        assert found[0].index("Reason 0") < found[0].index("Reason 1")
        assert "?page=2" in page(visitor)

    def test_a_page_number_that_is_none_shows_the_first(self, person, visitor):
        look(person)
        assert "Customer support looked at" in page(visitor, "?page=x")

    def test_nobody_reads_of_another(self, person, visitor):
        look(make_customer(), reason="Something of somebody else")
        said = page(visitor)
        assert "Something of somebody else" not in said
        assert "Nobody has looked" in said

    def test_a_stranger_is_asked_to_sign_in(self):
        answer = Client().get(reverse("data_access"))
        assert answer.status_code == 302
        assert reverse("account_login") in answer["Location"]

    def test_looking_at_the_page_takes_the_same_queries_for_one_line_and_for_many(
        self, person, visitor, django_assert_max_num_queries
    ):
        staff, question = make_staff(), asked(person)
        for _ in range(8):
            look(person, staff=staff, basis="question", reference=str(question.reference))
        with django_assert_max_num_queries(12):
            page(visitor)

    def test_my_data_and_the_side_lead_there(self, person, visitor):
        look(person)
        said = visitor.get(reverse("data_overview")).content.decode()
        assert said.count(f'href="{reverse("data_access")}"') == 3
        assert (
            'aria-current="page">Who has looked<'
            in visitor.get(reverse("data_access")).content.decode()
        )

    def test_words_of_staff_are_shown_as_words(self, person, visitor):
        look(person, reason="<script>alert(1)</script>")
        assert b"<script>alert" not in visitor.get(reverse("data_access")).content


class TestObjecting:
    def test_an_objection_opens_a_case_for_the_privacy_officer(self, person, visitor):
        event = look(person)
        (said,) = told_in_english(event, person)
        address = reverse("access_objection", args=[event.pk])
        form = unescape(visitor.get(address).content.decode())
        assert said.sentence in form
        assert not PrivacyRequest.objects.exists()
        answer = visitor.post(address, {"text": "I never wrote a letter."})
        assert answer["Location"] == reverse("data_access")
        wish = PrivacyRequest.objects.get()
        assert (wish.kind, wish.source, wish.state) == ("objection", "access_log", "open")
        assert (wish.person_id, wish.access_event_id) == (person.pk, event.pk)
        assert wish.actor == "self"
        assert wish.text == f"{said.sentence}\n\nI never wrote a letter."

    def test_no_reason_need_be_given(self, person, visitor):
        event = look(person)
        visitor.post(reverse("access_objection", args=[event.pk]), {"text": ""})
        (said,) = told_in_english(event, person)
        assert PrivacyRequest.objects.get().text == said.sentence

    def test_the_page_says_that_and_when_and_asks_no_more(self, person, visitor):
        event = look(person)
        address = reverse("access_objection", args=[event.pk])
        visitor.post(address)
        said = page(visitor)
        assert "You objected on" in said
        assert "We answer by" in said
        assert f'"{address}"' not in said

    def test_twice_is_once(self, person, visitor):
        address = reverse("access_objection", args=[look(person).pk])
        for _ in range(2):
            assert visitor.post(address)["Location"] == reverse("data_access")
        assert PrivacyRequest.objects.count() == 1
        assert visitor.get(address)["Location"] == reverse("data_access")

    @pytest.mark.parametrize("method", ["get", "post"])
    def test_a_look_at_another_and_one_that_never_was_answer_alike(self, visitor, method):
        for key in (look(make_customer()).pk, uuid4()):
            answer = getattr(visitor, method)(reverse("access_objection", args=[key]))
            assert answer.status_code == 404
        assert not PrivacyRequest.objects.exists()

    def test_looking_changes_nothing(self, person, visitor):
        visitor.get(reverse("access_objection", args=[look(person).pk]))
        assert not PrivacyRequest.objects.exists()

    def test_more_words_than_fit_are_given_back_with_an_error(self, person, visitor):
        answer = visitor.post(
            reverse("access_objection", args=[look(person).pk]), {"text": "x" * 2001}
        )
        assert answer.status_code == 200
        assert "x" * 2001 in answer.content.decode()
        assert not PrivacyRequest.objects.exists()


def told_in_english(event: AccessEvent, person: User) -> list[looking.Look]:
    with translation.override("en"):
        return told([event], person.pk)


def human_date_in_english(moment) -> str:
    with translation.override("en"):
        return human_date(moment)
