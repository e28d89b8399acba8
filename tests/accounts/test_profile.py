"""What a person says about themselves."""

import pytest
from django.forms import Select
from django.test import Client
from django.utils.translation import gettext_lazy
from pytest_django.asserts import assertHTMLEqual

from accounts.forms import LongSelect
from accounts.models import User
from tests.factories import make_customer, make_staff

pytestmark = pytest.mark.django_db

FORM = {
    "first_name": "Kari",
    "last_name": "Nordmann",
    "company": "Nordmann AS",
    "country": "NO",
    "phone": "+4722000000",
    "language": "nb",
    "timezone": "Europe/Oslo",
    "support_channel": "email",
}


@pytest.fixture
def user() -> User:
    return make_customer(username="kari", email="kari@example.test", language="nb")


@pytest.fixture
def browser(client: Client, user: User) -> Client:
    client.force_login(user)
    return client


def test_every_field_says_why_it_is_asked(browser: Client) -> None:
    form = browser.get("/account/").context["form"]
    assert [name for name, field in form.fields.items() if not field.help_text] == []


def test_what_is_saved_is_shown(browser: Client, user: User) -> None:
    browser.post("/account/", FORM | {"company": "Ny bedrift", "timezone": "America/New_York"})
    user.refresh_from_db()
    assert (user.company, user.timezone) == ("Ny bedrift", "America/New_York")
    assert "Ny bedrift" in browser.get("/account/").content.decode()


@pytest.mark.parametrize("chosen", [None, "", "b", 3, "nowhere"])
def test_a_choice_among_hundreds_is_written_as_django_would_write_it(chosen: object) -> None:
    choices = [("", gettext_lazy("Country")), ("b", '<b> & "c"'), (3, "tre"), ("'\"", "q")]
    written = [
        widget(attrs={"autocomplete": "country"}, choices=choices).render(
            "country", chosen, attrs={"id": "id_country", "required": True, "disabled": False}
        )
        for widget in (LongSelect, Select)
    ]
    assertHTMLEqual(*written)
    assert written[0].count(" selected") == (chosen != "nowhere")


def test_what_may_be_empty_can_be_emptied(browser: Client, user: User) -> None:
    browser.post("/account/", FORM)
    emptied = FORM | {"last_name": "", "company": "", "country": "", "phone": ""}
    browser.post("/account/", emptied)
    user.refresh_from_db()
    assert (user.last_name, user.company, user.country.code, user.phone) == ("", "", "", "")


def test_to_be_called_one_leaves_a_number(browser: Client, user: User) -> None:
    answer = browser.post("/account/", FORM | {"support_channel": "phone", "phone": ""})
    assert set(answer.context["form"].errors) == {"phone"}
    browser.post("/account/", FORM | {"support_channel": "phone"})
    user.refresh_from_db()
    assert user.support_channel == "phone"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("first_name", ""),
        ("first_name", "Kari\r\nBcc: x@example.test"),
        ("first_name", "K" * 101),
        ("first_name", "Vinn 1000 kr http://evil.example/x"),
        ("last_name", "WWW.evil.example"),
        ("last_name", "evil.example/x"),
        ("country", "ZZ"),
        ("phone", "12"),
        ("language", "de"),
        ("timezone", "Mars/Olympus"),
        ("support_channel", "brevdue"),
    ],
)
def test_what_cannot_be_is_refused_beside_its_field(
    browser: Client, user: User, field: str, value: str
) -> None:
    answer = browser.post("/account/", FORM | {field: value})
    assert set(answer.context["form"].errors) == {field}


def test_user_name_address_and_rights_cannot_be_set_here(browser: Client, user: User) -> None:
    browser.post("/account/", FORM | {"username": "sjef", "email": "x@x.test", "is_staff": "1"})
    user.refresh_from_db()
    assert (user.username, user.email, user.is_staff) == ("kari", "kari@example.test", False)


def test_a_zone_that_came_with_an_import_stays(browser: Client, user: User) -> None:
    User.objects.update(timezone="US/Eastern")
    assert browser.post("/account/", FORM | {"timezone": "US/Eastern"}).status_code == 302


def test_an_unknown_zone_spoils_no_page(browser: Client) -> None:
    User.objects.update(timezone="Mars/Olympus")
    assert browser.get("/account/").status_code == 200


def test_the_answer_comes_in_the_language_chosen(browser: Client) -> None:
    page = browser.post("/account/", FORM | {"language": "en"}, follow=True)
    assert '<html lang="en">' in page.content.decode()


def test_staff_may_use_the_page_too(client: Client) -> None:
    client.force_login(make_staff())
    assert client.get("/account/").status_code == 200
