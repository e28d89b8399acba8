"""Roles with least rights: each right decided once, and no way to one more."""

from datetime import timedelta
from functools import partial
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.db import DatabaseError, IntegrityError, ProgrammingError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from accounts.models import StaffCap, StaffConfirmation, StaffInvitation, User
from accounts.policy import CONFIRMED_FOR
from accounts.roles import Role
from accounts.staff.standing import confirmed_since
from clicksend_portal.demo.declared import declare_access
from clicksend_portal.promises.readings.staff import read_few_see, tell_few_see
from clicksend_portal.promises.words import shown_count
from clicksend_portal.roles import NOBODYS, RIGHTS, sync_roles
from foundation.roles import OWNER, as_role
from tests.consent.looked import look
from tests.factories import NOW, make_customer, make_staff, set_roles
from tests.staff.sign_in import sign_in

pytestmark = pytest.mark.django_db


def rights_of_pages() -> set[str]:
    """Every right on a model with staff pages, or with lines on another's."""
    models = {
        shown
        for model, page in admin.site._registry.items()
        for shown in (model, *(inline.model for inline in page.inlines))
    }
    return {
        f"{model._meta.app_label}.{codename}"
        for model in models
        for codename in (
            *(f"{action}_{model._meta.model_name}" for action in model._meta.default_permissions),
            *(own for own, _name in model._meta.permissions),
        )
    }


def given() -> set[str]:
    return {right for rights in RIGHTS.values() for right in rights}


# --- each right decided --------------------------------------------------------------------------


def test_every_right_of_every_staff_page_is_somebodys_or_nobodys() -> None:
    assert rights_of_pages() - given() - NOBODYS == set()


def test_no_right_is_both_given_and_nobodys() -> None:
    assert given() & NOBODYS == set()


def test_every_right_that_is_named_exists() -> None:
    known = {
        f"{app}.{codename}"
        for app, codename in Permission.objects.values_list("content_type__app_label", "codename")
    }
    assert (given() | NOBODYS) - known == set()


@pytest.mark.parametrize("role", Role)
def test_the_database_gives_a_role_what_the_code_says_and_no_more(role: Role) -> None:
    person = make_staff(roles=[role])
    assert User.objects.get(pk=person.pk).get_all_permissions() == RIGHTS[role]


def test_money_is_for_billing_alone() -> None:
    for right in ("accounts.view_invoice", "accounts.view_transaction"):
        assert [role for role in Role if right in RIGHTS[role]] == [Role.BILLING]


def test_customers_content_has_no_staff_page() -> None:
    content = {"contactlist", "contact", "messagerecord", "messagecontent", "deliveryreport"}
    assert not {m for m in admin.site._registry if m._meta.model_name in content}
    assert not {right for right in given() if right.rpartition("_")[2] in content}


def test_an_auditor_changes_nothing() -> None:
    changing = {right for right in RIGHTS[Role.AUDITOR] if ".view_" not in right}
    # The one thing an auditor writes is why they look.
    assert changing == {"accounts.add_accessgrant"}


def test_whoever_administers_roles_sees_no_customer() -> None:
    customers = ("view_user", "add_accessgrant", "view_message", "view_supportquestion")
    assert not {r for r in RIGHTS[Role.ADMINISTRATOR] if r.partition(".")[2] in customers}


def test_the_roles_follow_the_code_again_after_a_migration() -> None:
    support = Group.objects.get(name=Role.SUPPORT)
    with as_role(OWNER):
        support.permissions.set(Permission.objects.filter(codename="view_invoice"))
        Group.objects.create(name="friends")
        sync_roles()
    assert not support.permissions.filter(codename="view_invoice").exists()
    assert set(Group.objects.values_list("name", flat=True)) == set(Role.values)


# --- no way to one more --------------------------------------------------------------------------


def refused(error: type[DatabaseError], act: Any, match: str | None = None) -> None:
    with pytest.raises(error, match=match), transaction.atomic():
        act()


def test_there_are_no_superusers() -> None:
    person = make_staff(roles=[])
    everybody = User.objects.filter(pk=person.pk)
    refused(IntegrityError, lambda: everybody.update(is_superuser=True), "accounts_no_superuser")


def test_the_portal_widens_no_role_and_gives_no_single_right() -> None:
    person, right = make_staff(roles=["support"]), Permission.objects.all()[:1].get()
    support = Group.objects.get(name="support")
    refused(ProgrammingError, lambda: support.permissions.add(right), "permission denied")
    refused(ProgrammingError, lambda: person.user_permissions.add(right), "permission denied")
    refused(ProgrammingError, lambda: Group.objects.create(name="x"), "permission denied")
    refused(ProgrammingError, lambda: StaffCap.objects.update(most=1000), "permission denied")
    refused(
        ProgrammingError,
        lambda: Permission.objects.filter(pk=right.pk).update(codename="view_invoice"),
        "permission denied",
    )


def test_a_role_is_given_only_with_a_confirmation_that_names_it() -> None:
    person, group = make_staff(roles=["support"]), Group.objects.get(name="billing")
    refused(IntegrityError, lambda: person.groups.add(group), "with a confirmation")
    boss = make_staff(roles=["administrator"])
    person.confirmations.create(
        roles=["support", "billing"], confirmed_by=boss, confirmed_at=timezone.now()
    )
    person.groups.add(group)
    assert person.groups.count() == 2


def test_a_temporary_table_stands_in_for_no_confirmation_and_no_invitation() -> None:
    person, group = make_staff(roles=["support"]), Group.objects.get(name="privacy")
    into_confirmations = "accounts_staffconfirmation (confirmed_at, person_id, roles)"
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE accounts_staffconfirmation ON COMMIT DROP AS "
            "SELECT %s::uuid AS person_id, ARRAY['privacy'] AS roles, now() AS confirmed_at, "
            "uuidv7() AS id",
            [person.pk],
        )
        cursor.execute(
            "CREATE TEMP TABLE accounts_staffinvitation ON COMMIT DROP AS "
            "SELECT %s::uuid AS accepted_by_id, NULL::uuid AS invited_by_id, now() AS accepted_at, "
            "now() + interval '1 day' AS expires_at, ARRAY['privacy'] AS roles",
            [person.pk],
        )
        for statement in (
            "accounts_user_groups (user_id, group_id) SELECT %(w)s, %(g)s",
            f"{into_confirmations} SELECT now(), %(w)s, %(r)s",
        ):
            values: dict[str, Any] = {"w": person.pk, "g": group.pk, "r": ["privacy"]}
            with pytest.raises(IntegrityError, match="confirm"), transaction.atomic():
                cursor.execute(f"INSERT INTO public.{statement}", values)


@pytest.mark.parametrize(("age", "given"), [(364, True), (365, False), (500, False)])
def test_a_role_is_given_on_a_confirmation_of_this_year_alone(age: int, given: bool) -> None:
    long_ago = timezone.now() - timedelta(days=age)
    person, group = make_staff(roles=["support"], email_confirmed_at=long_ago), "support"
    person.groups.clear()
    give = partial(person.groups.add, Group.objects.get(name=group))
    if given:
        give()
    else:
        refused(IntegrityError, give, "with a confirmation")


def test_a_customer_has_no_role() -> None:
    boss, customer = make_staff(), make_customer()
    customer.confirmations.create(roles=["support"], confirmed_by=boss, confirmed_at=NOW)
    group = Group.objects.get(name="support")
    refused(IntegrityError, lambda: customer.groups.add(group), "with a confirmation")


def confirmation(person: User, **fields: Any) -> StaffConfirmation:
    values = {"roles": ["administrator"], "confirmed_at": timezone.now()} | fields
    made: StaffConfirmation = person.confirmations.create(**values)
    return made


@pytest.mark.parametrize("by", ["nobody", "self", "support", "lapsed", "former"])
def test_only_another_administrator_in_force_confirms(by: str) -> None:
    person = make_staff(roles=["administrator"])
    actor: User | None = person if by == "self" else None
    if by == "support":
        actor = make_staff(roles=["support", "privacy"])
    if by == "lapsed":
        actor = make_staff(email_confirmed_at=timezone.now() - CONFIRMED_FOR)
    if by == "former":
        actor = make_staff(roles=["administrator"])
        User.objects.filter(pk=actor.pk).update(is_active=False)
    refused(IntegrityError, lambda: confirmation(person, confirmed_by=actor))


def test_a_confirmation_is_neither_made_ahead_nor_changed_afterwards() -> None:
    person, boss = make_staff(roles=["support"]), make_staff()
    ahead = timezone.now() + timedelta(days=300)
    refused(IntegrityError, lambda: confirmation(person, confirmed_by=boss, confirmed_at=ahead))
    made = StaffConfirmation.objects.filter(pk=confirmation(person, confirmed_by=boss).pk)
    refused(ProgrammingError, lambda: made.update(roles=["billing"]), "permission denied")
    refused(ProgrammingError, lambda: made.update(confirmed_at=ahead), "permission denied")
    refused(IntegrityError, lambda: made.update(confirmed_by=make_staff()), "nobody else")
    refused(ProgrammingError, made.delete, "permission denied")
    refused(ProgrammingError, StaffInvitation.objects.all().delete, "permission denied")
    # An erasure forgets who it was.
    assert made.update(confirmed_by=None) == 1


def test_the_cap_is_the_databases() -> None:
    with as_role(OWNER):
        StaffCap.objects.update(most=2)
    make_staff(roles=[])
    second = make_staff(roles=[])
    refused(IntegrityError, make_staff, "no more than 2")
    customer = make_customer()
    refused(
        IntegrityError, lambda: User.objects.filter(pk=customer.pk).update(is_staff=True), "no more"
    )
    # Whoever left makes room, and does not come back by themselves.
    User.objects.filter(pk=second.pk).update(is_active=False)
    make_staff(roles=[])
    refused(
        IntegrityError, lambda: User.objects.filter(pk=second.pk).update(is_active=True), "no more"
    )


def test_superusers_of_before_become_staff_with_every_role() -> None:
    give = import_module("accounts.migrations.0008_staff_doors").give_superusers_roles
    person = make_customer()
    with as_role(OWNER), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE accounts_user DROP CONSTRAINT accounts_no_superuser")
        User.objects.filter(pk=person.pk).update(is_superuser=True)
        give(apps, cursor)
    person.refresh_from_db()
    assert (person.is_staff, person.is_superuser, person.groups.count()) == (True, False, 8)
    assert confirmed_since(person, now=timezone.now())


# --- in force ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "opens"), [(CONFIRMED_FOR - timedelta(hours=1), True), (CONFIRMED_FOR, False)]
)
def test_an_account_opens_nothing_once_its_year_is_over(
    boss: User, staff: Client, age: timedelta, opens: bool
) -> None:
    set_roles(boss, Role.values)
    with as_role(OWNER):
        boss.confirmations.update(confirmed_at=timezone.now() - age)
    assert (staff.get(reverse("admin:index")).status_code == 200) == opens


def test_few_see_is_unknown_while_nobody_says_who_runs_the_machines() -> None:
    found = read_few_see(timezone.now())
    assert (found.holds, found.known) == (True, False)
    declare_access(now=timezone.now())
    found = read_few_see(timezone.now())
    assert (found.holds, found.known, found.value["declared"]) == (True, True, 4)


def test_few_see_is_broken_by_a_right_that_nobody_decided() -> None:
    make_staff()
    found = read_few_see(timezone.now())
    assert (found.holds, found.value["wider"], found.value["doors_open"]) == (True, 0, 0)
    with as_role(OWNER):
        Group.objects.get(name="support").permissions.add(
            Permission.objects.get(codename="view_invoice")
        )
    found = read_few_see(timezone.now())
    assert (found.holds, found.value["wider"]) == (False, 1)


def test_few_see_is_broken_by_an_account_that_never_gets_a_second_factor() -> None:
    person = make_staff()
    User.objects.filter(pk=person.pk).update(signed_up_at=timezone.now() - timedelta(days=2))
    found = read_few_see(timezone.now())
    assert (found.holds, found.value["without_second_factor"]) == (False, 1)


@pytest.mark.parametrize("age", [None, CONFIRMED_FOR])
def test_few_see_is_broken_by_an_account_that_nobody_confirmed(age: timedelta | None) -> None:
    """It opens nothing, and is still an account that somebody may have."""
    now = timezone.now()
    if age is None:
        make_customer(is_staff=True)
    else:
        make_staff(email_confirmed_at=now - age)
    found = read_few_see(now)
    assert (found.holds, found.value["unconfirmed"]) == (False, 1)
    with translation.override("en"):
        assert "nobody confirmed within" in tell_few_see(found.value)


def test_few_see_tells_a_search_apart_from_a_look_with_its_reason() -> None:
    person = make_customer()
    look(person, what="search", basis="reason", reference="", reason="")
    look(person)
    found = read_few_see(timezone.now())
    assert (found.value["looks"], found.value["found"]) == (shown_count(1), shown_count(1))


def test_a_staff_page_shows_every_role_only_what_it_may(boss: User, staff: Client) -> None:
    set_roles(boss, ["billing"])
    assert staff.get(reverse("admin:accounts_staffaccount_changelist")).status_code == 403
    set_roles(boss, ["administrator"])
    client = sign_in(boss, "password", "mfa")
    assert client.get(reverse("admin:accounts_staffaccount_changelist")).status_code == 200
    assert client.get(reverse("admin:accounts_user_changelist")).status_code == 403
