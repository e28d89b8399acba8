"""Every staff address, action, column and field times every role, and every API route times every
key: taken from the URL map, held against `tests/staff/matrix.py`."""

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.core.cache import cache
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.test import Client, RequestFactory
from django.utils import timezone, translation
from pytest_django.plugin import DjangoDbBlocker

from accounts.admin.door import CustomerDoor
from accounts.models import PersonalToken, User
from accounts.policy import CONFIRMED_FOR
from accounts.roles import Role
from clicksend_portal import urls
from clicksend_portal.admin_site import NOT_FOR_STAFF
from consent.models import ServiceKey
from retention.admin import record
from tests.api.conftest import Caller, app_of, system
from tests.architecture.addresses import Address, addresses
from tests.factories import make_staff
from tests.staff.door import let_in
from tests.staff.matrix import (
    ANYONE,
    NOBODY,
    NOT_VISITED,
    NOTHING_YET,
    OPENERS,
    OTHERS,
    PAGES,
    REFUSED_IN_WORDS,
    ROUTES,
)
from tests.staff.planted import CONTENT, IDENTITY, MONEY, SAID, Planted, plant, row_of
from tests.staff.sign_in import at_work, sign_in

DECIDE = "decide in tests/staff/matrix.py who gets it"
# What a form says that does several things.
SENT = {"admin:consent_referenceuse_act": {"publish": "1"}}
STEPS = {
    "admin:consent_webhook_step": "pause",
    "admin:retention_privacyrequest_step": "take",
    "admin:messaging_campaign_step": "cancel",
}
ROLES = (*Role.values, "no-role")


@pytest.fixture(scope="module")
def planted(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Planted]:
    """One customer behind every page, for all the tests of this module."""
    refusals = logging.getLogger("django.request")
    refusals.disabled = True  # thousands of them, each with its traceback
    with django_db_blocker.unblock(), transaction.atomic():
        yield plant(make_staff(username="boss", language="en"))
        transaction.set_rollback(True)
    refusals.disabled = False
    cache.clear()


@pytest.fixture(autouse=True)
def empty_cache() -> None:
    """In place of the one that empties it after each test: the dashboards are drawn once."""


@pytest.fixture(autouse=True)
def bare_refusals(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that says no is drawn for thousands of addresses, and is the same each time."""

    def refuse(request: HttpRequest, exception: Exception) -> HttpResponse:
        return HttpResponseForbidden()

    monkeypatch.setattr(urls, "handler403", refuse, raising=False)


@pytest.fixture(autouse=True)
def pages_without_their_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same menu beside every page: the first page and those of each app still have it."""
    monkeypatch.setattr(admin.site, "enable_nav_sidebar", False)
    read = admin.site.get_app_list
    menus: dict[Any, list[Any]] = {}

    def read_once(request: HttpRequest, app_label: str | None = None) -> list[Any]:
        key = request.user.pk, app_label, translation.get_language()
        if key not in menus:
            menus[key] = read(request, app_label)
        return menus[key]

    monkeypatch.setattr(admin.site, "get_app_list", read_once)


@pytest.fixture(autouse=True)
def paper_undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands in the record of processing is another test's; setting it takes a second."""
    monkeypatch.setattr(record, "as_pdf", lambda *args, **named: b"%PDF")


# --- the decisions -------------------------------------------------------------------------------


def decisions() -> dict[str, tuple[str, str]]:
    """Who gets and who posts to each named staff address."""
    decided = dict(OTHERS)
    for label, pages in PAGES.items():
        name = f"admin:{label.replace('.', '_')}"
        decided |= {
            f"{name}_changelist": (pages.see, pages.see),
            f"{name}_history": (pages.see, pages.see),
            f"{name}_change": (pages.see, pages.change),
            f"{name}_add": (pages.add, pages.add),
            f"{name}_delete": (pages.delete, pages.delete),
            **{f"{name}_{own}": who for own, who in pages.own.items()},
        }
    return decided


def staff_addresses() -> list[Address]:
    found = {each.route: each for each in addresses() if each.route.startswith("admin/")}
    return [each for each in found.values() if each.name not in NOT_VISITED]


def label_of(address: Address) -> str:
    found = re.match(r"admin/(\w+)/(\w+)/", address.route)
    return f"{found[1]}.{found[2]}" if found else ""


def test_every_staff_address_has_a_decision_and_every_decision_an_address() -> None:
    named = {each.name for each in staff_addresses() if each.name != "admin:"}
    assert not (new := named - decisions().keys()), f"{DECIDE}: {sorted(new)}"
    assert not (gone := decisions().keys() - named), f"no such address any more: {sorted(gone)}"


def test_an_address_without_a_name_only_leads_elsewhere() -> None:
    routes = {each.route for each in staff_addresses() if each.name == "admin:"}
    stock = {f"admin/{label.replace('.', '/')}/%(object_id)s/" for label in PAGES}
    assert routes == {*stock, "admin/%(url)s"}, f"name it, and {DECIDE}"


def test_every_page_of_a_model_has_a_decision() -> None:
    registered = {model._meta.label_lower for model in admin.site._registry}
    assert registered == PAGES.keys(), f"{DECIDE}: {sorted(registered ^ PAGES.keys())}"
    assert registered.isdisjoint(NOT_FOR_STAFF)


def test_every_role_of_a_decision_exists() -> None:
    words = " ".join(f"{gets} {posts}" for gets, posts in decisions().values())
    assert set(words.split()) <= set(ROLES)


def everybody(planted: Planted) -> Iterator[HttpRequest]:
    """A request of somebody with every role, and one of whoever only reads."""
    for number, roles in enumerate((tuple(Role.values), ("auditor",))):
        request = RequestFactory().get("/admin/")
        request.user = make_staff(roles=roles, username=f"reader{number}")
        yield request


def test_every_action_column_and_field_has_a_decision(planted: Planted) -> None:
    undecided = []
    requests = list(everybody(planted))
    for model, page in admin.site._registry.items():
        label, shown = model._meta.label_lower, PAGES[model._meta.label_lower]
        found = {"actions": set[str](), "columns": set[str](), "fields": set[str]()}
        for request in requests:
            found["actions"] |= set(page.get_actions(request))
            found["columns"] |= {str(each) for each in page.get_list_display(request)}
            for obj in (None, planted.objects[label]):
                found["fields"] |= set(flatten_fieldsets(page.get_fieldsets(request, obj)))
                for inline in page.get_inline_instances(request, obj):
                    of = inline.model._meta.model_name
                    lines = flatten_fieldsets(inline.get_fieldsets(request, obj))
                    found["fields"] |= {f"{of}.{name}" for name in lines}
        for what, names in found.items():
            decided = set(getattr(shown, what).split())
            if names - decided:
                undecided.append(f"{label}: {what} {sorted(names - decided)}")
            if decided - names:
                undecided.append(f"{label}: no {what} {sorted(decided - names)} any more")
    assert not undecided, "decide in tests/staff/matrix.py:\n" + "\n".join(undecided)


@pytest.mark.parametrize("role", ROLES)
def test_an_action_of_a_list_is_offered_to_its_roles_alone(planted: Planted, role: str) -> None:
    """What is not offered is not run: stock admin takes an action from the same list."""
    request = RequestFactory().get("/admin/")
    request.user = make_staff(roles=[] if role == "no-role" else [role], username=f"a-{role}")
    for model, page in admin.site._registry.items():
        pages = PAGES[model._meta.label_lower]
        if role in pages.see.split():
            offered = set(page.get_actions(request))
            decided = set(pages.actions.split()) if role in pages.act.split() else set()
            assert offered == decided, f"{model._meta.label}: decide in tests/staff/matrix.py"


def test_what_is_a_customer_s_own_stands_behind_the_door() -> None:
    for model, page in admin.site._registry.items():
        pages = PAGES[model._meta.label_lower]
        assert isinstance(page, CustomerDoor) == pages.door, model
        assert pages.door or not pages.personal, model
        assert set(pages.personal.split()) <= set(pages.fields.split()), model
        assert not set(pages.personal.split()) & set(pages.columns.split()), model


# --- every role at every address -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    leads_to: str
    body: str
    changed: bool

    @property
    def asks_why(self) -> bool:
        return self.status == 302 and self.leads_to.endswith("/access/")

    @property
    def is_shut(self) -> bool:
        return self.status in (403, 404, 405)

    def words(self, *kinds: tuple[str, ...]) -> list[str]:
        return [value for kind in kinds for value in kind if value in self.body]


def visit(client: Client, method: str, address: Address, planted: Planted) -> Answer:
    """What the page answers; whatever the visit changed is taken back."""
    obj = planted.objects.get(label_of(address))
    key = obj.pk if obj is not None else None
    values = {"object_id": key, "pk": key, "person_id": planted.person.pk, "content_type_id": 1}
    values |= {"app_label": "accounts", "url": "no/such/page", "promise_id": "few-see"}
    values["step"] = STEPS.get(address.name, "approve")
    path = "/" + "".join(form % {n: values[n] for n in names} for form, names in address.parts)
    before = transaction.savepoint()
    answer = getattr(client, method)(path, SENT.get(address.name) if method == "post" else None)
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    now = row_of(obj) if obj is not None else None
    transaction.savepoint_rollback(before)
    return Answer(
        status=answer.status_code,
        leads_to=answer.get("Location", "").partition("?")[0],
        body=body.decode(errors="replace").lower(),
        changed=now != (planted.rows[label_of(address)] if obj is not None else None),
    )


@pytest.mark.slow
@pytest.mark.parametrize("role", ROLES)
def test_a_role_gets_its_pages_and_no_other(planted: Planted, role: str) -> None:
    person = make_staff(
        roles=[] if role == "no-role" else [role], username=f"r-{role}", language="en"
    )
    client = at_work(person)
    wrong: list[str] = []
    asked = []
    for address, method in visits():
        answer = visit(client, method, address, planted)
        if answer.asks_why:
            asked.append((address, method))
        wrong += faults(address, method, role, answer, is_open=False)
    if role in OPENERS.split():
        let_in(person, planted.person)
        for address, method in asked:
            answer = visit(client, method, address, planted)
            wrong += faults(address, method, role, answer, is_open=True)
    assert not wrong, "by tests/staff/matrix.py:\n" + "\n".join(wrong)


def visits() -> Iterator[tuple[Address, str]]:
    """Each named address, by GET and by POST; by one of them where both were decided alike.

    A POST of nothing shows a form again, as a GET would.
    """
    for address in staff_addresses():
        gets, posts = decisions().get(address.name, ("", ""))
        if address.name == "admin:":
            continue
        if gets != posts:
            yield from ((address, "get"), (address, "post"))
        else:
            yield address, "get" if address.name.endswith(("_changelist", "_history")) else "post"


def faults(
    address: Address, method: str, role: str, answer: Answer, *, is_open: bool
) -> Iterator[str]:
    """Where the answer is not what was decided."""
    name = address.name
    said = f"{method.upper()} {name}: {answer.status}"
    pages = PAGES.get(label_of(address))
    gets, posts = decisions().get(name, (NOBODY, NOBODY))
    may = role in (gets if method == "get" else posts).split()
    seen = (IDENTITY, SAID) if not is_open else ()
    pays = is_open and role == Role.BILLING and name == "admin:accounts_user_change"
    if words := answer.words(*seen, *(() if pays else (MONEY,)), CONTENT):
        yield f"{said} shows {words}"
    if answer.status >= 500 or "/login" in answer.leads_to:
        yield f"{said} {answer.leads_to}"
    if answer.asks_why:
        # Who sees the list is asked for a reason, whatever they were going to do.
        if is_open or pages is None or not pages.door or role not in pages.see.split():
            yield f"{said} asks for a reason"
    elif may and answer.is_shut and not (answer.status == 404 and name in NOTHING_YET):
        yield f"{said}, but {role} may"
    elif may and pages is not None and pages.door and not is_open and about_one(address):
        yield f"{said} without a reason"
    elif not may and not answer.is_shut and not (method == "post" and name in REFUSED_IN_WORDS):
        yield f"{said}, but {role} may not"
    if answer.changed and (not may or method == "get"):
        yield f"{said} changed the row"


def about_one(address: Address) -> bool:
    names = [name for _form, names in address.parts for name in names]
    return bool(names) and address.name != "admin:accounts_user_access"


OUTSIDERS = ("nobody", "customer", "password-only", "unconfirmed", "former")


def outsider(who: str, planted: Planted) -> Client:
    if who == "nobody":
        return Client()
    if who == "customer":
        return at_work(planted.person)
    if who == "unconfirmed":
        return at_work(make_staff(email_confirmed_at=timezone.now() - CONFIRMED_FOR, username=who))
    person = make_staff(username=who)
    client = at_work(person) if who == "former" else sign_in(person, "password")
    if who == "former":
        User.objects.filter(pk=person.pk).update(is_active=False)
    return client


@pytest.mark.slow
@pytest.mark.parametrize("who", OUTSIDERS)
def test_whoever_is_not_at_work_gets_no_page(planted: Planted, who: str) -> None:
    client = outsider(who, planted)
    for address in staff_addresses():
        answer = visit(client, "get", address, planted)
        assert answer.is_shut or answer.status in (301, 302), (address.name, answer.status)
        assert not answer.asks_why, address.name
        assert not answer.words(IDENTITY, SAID, MONEY, CONTENT), address.name


# --- every key at every route --------------------------------------------------------------------


def routes() -> dict[str, Address]:
    return {each.name: each for each in addresses() if each.route.startswith("api/")}


def test_every_route_of_the_api_has_a_decision() -> None:
    assert routes().keys() == ROUTES.keys(), f"decide: {sorted(routes().keys() ^ ROUTES.keys())}"


def callers(planted: Planted) -> dict[str, Client]:
    customer, staff = Caller(), Caller()
    customer.force_login(planted.person)
    staff.force_login(make_staff(username="api-staff"))
    return {
        "nobody": Caller(),
        "customer": customer,
        "staff": staff,
        **{
            f"token:{s.value}": app_of(planted.person, (s.value,), name=s.value)
            for s in PersonalToken.Scope
        },
        **{f"key:{s.value}": system(s, name=s.value) for s in ServiceKey.Scope},
    }


@pytest.mark.slow
def test_each_key_opens_its_routes_and_no_other(planted: Planted) -> None:
    wrong = []
    for who, client in callers(planted).items():
        for name, address in routes().items():
            cache.clear()  # how often one may ask is another test's
            path = "/" + "".join(
                form % dict.fromkeys(names, "newsletter") for form, names in address.parts
            )
            for method in ("get", "post", "put", "patch", "delete"):
                before = transaction.savepoint()
                answer = getattr(client, method)(path, content_type="application/json")
                transaction.savepoint_rollback(before)
                may = ROUTES[name].get(method, "")
                is_open = answer.status_code not in (401, 403, 404, 405)
                if answer.status_code >= 500 or is_open != (may == ANYONE or who in may.split()):
                    wrong.append(f"{method.upper()} {name} as {who}: {answer.status_code}")
                if who != "customer" and b"solveig" in answer.content.lower():
                    wrong.append(f"{name} as {who} names the customer")
    assert not wrong, "by tests/staff/matrix.py:\n" + "\n".join(wrong)
