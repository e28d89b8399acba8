"""`/reference-program/`, its door from a mail, and the other ways in which its no is said."""

import json
import re
import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.emails import send_welcome
from consent.models import CallLimit, ConsentDetail, Preference, ReferenceUse, Source, Topic
from consent.proof.heads import next_head, publish_head
from consent.proof.receipts import make_receipt
from consent.proof.sealer import seal_pending
from consent.reference import services
from consent.services import ask_to_confirm_yes
from consent.tokens import Purpose, RecipientToken, sign_token
from messaging.models import Message
from tests.consent.referring import (
    CALL,
    NAME,
    QUOTE,
    ask,
    plan,
    published,
    say_no,
    takedown_of,
    words,
)
from tests.factories import NOW, make_customer, make_staff, retire_topic, topic
from tests.staff.door import let_in
from tests.staff.sign_in import at_work

pytestmark = pytest.mark.django_db
PAGE = "/reference-program/"
ALL = tuple(f"reference_{each}" for each in ("name", "logo", "quote", "sales_call"))


def states(person):
    return dict(Preference.objects.of(person.pk).values_list("topic__slug", "state"))


@pytest.fixture
def signed_in(client):
    def make(**fields):
        person = make_customer(**({"language": "en"} | fields))
        client.force_login(person)
        return person

    return make


def text_of(response):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def door(person):
    return f"/p/{sign_token(RecipientToken(person_id=person.pk, issued_at=NOW))}{PAGE}"


# --- signed in --------------------------------------------------------------------------------


def test_a_stranger_is_asked_to_sign_in(client):
    assert client.get(PAGE)["Location"].startswith("/login/")
    assert client.post(PAGE, {"choice": "no"})["Location"].startswith("/login/")


def test_each_activity_is_asked_with_its_words_and_nothing_is_ticked(client, signed_in):
    signed_in()
    page = client.get(PAGE).content.decode()
    asked = Topic.objects.filter(kind="reference").with_wording()
    assert page.count('name="choice" value="yes"') == len(asked) == 7
    assert 'yes" checked' not in page
    assert 'no" checked' not in page
    assert all(each.wording.description_en in page for each in asked)
    assert "Nowhere" in page
    assert page.count("referral program") == 1


def test_a_yes_and_a_no_are_events_with_the_wording_shown(client, signed_in):
    person = signed_in()
    quote = topic(QUOTE)
    where = client.post(PAGE, {"topic": quote.number, "choice": "yes", "wording": "1"})
    assert where["Location"] == f"{PAGE}?changed=103#topic-103"
    client.post(PAGE, {"topic": quote.number, "choice": "no", "wording": "1"})
    events = list(ConsentDetail.objects.of(person.pk))
    assert [(each.state, each.source, each.wording_version) for each in events] == [
        ("withdrawn", Source.PREFERENCES, 1),
        ("granted", Source.PREFERENCES, 1),
    ]
    page = text_of(client.get(PAGE))
    assert "you stopped “Quote”" in page
    assert "you said yes to “Quote”" in page


def test_the_history_of_the_page_is_about_the_program_alone(client, signed_in):
    signed_in(yes=(NAME, "newsletter"))
    page = text_of(client.get(PAGE))
    assert "you said yes to “Your name as a customer”" in page
    assert "you said yes to “Newsletter”" not in page


def test_everything_is_off_with_one_press_and_nothing_else(client, signed_in):
    person = signed_in(yes=(*ALL, "newsletter"))
    use = published(person)
    page = client.post(PAGE, {"choice": "no"}, follow=True)
    assert {states(person)[slug] for slug in ALL} == {"withdrawn"}
    assert states(person)["newsletter"] == "granted"
    assert "being taken down" in text_of(page)
    assert takedown_of(use).closed_at is None


def test_a_choice_of_another_kind_or_none_changes_nothing(client, signed_in):
    person = signed_in(yes=("newsletter",))
    for data in (
        {"choice": "yes"},
        {},
        {"topic": 1, "choice": "no"},
        {"topic": "x", "choice": "no"},
    ):
        assert "Nothing was changed" in text_of(client.post(PAGE, data, follow=True))
    assert states(person) == {"newsletter": "granted"}


def test_every_use_is_shown_with_where_what_and_since(client, signed_in):
    person = signed_in(yes=(NAME,))
    published(person, title="Nordmann AS", place="website", url="https://example.com/kunder")
    plan(person, title="Et lysbilde", place="slides", copies="salg.pdf")
    published(make_customer(yes=(NAME,)), title="Somebody else")
    page = text_of(client.get(PAGE))
    for word in ("Nordmann AS", "https://example.com/kunder", "Et lysbilde", "salg.pdf", "since"):
        assert word in page
    assert "Somebody else" not in page


def test_words_are_read_and_approved_on_the_page(client, signed_in):
    person = signed_in(yes=(QUOTE,))
    text = words(plan(person, QUOTE), nb="Det virker.")
    assert "Det virker." in text_of(client.get(PAGE))
    client.post(f"{PAGE}words/{text.pk}/", {"answer": "yes"})
    text.refresh_from_db()
    assert text.customer_approved_at is not None


def test_words_are_declined_with_a_remark_or_written_anew(client, signed_in):
    person = signed_in(yes=(QUOTE,))
    use = plan(person, QUOTE)
    text = words(use)
    client.post(f"{PAGE}words/{text.pk}/", {"answer": "no", "remark": "Never said"})
    text.refresh_from_db()
    assert text.remark == "Never said"
    empty = client.post(f"{PAGE}words/{text.pk}/", {"text_nb": "", "text_en": ""}, follow=True)
    assert "Write the text" in text_of(empty)
    client.post(f"{PAGE}words/{text.pk}/", {"text_nb": "Mine ord.", "text_en": ""})
    newest = use.texts.first()
    assert (newest.version, newest.text_nb, newest.by_customer) == (2, "Mine ord.", True)
    # The page was open all the while, and shows what has become the past.
    late = client.post(f"{PAGE}words/{text.pk}/", {"answer": "yes"}, follow=True)
    assert "decided or replaced meanwhile" in text_of(late)


def test_nobody_decides_about_what_shows_somebody_else(client, signed_in):
    signed_in()
    other = make_customer(yes=(QUOTE, CALL))
    use = plan(other, QUOTE)
    text, call = words(use), ask(other)
    for where in (f"words/{text.pk}", f"uses/{use.pk}", f"calls/{call.pk}"):
        assert client.post(f"{PAGE}{where}/", {"answer": "yes"}).status_code == 404
        assert client.get(f"{PAGE}{where}/").status_code == 405
    call.refresh_from_db()
    assert call.answer == "open"


def test_one_use_is_taken_down_by_its_own_button(client, signed_in):
    person = signed_in(yes=(NAME,))
    use = published(person)
    client.post(f"{PAGE}uses/{use.pk}/")
    use.refresh_from_db()
    assert use.state == ReferenceUse.State.TAKING_DOWN
    services.record_removal(takedown_of(use), checked="The page", actor="staff:1", now=NOW)
    page = text_of(client.get(PAGE))
    assert "What we checked: The page" in page
    assert states(person)[NAME] == "granted"


def test_a_call_is_accepted_or_declined_and_the_number_a_year_is_theirs(client, signed_in):
    person = signed_in(yes=(CALL,))
    client.post(f"{PAGE}calls/", {"a_year": "1"})
    assert CallLimit.objects.get(person=person).a_year == 1
    assert "Nothing was changed" in text_of(
        client.post(f"{PAGE}calls/", {"a_year": "13"}, follow=True)
    )
    call = ask(person)
    assert "Would you talk to Fjord Bank?" in text_of(client.get(PAGE))
    client.post(f"{PAGE}calls/{call.pk}/", {"answer": "yes"})
    call.refresh_from_db()
    assert call.answer == "accepted"
    client.post(f"{PAGE}calls/{call.pk}/", {"answer": "no"})
    call.refresh_from_db()
    assert call.answer == "declined"
    with pytest.raises(services.CallLimitError):
        ask(person)


# --- from a mail ------------------------------------------------------------------------------


def test_the_link_shows_on_get_and_leaves_the_whole_program_on_post(client):
    person = make_customer(yes=(*ALL, "newsletter"), language="en")
    use = published(person)
    client.get(door(person))
    assert states(person)[NAME] == "granted"
    page = client.post(door(person), {"choice": "no"}, follow=True)
    assert {states(person)[slug] for slug in ALL} == {"withdrawn"}
    assert states(person)["newsletter"] == "granted"
    assert takedown_of(use)
    assert page["Referrer-Policy"] == "no-referrer"
    assert ConsentDetail.objects.of(person.pk)[0].source == Source.MAIL_PREFERENCES


def test_from_a_mail_one_activity_is_refused_but_none_is_granted(client):
    person = make_customer(yes=(NAME, QUOTE))
    client.post(door(person), {"choice": "no", "topic": topic(NAME).number})
    client.post(door(person), {"choice": "yes", "topic": topic(NAME).number})
    assert (states(person)[NAME], states(person)[QUOTE]) == ("withdrawn", "granted")


def test_from_a_mail_a_call_is_declined_but_not_accepted_and_no_words_are_shown(client):
    person = make_customer(yes=(QUOTE, CALL))
    words(plan(person, QUOTE), nb="Hemmelige ord.")
    call = ask(person)
    page = client.get(door(person)).content.decode()
    assert "Hemmelige" not in page
    assert "Fjord Bank" not in page
    client.post(door(person), {"call": str(call.pk), "answer": "yes"})
    call.refresh_from_db()
    assert call.answer == "declined"


def test_declining_by_link_a_call_whose_time_ends_meanwhile_is_no_error(client, monkeypatch):
    person = make_customer(yes=(CALL,), language="en")
    call = ask(person)
    really = services.answer_call

    def too_late(call, **said):
        services.expire_calls(now=call.answer_until + timedelta(seconds=1))
        really(call, **said)

    monkeypatch.setattr(services, "answer_call", too_late)
    assert client.post(door(person), {"call": str(call.pk)}).status_code == 302
    call.refresh_from_db()
    assert call.answer == "expired"


def test_whoever_said_yes_to_what_is_no_longer_asked_can_still_leave(client):
    person = make_customer(yes=(NAME,), language="en")
    retire_topic(topic(NAME), now=NOW)
    client.force_login(person)
    for page in (PAGE, door(person)):
        assert "Leave the whole program" in text_of(client.get(page))
    client.post(door(person), {"choice": "no"})
    assert states(person)[NAME] == "withdrawn"


@pytest.mark.parametrize(("page", "slug"), [(PAGE, NAME), ("/preferences/", "newsletter")])
@pytest.mark.parametrize("wording", ["9" * 5000, "9" * 9, "0", "-1", "x"])
def test_a_choice_never_fails_for_what_the_form_says_it_showed(
    client, signed_in, page, slug, wording
):
    person = signed_in()
    said = {"topic": topic(slug).number, "choice": "yes", "wording": wording}
    assert client.post(page, said).status_code == 302
    assert states(person)[slug] == "granted"


def test_a_broken_link_names_nobody_and_one_of_an_erased_person_changes_nothing(client):
    other = make_customer(yes=(NAME,))
    assert client.post(f"/p/nonsense{PAGE}", {"choice": "no"}).status_code == 200
    gone = RecipientToken(person_id=uuid.uuid4(), issued_at=NOW)
    where = f"/p/{sign_token(gone)}{PAGE}"
    assert client.get(where).status_code == 200
    assert client.post(where, {"choice": "no"}, follow=True).status_code == 200
    assert states(other)[NAME] == "granted"


def test_the_welcome_mail_carries_the_way_out(client):
    person = make_customer(yes=(NAME,))
    send_welcome(person)
    mail = Message.objects.get(purpose="welcome")
    (path,) = set(re.findall(r"(/p/[\w-]+/reference-program/)", mail.text))
    assert path in mail.html
    client.post(path, {"choice": "no"})
    assert states(person)[NAME] == "withdrawn"


# --- the same no by other ways ----------------------------------------------------------------


def unsubscribe(person, slug):
    named = topic(slug)
    token = RecipientToken(person_id=person.pk, topic=named.number, issued_at=NOW)
    return f"/u/{sign_token(token)}/"


def test_the_button_of_a_mail_program_refuses_the_activity_of_that_mail(client):
    person = make_customer(yes=(NAME, QUOTE, "newsletter"))
    client.post(unsubscribe(person, QUOTE), {"List-Unsubscribe": "One-Click"})
    assert states(person) == {
        NAME: "granted",
        QUOTE: "withdrawn",
        "newsletter": "granted",
    }


def test_the_page_behind_the_button_says_what_a_no_means_and_then_what_holds(client):
    person = make_customer(yes=(QUOTE, "newsletter"), language="en")
    where = unsubscribe(person, QUOTE)
    asks = text_of(client.get(where, headers={"accept-language": "en"}))
    assert "No longer “Quote” in the reference program?" in asks
    done = text_of(client.post(where, {"scope": "topic"}, headers={"accept-language": "en"}))
    assert "What we show of you there is taken down" in done
    assert "Newsletter" in done
    assert states(person) == {QUOTE: "withdrawn", "newsletter": "granted"}


def test_a_yes_by_a_token_is_asked_for_in_words_that_fit(client):
    person = make_customer(language="en")
    ask_to_confirm_yes(person.pk, topic(QUOTE), now=NOW)
    assert "Do you want to say yes to “Quote”?" in Message.objects.get().text
    token = sign_token(
        RecipientToken(person_id=person.pk, topic=103, issued_at=NOW, purpose=Purpose.CONFIRM_YES)
    )
    page = client.get(f"/preferences/confirm/{token}/", headers={"accept-language": "en"})
    assert "Do you want to say yes to “Quote”?" in text_of(page)


def test_a_no_to_the_program_is_proved_by_the_same_log_and_receipt():
    person = make_customer(yes=(NAME,))
    say_no(person, NAME, source=Source.STAFF)
    later = timezone.now() + timedelta(minutes=10)
    seal_pending(now=later)
    head = next_head(now=later)
    assert head is not None
    publish_head(head)
    event = ConsentDetail.objects.of(person.pk).first()
    receipt = json.loads(make_receipt(person, event.pk, now=later))
    assert (event.source, event.state) == (Source.STAFF, "withdrawn")
    assert "reference_name" in json.dumps(receipt)


def test_staff_record_a_no_with_its_reason_on_the_customers_page():
    staff, person = make_staff(), make_customer(yes=(NAME, QUOTE), language="en")
    use = published(person)
    let_in(staff, person)
    at_work(staff).post(
        f"/admin/accounts/user/{person.pk}/opt-out/",
        {"topics": [str(topic(NAME).pk)], "reason": "Rang 12 March"},
    )
    event = ConsentDetail.objects.of(person.pk).get(state="withdrawn")
    assert (event.source, event.reason) == (Source.STAFF, "Rang 12 March")
    assert states(person) == {NAME: "withdrawn", QUOTE: "granted"}
    assert takedown_of(use).closed_at is None


def test_the_api_says_the_same_no(client):
    person = make_customer(yes=(NAME,))
    use = published(person)
    client.force_login(person)
    answer = client.put(
        f"/api/v1/preferences/{NAME}", {"choice": "no"}, content_type="application/json"
    )
    assert answer.status_code == 200
    assert takedown_of(use).closed_at is None
