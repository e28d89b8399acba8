"""Ways to a customer's data that no page leads to, tried at every list of the staff site.

The door's own ways around are in test_access_around.py, a colleague's access and one that ran out
in test_access.py, a session after its end in test_offboarding.py and test_sessions.py.
"""

from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.db import transaction
from django.db.models import Model
from django.test import Client, RequestFactory
from django.urls import reverse
from pytest_django.plugin import DjangoDbBlocker

from accounts.admin.door import CustomerDoor
from accounts.models import AccessEvent, LookUp, User
from accounts.roles import Role
from tests.factories import make_staff
from tests.staff.planted import CONTENT, IDENTITY, MONEY, SAID, Planted, plant
from tests.staff.sign_in import at_work

pytestmark = pytest.mark.slow

WORDS = (*IDENTITY, *SAID, *MONEY, *CONTENT)
READING = ("contains", "startswith", "istartswith", "regex", "range")


@pytest.fixture(scope="module")
def planted(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Planted]:
    with django_db_blocker.unblock(), transaction.atomic():
        yield plant(make_staff(username="boss", language="en"))
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def everything(planted: Planted) -> User:
    """Somebody with every role, to whom no customer is open."""
    return make_staff(roles=Role.values, username="everything", language="en")


@pytest.fixture(scope="module")
def client(everything: User) -> Client:
    return at_work(everything)


def lists() -> list[tuple[type[Model], str]]:
    return [
        (model, reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"))
        for model in admin.site._registry
    ]


def about_people() -> list[tuple[type[Model], str]]:
    pages = admin.site._registry
    return [(model, url) for model, url in lists() if isinstance(pages[model], CustomerDoor)]


def columns(model: type[Model]) -> list[str]:
    """Its own columns, and those of the customer that it names."""
    names = [each.name for each in model._meta.concrete_fields]
    links = [each.name for each in model._meta.concrete_fields if each.related_model is User]
    return [*names, *(f"{link}__{name}" for link in links for name in ("email", "phone"))]


def test_no_list_is_asked_for_a_column_letter_by_letter(client: Client, everything: User) -> None:
    """Each column is asked of the page itself, one of them by its address as well."""
    request = RequestFactory().get("/admin/")
    request.user = everything
    taken = []
    for model, url in lists():
        page = admin.site._registry[model]
        asked = [f"{name}__{how}" for name in columns(model) for how in READING]
        taken += [f"{model._meta.label}: {each}" for each in asked
                  if page.lookup_allowed(each, "s", request)]  # fmt: skip
        assert client.get(url, {asked[-1]: "s"}).status_code == 400, url
    assert not taken, taken


@pytest.mark.parametrize("term", ["solveig", "plantegard", "fjell", "98765678", "PLANTED-2026-77"])
def test_no_list_is_searched_by_a_part_or_by_another_s_words(
    client: Client, planted: Planted, term: str
) -> None:
    """The whole phone number finds a customer on their own list alone, and is written down."""
    for model, url in about_people():
        answer = client.get(url, {"q": term})
        found = [row.pk for row in answer.context["cl"].result_list] if answer.context else []
        if model is User and term == "98765678":
            assert found == [planted.person.pk]
            continue
        shown = str(planted.objects[model._meta.label_lower].pk)
        has_search = bool(admin.site._registry[model].search_fields)
        assert not has_search or not found, (model, shown)


def test_no_list_or_first_page_shows_anybody(client: Client) -> None:
    for url in (reverse("admin:index"), *(url for _model, url in lists())):
        for query in ({"_popup": "1"}, {"all": "", "o": "1"}, {"format": "csv"}):
            body = client.get(url, query, follow=True).text.lower()
            assert not [word for word in WORDS if word in body], (url, query)


def test_no_list_is_exported_and_no_action_but_its_own_is_run(
    client: Client, planted: Planted
) -> None:
    for model, url in about_people():
        key = str(planted.objects[model._meta.label_lower].pk)
        before = model._default_manager.count()
        for action in ("delete_selected", "export", "export_as_csv", "download"):
            sent = {"action": action, "_selected_action": key, "post": "yes", "index": "0"}
            answer = client.post(url, sent)
            assert "attachment" not in answer.get("Content-Disposition", ""), (url, action)
            assert not [word for word in WORDS if word in answer.text.lower()], (url, action)
        assert model._default_manager.count() == before


def test_the_papers_of_the_register_name_nobody(client: Client) -> None:
    for name in ("csv", "pdf"):
        body = client.get(reverse(f"admin:retention_record_{name}")).content.lower()
        assert not [word for word in WORDS if word.encode() in body]


def test_trying_opened_nobody_and_is_counted(
    client: Client, planted: Planted, everything: User
) -> None:
    before = LookUp.objects.filter(staff=everything).count()
    seen = AccessEvent.objects.filter(person_id=planted.person.pk, actor=f"staff:{everything.pk}")
    for model, url in about_people():
        client.get(url, {"id__contains": "1"})
        if model is not User:
            name = f"admin:{model._meta.app_label}_{model._meta.model_name}_history"
            address = reverse(name, args=[planted.objects[model._meta.label_lower].pk])
            assert "/access/" in client.get(address, {"_popup": "1"})["Location"]
    tried = 2 * len(about_people()) - 1
    assert LookUp.objects.filter(staff=everything).count() == before + tried
    # A look-up that found them is told to them; that is all that there is to tell.
    assert not seen.exclude(what="search").exists()
