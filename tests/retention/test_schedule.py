"""The schedule covers every model and field, or `manage.py check` fails."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from django.apps import apps
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection, models
from django.test import Client
from django.test.utils import isolate_apps
from django.utils import translation
from django.utils.html import escape

from retention import checks
from retention.checks import schedule_errors
from retention.entries import DataClass, Entry, OnErasure, kinds
from retention.policy import Period, years
from retention.schedule import ENTRIES, RULES, SCHEDULE, personal_entries

MODELS = apps.get_models(include_auto_created=True)
INVOICE = ENTRIES["accounts.Invoice"]


def ids(entries: dict[str, Entry], extra: list[type[models.Model]] | None = None) -> set[str]:
    return {str(error.id) for error in schedule_errors([*MODELS, *(extra or [])], entries)}


def with_invoice(**changes: object) -> dict[str, Entry]:
    return ENTRIES | {"accounts.Invoice": replace(INVOICE, **changes)}  # type: ignore[arg-type]


@pytest.fixture
def dossier() -> Iterator[type[models.Model]]:
    """A model that somebody adds without telling the schedule."""
    with isolate_apps("accounts"):

        class Dossier(models.Model):
            note = models.CharField(max_length=10)
            customer = models.ForeignKey("accounts.User", models.CASCADE)

            class Meta:
                app_label = "accounts"

            def __str__(self) -> str:
                return self.note

        Dossier._meta.get_field("customer").remote_field.model = apps.get_model("accounts.User")
        yield Dossier


def test_the_schedule_covers_the_portal_as_it_is() -> None:
    assert schedule_errors(MODELS, ENTRIES) == []


def test_each_model_stands_in_it_once() -> None:
    assert len(SCHEDULE) == len(ENTRIES)
    assert len(RULES) == sum(len(entry.rules) for entry in SCHEDULE)


def test_a_model_without_entry_fails(dossier: type[models.Model]) -> None:
    assert ids(ENTRIES, [dossier]) == {"retention.E001"}


def test_a_field_without_entry_fails() -> None:
    fewer = {name: field for name, field in INVOICE.fields.items() if name != "billed_to"}
    assert ids(with_invoice(fields=fewer)) == {"retention.E002"}


def test_an_entry_for_what_is_gone_fails() -> None:
    assert ids(ENTRIES | {"accounts.Gone": replace(INVOICE, model="accounts.Gone")}) == {
        "retention.E003"
    }
    more = kinds(technical="gone") | dict(INVOICE.fields)
    assert ids(with_invoice(fields=more)) == {"retention.E003"}


def test_a_link_to_a_person_that_erasure_does_not_know_fails(dossier: type[models.Model]) -> None:
    entry = Entry(
        model="accounts.Dossier",
        data_class=DataClass.ACCOUNT,
        title="",
        purpose="",
        clause="",
        fields=kinds(technical="id customer", content="note"),
        erasure=OnErasure.DELETE,
        no_clock="never ages",
    )
    known = ENTRIES | {"accounts.Dossier": entry}
    assert ids(known, [dossier]) == {"retention.E005"}
    known["accounts.Dossier"] = replace(entry, subject="customer_id")
    assert ids(known, [dossier]) == set()


def test_seven_years_of_billing_pass_and_a_day_more_fails() -> None:
    rule = INVOICE.rules[0]
    assert ids(with_invoice(rules=(replace(rule, period=years(7)),))) == set()
    longer = Period(months=84, days=1)
    assert ids(with_invoice(rules=(replace(rule, period=longer),))) == {"retention.E004"}
    assert ids(with_invoice(rules=())) == {"retention.E004"}


def test_an_entry_without_rule_says_why() -> None:
    entry = ENTRIES["consent.Preference"]
    assert ids(ENTRIES | {entry.model: replace(entry, no_clock="")}) == {"retention.E006"}


def test_manage_check_fails_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    call_command("check")
    fewer = {name: entry for name, entry in ENTRIES.items() if name != "consent.Leaf"}
    monkeypatch.setattr(checks, "ENTRIES", fewer)
    with pytest.raises(SystemCheckError, match=r"no entry for consent\.Leaf"):
        call_command("check")


def test_standing_choices_and_suppressions_have_no_clock() -> None:
    for model in ("consent.Preference", "consent.Suppression"):
        assert not ENTRIES[model].rules
        assert ENTRIES[model].no_clock


def test_the_account_is_erased_last() -> None:
    assert personal_entries()[-1].model == "accounts.User"


@pytest.mark.django_db
def test_every_row_that_leads_to_an_account_is_erased_before_it() -> None:
    """What PostgreSQL itself knows to refer to an account is a step, or emptied beside."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conrelid::regclass::text, a.attname FROM pg_constraint c "
            "JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1] "
            "WHERE c.contype = 'f' AND c.confrelid = 'accounts_user'::regclass"
        )
        found = set(cursor.fetchall())
    handled = {
        (apps.get_model(entry.model)._meta.db_table, column)
        for entry in SCHEDULE
        for column in (entry.subject, *entry.mentions)
    }
    assert found - handled == {("django_admin_log", "user_id")}


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["nb", "en"])
def test_the_public_page_shows_every_class(client: Client, language: str) -> None:
    page = client.get("/privacy/retention/", headers={"accept-language": language})
    text = page.content.decode()
    assert page.status_code == 200
    with translation.override(language):
        for entry in SCHEDULE:
            assert escape(str(entry.title)) in text
            assert escape(entry.until) in text
    assert ("7 år" if language == "nb" else "7 years") in text
