"""Signing up: what is asked and why, what is kept, and what nobody learns from it."""

import re

import pytest
from django.db import connection
from django.http import HttpResponseBase
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts import forms, services
from accounts.models import User
from consent.models import Preference
from messaging.models import Message
from tests.accounts.walk import mails_to, sign_up, signup_form
from tests.factories import NOW, make_customer, retire_topic, topic

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("nothing_stands_still")]


def choices(user: User) -> dict[str, str]:
    return dict(Preference.objects.of(user.pk).values_list("topic__slug", "state"))


def test_only_user_name_first_name_and_address_are_required(client: Client) -> None:
    answer = client.post("/signup/", {})
    required = {name for name in answer.context["form"].errors if not name.startswith("topic_")}
    assert required == {"username", "first_name", "email"}


def test_every_field_says_why_it_is_asked(client: Client) -> None:
    form = client.get("/signup/").context["form"]
    assert [name for name, field in form.fields.items() if not field.help_text] == []


def test_no_password_is_asked(client: Client) -> None:
    assert 'type="password"' not in client.get("/signup/").content.decode()


def test_nothing_is_ticked_before_the_person_answers(client: Client) -> None:
    page = client.get("/signup/").content.decode()
    assert len(re.findall(r'type="radio"', page)) == 8  # three topics, and tailoring
    assert "checked" not in page


def test_signing_up_makes_an_unconfirmed_account_that_nobody_can_sign_in_to(
    client: Client,
) -> None:
    sign_up(client, company="Nordmann AS", country="NO", phone="22 00 00 00")
    user = User.objects.get(username="kari.nordmann")
    assert user.email_confirmed_at is None
    assert not user.has_usable_password()
    assert (user.company, user.country.code, str(user.phone)) == (
        "Nordmann AS",
        "NO",
        "+4722000000",
    )


def test_each_answer_is_kept_a_no_as_much_as_a_yes(client: Client) -> None:
    sign_up(client)
    assert choices(User.objects.get(username="kari.nordmann")) == {
        "newsletter": "granted",
        "product_news": "refused",
        "special_offers": "refused",
    }


@pytest.mark.parametrize("left_out", ["topic_newsletter", "topic_special_offers"])
def test_without_an_answer_to_each_question_there_is_no_account(
    client: Client, left_out: str
) -> None:
    form = signup_form()
    del form[left_out]
    answer = client.post("/signup/", form)
    assert set(answer.context["form"].errors) == {left_out}
    assert not User.objects.exists()
    assert not Message.objects.exists()


def test_no_to_all_is_one_button_that_answers_and_signs_up(client: Client) -> None:
    form = {k: v for k, v in signup_form().items() if not k.startswith("topic_")}
    assert client.post("/signup/", form | {"no_to_all": "1"}).status_code == 302
    assert set(choices(User.objects.get()).values()) == {"refused"}


def test_no_to_all_outweighs_a_yes_ticked_before(client: Client) -> None:
    client.post("/signup/", signup_form(no_to_all="1"))
    assert set(choices(User.objects.get()).values()) == {"refused"}


def test_a_retired_topic_is_not_asked(client: Client) -> None:
    retire_topic(topic("special_offers"), now=NOW)
    form = signup_form()
    del form["topic_special_offers"]
    assert client.post("/signup/", form).status_code == 302


def test_the_welcome_mail_confirms_the_user_name_and_holds_no_password(client: Client) -> None:
    sign_up(client)
    (mail,) = mails_to("kari@example.test")
    assert (mail.kind, mail.purpose, mail.language) == ("account", "welcome", "nb")
    for body in (mail.text, mail.html):
        assert "kari.nordmann" in body
        assert "/welcome/" in body
    assert "/u/" not in mail.text


@pytest.mark.parametrize(("accept", "language"), [("en-GB,en", "en"), ("nb-NO,nb", "nb")])
def test_the_language_of_the_page_is_preselected(
    client: Client, accept: str, language: str
) -> None:
    page = client.get("/signup/", headers={"accept-language": accept})
    assert page.context["form"]["language"].value() == language


def test_a_language_left_out_is_that_of_the_page(client: Client) -> None:
    form = signup_form()
    del form["language"]
    client.post("/signup/", form, headers={"accept-language": "en"})
    assert User.objects.get().language == "en"
    assert mails_to("kari@example.test")[0].language == "en"


def lasting(answer: HttpResponseBase) -> dict[str, str]:
    """The headers, without the moment of the answer."""
    return {name: value for name, value in answer.headers.items() if name != "Expires"}


@pytest.mark.parametrize("state", ["confirmed", "unconfirmed", "deactivated"])
def test_a_taken_address_looks_the_same_as_a_free_one(client: Client, state: str) -> None:
    """Same answer, same page, same number of queries, one mail to the address."""
    make_customer(
        email="KARI@example.test",
        email_confirmed_at=None if state == "unconfirmed" else NOW,
        deactivated_at=NOW if state == "deactivated" else None,
    )
    with CaptureQueriesContext(connection) as free:
        expected = client.post("/signup/", signup_form(username="ola", email="ola@example.test"))
    with CaptureQueriesContext(connection) as taken:
        answer = client.post("/signup/", signup_form())
    assert (answer.status_code, answer["Location"]) == (302, "/signup/check-your-mail/")
    assert lasting(answer) == lasting(expected)
    assert len(taken) == len(free)
    assert len(mails_to("ola@example.test")) == 1
    assert Message.objects.filter(to_address__iexact="kari@example.test").count() == 1
    assert User.objects.count() == 2


def test_a_confirmed_account_is_untouched_and_only_its_owner_is_told(client: Client) -> None:
    owner = make_customer(email="kari@example.test", username="eier", no=("newsletter",))
    client.post("/signup/", signup_form())
    (mail,) = mails_to("kari@example.test")
    assert (mail.purpose, mail.person_id) == ("already_customer", owner.pk)
    owner.refresh_from_db()
    assert owner.username == "eier"
    assert choices(owner) == {"newsletter": "refused"}


def test_a_newer_sign_up_takes_over_what_nobody_confirmed(client: Client) -> None:
    """Else whoever signs up first with another's address would choose for them."""
    older = sign_up(client, username="en.annen", topic_special_offers="yes")
    newer = sign_up(client)
    assert choices(User.objects.get(username="kari.nordmann"))["special_offers"] != "granted"
    assert "kari.nordmann" in client.get(newer).content.decode()
    assert "accounts/welcome_invalid.html" in [t.name for t in client.get(older).templates]


@pytest.mark.parametrize("spelling", ["kari.nordmann", "Kari.Nordmann", "KARI.NORDMANN"])
def test_a_taken_user_name_is_an_error_beside_its_field(client: Client, spelling: str) -> None:
    make_customer(username="kari.nordmann")
    answer = client.post("/signup/", signup_form(username=spelling))
    assert set(answer.context["form"].errors) == {"username"}
    assert User.objects.count() == 1


def test_a_user_name_taken_in_the_meantime_is_the_same_error(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The form's look came too early: the constraint decides."""
    make_customer(username="kari.nordmann")
    monkeypatch.setattr(
        forms.SignupForm, "clean_username", lambda form: form.cleaned_data["username"]
    )
    answer = client.post("/signup/", signup_form())
    assert set(answer.context["form"].errors) == {"username"}
    assert User.objects.count() == 1
    assert not Message.objects.exists()


def test_the_service_refuses_a_taken_user_name_whole() -> None:
    make_customer(username="Kari.Nordmann")
    with pytest.raises(services.UsernameTakenError):
        services.register_customer(
            email="ny@example.test", answers={}, language="nb", now=NOW, username="kari.nordmann"
        )
    assert not User.objects.with_address("ny@example.test").exists()


@pytest.mark.parametrize("field", ["first_name", "last_name", "company", "username"])
@pytest.mark.parametrize("hidden", ["\r\nBcc: alle@example.test", "\x07", "\u2028x", "\u202exyz"])
def test_hidden_characters_and_line_breaks_are_refused(
    client: Client, field: str, hidden: str
) -> None:
    answer = client.post("/signup/", signup_form(**{field: f"Kari{hidden}Nord"}))
    assert set(answer.context["form"].errors) == {field}


@pytest.mark.parametrize("name", ["Åse-Børghild O’Neill", "李小龍", "Jean‑Luc d'Arc"])
def test_names_are_taken_as_people_write_them(client: Client, name: str) -> None:
    sign_up(client, first_name=name)
    assert User.objects.get().first_name == name


@pytest.mark.parametrize("address", ["kari@example.test\r\nBcc: x@example.test", "kari", "", "a@b"])
def test_what_is_no_address_is_refused(client: Client, address: str) -> None:
    answer = client.post("/signup/", signup_form(email=address))
    assert set(answer.context["form"].errors) == {"email"}


def test_dots_and_plus_signs_make_another_address(client: Client) -> None:
    sign_up(client)
    sign_up(client, username="kari2", email="k.ari@example.test")
    sign_up(client, username="kari3", email="kari+portal@example.test")
    assert User.objects.count() == 3


def test_a_norwegian_domain_is_an_address_and_has_one_normal_form(client: Client) -> None:
    sign_up(client, email="post@blåbær.test")
    assert User.objects.with_address("POST@xn--blbr-roah.test").exists()


def test_a_phone_number_we_cannot_read_is_an_error_beside_its_field(client: Client) -> None:
    answer = client.post("/signup/", signup_form(phone="ring meg"))
    assert set(answer.context["form"].errors) == {"phone"}


def test_whoever_is_signed_in_has_an_account_already(client: Client) -> None:
    client.force_login(make_customer())
    assert client.get("/signup/")["Location"] == "/account/"


def test_the_form_takes_no_more_than_twenty_a_minute_from_one_place(client: Client) -> None:
    answers = [client.post("/signup/", {}).status_code for _ in range(21)]
    assert answers == [200] * 20 + [429]


def test_one_address_gets_no_more_than_five_mails_an_hour(client: Client) -> None:
    answers = [
        client.post("/signup/", signup_form(username=f"kari{n}")).status_code for n in range(6)
    ]
    assert answers == [302] * 5 + [429]
    assert len(mails_to("kari@example.test")) == 5


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("first_name", "Vinn 1000 kr http://evil.example/x"),
        ("last_name", "evil.example/x"),
        ("last_name", "Www.evil.example"),
        ("username", "www.evil.example"),
    ],
)
def test_a_name_that_carries_a_link_is_refused_beside_its_field(
    client: Client, field: str, value: str
) -> None:
    answer = client.post("/signup/", signup_form(**{field: value}))
    assert set(answer.context["form"].errors) == {field}
    assert not Message.objects.exists()


def test_an_ordinary_name_with_dots_and_hyphens_is_taken(client: Client) -> None:
    sign_up(client, first_name="Anne-Lise", last_name="St. John O’Neill")
    assert User.objects.get().last_name == "St. John O’Neill"
