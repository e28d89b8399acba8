"""The first page of the staff site: what waits for the roles of whoever looks, the late first."""

import uuid
from copy import copy
from datetime import UTC, date, datetime, timedelta

import pytest
from django.apps import apps
from django.contrib import admin
from django.urls import reverse

from accounts import support
from accounts.models import SupportQuestion
from accounts.policy import ANSWER_WITHIN
from accounts.roles import Role
from clicksend_portal.roles import RIGHTS
from clicksend_portal.work import WORK, in_order, labels_for, work_of
from foundation.staff import WorkItem, WorkList
from tests.factories import NOW, make_campaign, make_customer, make_staff
from tests.staff.sign_in import at_work

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 12, 12, tzinfo=UTC)


def asked(now: datetime = NOW) -> SupportQuestion:
    return support.ask(
        customer=make_customer(),
        topic="other",
        channel="email",
        text="How?",
        language="nb",
        form=uuid.uuid4(),
        now=now,
    )


def first_page(*roles: Role, language: str = "en") -> str:
    person = make_staff(roles=roles, language=language)
    return str(at_work(person).get(reverse("admin:index")).text)


# --- who sees what -------------------------------------------------------------------------------


def test_every_list_of_work_is_somebodys() -> None:
    having = {
        model._meta.label_lower
        for model, page in admin.site._registry.items()
        if hasattr(page, "work_list")
    }
    worked = {label for labels in WORK.values() for label in labels}
    assert having == worked


@pytest.mark.parametrize("role", list(Role))
def test_a_role_may_open_every_list_it_works(role: Role) -> None:
    wanted = {".view_".join(label.split(".")) for label in WORK[role]}
    assert wanted <= RIGHTS[role]
    assert len(wanted) == len(WORK[role]), "one stands twice"


def test_billing_waits_for_questions_about_money_only() -> None:
    asked()
    html = first_page(Role.BILLING)
    assert "Questions to answer" in html
    assert "Nobody waits for an answer." in html
    SupportQuestion.objects.update(topic="billing")
    assert "Invoices and payments ·" in first_page(Role.BILLING)


def test_every_role_is_named() -> None:
    assert set(WORK) == set(Role)
    assert {label for labels in WORK.values() for label in labels} <= {
        model._meta.label_lower for model in apps.get_models()
    }


def test_a_role_sees_its_own_lists() -> None:
    asked()
    make_campaign(subject_en="Winter news")
    html = first_page(Role.SUPPORT)
    assert "Questions to answer" in html
    assert "Winter news" not in html
    html = first_page(Role.EDITOR)
    assert "Winter news" in html
    assert "Questions to answer" not in html


def test_two_roles_are_one_page_without_doubles() -> None:
    labels = labels_for([Role.EDITOR, Role.APPROVER])
    assert set(labels) == {*WORK[Role.EDITOR], *WORK[Role.APPROVER]}
    assert len(labels) == len(set(labels))


def test_an_auditor_looks_at_every_list() -> None:
    assert set(labels_for([Role.AUDITOR])) == {label for each in WORK.values() for label in each}


def test_nobody_without_a_role_sees_any() -> None:
    assert labels_for([]) == []
    assert labels_for(["strangers"]) == []


def test_a_list_whose_page_the_role_may_not_open_is_not_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Roles and rights are two tables; where they differ, the right decides."""
    asked()
    request = at_work(make_staff(roles=(Role.SUPPORT,))).get(reverse("admin:index")).wsgi_request
    page = copy(admin.site._registry[SupportQuestion])
    assert len(work_of(request, {SupportQuestion: page}, now=NOW)) == 1
    monkeypatch.setattr(page, "has_view_permission", lambda request: False)
    assert work_of(request, {SupportQuestion: page}, now=NOW) == []


# --- how it is shown -----------------------------------------------------------------------------


def test_what_waits_has_its_day() -> None:
    asked(NOW)
    assert "due " in first_page(Role.SUPPORT)


def test_what_is_past_its_day_is_late_and_counted() -> None:
    asked(NOW - ANSWER_WITHIN - timedelta(days=1))
    asked(NOW)
    html = first_page(Role.SUPPORT)
    assert "late since" in html
    assert "1 late" in html


def test_what_is_assigned_to_me_is_marked() -> None:
    person = make_staff(roles=(Role.SUPPORT,), language="en")
    page = at_work(person)
    question = asked()
    assert "portal-mine" not in page.get(reverse("admin:index")).text
    support.assign(question, actor=person)
    assert "portal-mine" in page.get(reverse("admin:index")).text


def test_more_than_fits_is_told_by_number() -> None:
    for _each in range(12):
        asked()
    assert "2 more" in first_page(Role.SUPPORT)


def test_what_is_empty_is_said_in_a_line() -> None:
    html = first_page(Role.SUPPORT)
    assert "Nobody waits for an answer." in html


def test_the_page_is_in_bokmaal_too() -> None:
    asked()
    assert "Arbeidsliste" in first_page(Role.SUPPORT, language="nb")


@pytest.mark.parametrize(
    ("due", "late"),
    [
        (None, False),
        (NOON.date(), False),
        (date(2026, 3, 11), True),
        (NOON, False),
        (NOON - timedelta(seconds=1), True),
    ],
)
def test_a_day_is_late_when_it_is_over(due: date | datetime | None, late: bool) -> None:
    assert WorkItem(title="x", url="/", due=due).is_late(NOON) == late


def test_the_late_come_first_then_what_is_mine() -> None:
    items = [
        WorkItem(title="plain", url="/"),
        WorkItem(title="mine", url="/", is_mine=True),
        WorkItem(title="late", url="/", due=NOON - timedelta(days=1)),
    ]
    assert [item.title for item, _late in in_order(items, NOON)] == ["late", "mine", "plain"]


def test_a_list_knows_how_many_it_does_not_name() -> None:
    items = [WorkItem(title="x", url="/")]
    assert WorkList(title="x", items=items, empty="", url="/", count=3).unseen == 2
    assert WorkList(title="x", items=items, empty="", url="/").unseen == 0
