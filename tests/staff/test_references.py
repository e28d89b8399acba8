"""Staff in the reference program: planned by a yes, worded by both, published, taken down."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from django.contrib import admin
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from accounts.models import AccessEvent, LookUp, User
from consent.models import ReferenceUse, SalesCall, Takedown
from consent.reference import services
from tests.factories import NOW, make_customer, make_staff
from tests.references import QUOTE, plan, published, say_no, takedown_of, word
from tests.staff.sign_in import SECRET, sign_in

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
State = ReferenceUse.State


@pytest.fixture
def kari() -> User:
    return make_customer(
        yes=("reference_quote", "reference_name", "reference_sales_call"),
        first_name="Kari",
        last_name="Nordmann",
        email="kari@nordmann.example",
    )


@pytest.fixture
def editor() -> User:
    return colleague("editor")


@pytest.fixture
def desk(editor: User) -> Client:
    return sign_in(editor, "password", "mfa")


def colleague(*roles: str) -> User:
    person = make_staff(roles=roles, language="en")
    TOTP.activate(person, SECRET)
    return person


def page(client: Client, row: Any) -> Any:
    return client.get(reverse(f"admin:{row._meta.db_table}_change", args=[row.pk]), follow=True)


def act(client: Client, row: Any, name: str = "act", **fields: Any) -> Any:
    url = reverse(f"admin:{row._meta.db_table}_{name}", args=[row.pk])
    return client.post(url, fields, follow=True)


def plan_by_form(client: Client, **fields: Any) -> Any:
    values: dict[str, Any] = {
        "customer": "kari@nordmann.example",
        "place": "references",
        "title": "Nordmann Trykk",
        "url": "",
        "copies": "",
    } | fields
    url = reverse("admin:consent_referenceuse_add")
    if "topic" not in values:
        found = client.get(url).context["adminform"].form.fields["topic"].queryset
        values["topic"] = found.get(slug="reference_quote").pk
    return client.post(url, values, follow=True)


# --- planning ------------------------------------------------------------------------------------


def test_a_use_is_planned_for_a_granted_activity_and_is_its_planners(
    kari: User, desk: Client, editor: User
) -> None:
    answer = plan_by_form(desk)
    use = ReferenceUse.objects.get()
    assert (use.person, use.state, use.responsible) == (kari, State.PLANNED, editor)
    assert answer.redirect_chain[-1][0] == reverse(
        "admin:consent_referenceuse_change", args=[use.pk]
    )
    assert "It is planned." in answer.text
    assert LookUp.objects.filter(staff=editor, by="email", found=True).count() == 1


@pytest.mark.parametrize(
    "named", ["kari@nordmann.exampl", "kari", "Nordmann", "ola@nordmann.example", "12345"]
)
def test_nobody_is_found_by_a_part_and_a_no_is_not_told_from_a_stranger(
    kari: User, desk: Client, named: str
) -> None:
    make_customer(no=("reference_quote",), email="ola@nordmann.example")
    answer = plan_by_form(desk, customer=named)
    assert "Nobody with this address or number has said yes to this activity." in answer.text
    assert not ReferenceUse.objects.exists()
    assert LookUp.objects.count() == 1


@pytest.mark.parametrize(
    "elsewhere", [{"url": "https://elsewhere.example/kunder"}, {"copies": "500 brosjyrer"}]
)
@pytest.mark.usefixtures("kari")
def test_a_use_on_our_page_stands_nowhere_else(desk: Client, elsewhere: dict[str, str]) -> None:
    answer = plan_by_form(desk, **elsewhere)
    assert "Plan other places as uses of their own." in answer.text
    assert not ReferenceUse.objects.exists()


def test_the_work_list_shows_what_does_not_wait_for_the_customer(
    kari: User, editor: User, rf: RequestFactory
) -> None:
    fresh, asked, answered, declined = (plan(kari, title=f"Use {n}") for n in range(4))
    for use in (asked, answered, declined):
        services.write_text(use, nb="Bra.", en="", by_customer=False, actor="staff:x", now=NOW)
    services.approve_text(answered.texts.get(), by_customer=True, actor="self", now=NOW)
    services.decline_text(declined.texts.get(), now=NOW)
    request = rf.get("/admin/")
    request.user = editor
    shown = admin.site.get_model_admin(ReferenceUse).work_list(request)  # type: ignore[attr-defined]
    assert shown is not None
    there = {item.url for item in shown.items}
    waiting = {fresh, answered, declined}
    assert there == {reverse("admin:consent_referenceuse_change", args=[use.pk]) for use in waiting}
    assert shown.count == 3
    # Their answer was to older words.
    services.write_text(declined, nb="Ny.", en="", by_customer=False, actor="staff:x", now=NOW)
    shown = admin.site.get_model_admin(ReferenceUse).work_list(request)  # type: ignore[attr-defined]
    assert shown is not None
    assert shown.count == 2


def test_a_no_between_the_form_and_the_row_is_a_no(
    kari: User, desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = services.plan_use

    def too_late(person: User, *args: Any, **kwargs: Any) -> Any:
        say_no(person)
        return really(person, *args, **kwargs)

    monkeypatch.setattr(services, "plan_use", too_late)
    answer = plan_by_form(desk)
    assert "Nobody with this address or number has said yes" in answer.text
    assert not ReferenceUse.objects.exists()


def test_another_place_needs_an_address_or_its_copies(kari: User, desk: Client) -> None:
    answer = plan_by_form(desk, place="website")
    assert "Say where it is: an address, or which files and copies." in answer.text
    assert not ReferenceUse.objects.exists()
    plan_by_form(desk, place="website", url="https://elsewhere.example/kunder")
    assert ReferenceUse.objects.get().url == "https://elsewhere.example/kunder"


# --- words and publication -----------------------------------------------------------------------


def test_words_go_to_the_customer_and_appear_after_both_said_yes(
    kari: User, desk: Client, editor: User
) -> None:
    use = plan(kari, responsible=editor)
    assert "step-publish" not in page(desk, use).text
    act(desk, use, write="1", nb=QUOTE, en="", remark="As we said on the phone")
    text = use.texts.get()
    assert (text.by_customer, text.staff_approved_by) == (False, f"staff:{editor.pk}")
    assert "The customer has not answered yet." in page(desk, use).text
    act(desk, use, publish="1")
    use.refresh_from_db()
    assert use.state == State.PLANNED

    services.approve_text(text, by_customer=True, actor="self", now=NOW)
    assert "step-publish" in page(desk, use).text
    assert "It is published." in act(desk, use, publish="1").text
    use.refresh_from_db()
    assert use.state == State.PUBLISHED


def test_the_customers_own_words_are_approved_by_us_in_the_version_that_was_read(
    kari: User, desk: Client, editor: User
) -> None:
    use = plan(kari, responsible=editor)
    mine: dict[str, Any] = {"by_customer": True, "actor": "self", "now": NOW}
    services.write_text(use, nb="Første utgave her.", en="", **mine)
    services.write_text(use, nb="Andre utgave her.", en="", **mine)
    act(desk, use, approve="1", version="1")
    assert not use.texts.exclude(staff_approved_at=None).exists()
    act(desk, use, approve="1", version="2")
    assert use.texts.get(version=2).staff_approved_by == f"staff:{editor.pk}"


@pytest.mark.parametrize("version", ["", "x", "99999999999999999999", "7"])
def test_a_version_that_is_none_is_refused(
    kari: User, desk: Client, editor: User, version: str
) -> None:
    use = plan(kari, responsible=editor)
    services.write_text(use, nb="Ord her nå.", en="", by_customer=True, actor="self", now=NOW)
    assert act(desk, use, approve="1", version=version).status_code == 200
    assert use.texts.get().staff_approved_at is None


def test_words_of_nothing_are_refused_and_nothing_is_sent(
    kari: User, desk: Client, editor: User
) -> None:
    use = plan(kari, responsible=editor)
    assert "Nothing was changed" in act(desk, use, write="1", nb=" ", en="").text
    name = plan(kari, "reference_name", responsible=editor)
    act(desk, name, write="1", nb="Ord", en="")
    assert not name.texts.exists()


def test_a_use_is_ended_by_staff_like_by_its_customer(
    kari: User, desk: Client, editor: User
) -> None:
    planned, shown = plan(kari, responsible=editor), published(kari, responsible=editor)
    act(desk, planned, end="1")
    act(desk, shown, end="1")
    planned.refresh_from_db()
    shown.refresh_from_db()
    assert (planned.state, shown.state) == (State.REMOVED, State.TAKING_DOWN)
    assert "It has to be taken down" in page(desk, shown).text


def test_nothing_is_published_after_a_no(kari: User, desk: Client, editor: User) -> None:
    use = plan(kari, responsible=editor)
    word(use)
    say_no(kari)
    act(desk, use, publish="1")
    use.refresh_from_db()
    assert use.state == State.REMOVED


# --- takedowns -----------------------------------------------------------------------------------


def coming_down(kari: User, **fields: Any) -> Takedown:
    use = published(kari, place="print", copies="500 brochures", **fields)
    say_no(kari)
    return takedown_of(use)


def test_a_removal_is_recorded_with_what_was_checked(
    kari: User, desk: Client, editor: User
) -> None:
    takedown = coming_down(kari, responsible=editor)
    assert "500 brochures" in page(desk, takedown).text
    assert "Nothing was saved" in act(desk, takedown, checked="gone").text
    answer = act(desk, takedown, checked="All 500 are pulped; I was there.")
    assert "It is gone, with proof." in answer.text
    takedown.refresh_from_db()
    assert takedown.checked == "All 500 are pulped; I was there."
    assert takedown.checked_by == f"staff:{editor.pk}"
    assert takedown.use.state == State.REMOVED
    assert "step-removed" not in page(desk, takedown).text


def test_a_takedown_that_is_late_says_so_on_the_first_page(
    kari: User, desk: Client, editor: User
) -> None:
    takedown = coming_down(kari, responsible=editor)
    start = desk.get(reverse("admin:index")).text
    assert "References to take down" in start
    assert reverse("admin:consent_takedown_change", args=[takedown.pk]) in start


def test_a_colleague_takes_it_over_and_may_then_look(kari: User, editor: User) -> None:
    takedown = coming_down(kari, responsible=editor)
    other = colleague("editor")
    client = sign_in(other, "password", "mfa")
    # Not theirs yet: the page asks for a reason first, and offers this work as one.
    assert "/access/" in page(client, takedown).redirect_chain[-1][0]
    Takedown.objects.filter(pk=takedown.pk).update(owner=other)
    assert "500 brochures" in page(client, takedown).text


def test_the_owner_looks_without_a_reason_and_the_customer_can_read_that_they_did(
    kari: User, desk: Client, editor: User
) -> None:
    takedown = coming_down(kari, responsible=editor)
    page(desk, takedown)
    (event,) = AccessEvent.objects.filter(person_id=kari.pk)
    assert (event.what, event.basis, event.role) == ("reference", "reference", "editor")
    assert event.reference == str(takedown.use_id)[-12:]


def test_of_a_customer_who_was_erased_the_takedown_stays_open_to_be_done(
    kari: User, desk: Client
) -> None:
    takedown = coming_down(kari)
    ReferenceUse.objects.filter(pk=takedown.use_id).update(person=None, title="")
    assert "500 brochures" in page(desk, takedown).text
    act(desk, takedown, checked="All 500 are pulped; I was there.")
    takedown.refresh_from_db()
    assert takedown.closed_at is not None


# --- sales calls ---------------------------------------------------------------------------------


def ask_by_form(client: Client, **fields: Any) -> Any:
    values = {
        "customer": "kari@nordmann.example",
        "with_whom": "Fjellsport AS",
        "about": "How you send reminders",
        "answer_until": (timezone.localdate() + timedelta(days=7)).isoformat(),
    } | fields
    return client.post(reverse("admin:consent_salescall_add"), values, follow=True)


def test_a_call_is_asked_for_answered_and_made(kari: User, desk: Client, editor: User) -> None:
    assert "The customer is asked" in ask_by_form(desk).text
    call = SalesCall.objects.get()
    assert (call.person, call.asked_by, call.answer) == (kari, editor, "open")
    assert "step-made" not in page(desk, call).text
    act(desk, call, "made")
    call.refresh_from_db()
    assert call.made_at is None

    services.answer_call(call, accept=True, now=timezone.now())
    assert "Sales calls to make" in desk.get(reverse("admin:index")).text
    assert "step-made" in page(desk, call).text
    act(desk, call, "made")
    call.refresh_from_db()
    assert call.made_at is not None


def test_no_call_is_asked_for_without_a_yes_beyond_the_number_or_for_yesterday(
    kari: User, desk: Client
) -> None:
    services.set_call_limit(kari, 0)
    assert "takes no more calls this year" in ask_by_form(desk).text
    say_no(kari, "reference_sales_call")
    assert "Nobody with this address or number" in ask_by_form(desk).text
    late = timezone.localdate().isoformat()
    assert "at least until tomorrow" in ask_by_form(desk, answer_until=late).text
    assert not SalesCall.objects.exists()


# --- who may what --------------------------------------------------------------------------------


def test_lists_show_no_name_no_address_and_no_words(kari: User, desk: Client) -> None:
    published(kari)
    coming_down(kari, title="Nordmann på trykk")
    services.ask_for_call(
        make_customer(yes=("reference_sales_call",), last_name="Nordmann"),
        about="Nordmann",
        with_whom="Nordmann",
        staff=None,
        answer_until=timezone.now() + timedelta(days=3),
        now=timezone.now(),
    )
    for model in ("referenceuse", "takedown", "takedown?state=open", "salescall"):
        model, _mark, query = model.partition("?")
        found = desk.get(reverse(f"admin:consent_{model}_changelist") + f"?{query}")
        assert found.status_code == 200
        assert "K. N." in found.text
        assert "Nordmann" not in found.text
        assert kari.email not in found.text


def test_a_list_cannot_be_asked_about_a_person(kari: User, desk: Client) -> None:
    published(kari)
    for query in ("person__email__startswith=k", "person__last_name=Nordmann", "title=x"):
        url = reverse("admin:consent_referenceuse_changelist")
        found = desk.get(f"{url}?{query}", follow=True)
        assert "K. N." not in found.text or found.redirect_chain


@pytest.mark.parametrize(
    ("role", "steps"),
    [
        ("support", ()),
        ("auditor", ()),
        ("privacy", ("end",)),
        ("billing", None),
        ("approver", None),
        ("administrator", None),
    ],
)
def test_each_role_does_its_part_and_no_more(
    kari: User, role: str, steps: tuple[str, ...] | None
) -> None:
    person = colleague(role)
    client = sign_in(person, "password", "mfa")
    use = plan(kari, responsible=person)
    word(use)
    if steps is None:
        assert client.get(reverse("admin:consent_referenceuse_changelist")).status_code == 403
    assert client.get(reverse("admin:consent_referenceuse_add")).status_code == 403
    for step in ("write", "approve", "take"):
        act(client, use, **{step: "1", "nb": "x", "version": "1"})
    assert use.texts.count() == 1
    act(client, use, end="1")
    use.refresh_from_db()
    if "end" not in (steps or ()):
        assert use.state == State.PLANNED


def test_a_look_changes_nothing(kari: User, desk: Client, editor: User) -> None:
    use = plan(kari, responsible=editor)
    takedown = coming_down(kari, responsible=editor)
    look: Callable[[str], Any] = desk.get
    for row, name in ((use, "act"), (takedown, "act")):
        assert look(reverse(f"admin:{row._meta.db_table}_{name}", args=[row.pk])).status_code == 405
