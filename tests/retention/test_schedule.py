"""The schedule covers every model and field, or `manage.py check` fails."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection, models
from django.db.models import Q
from django.test import Client
from django.test.utils import isolate_apps
from django.utils import translation
from django.utils.html import escape

from retention import checks
from retention.checks import schedule_errors
from retention.entries import DataClass, Entry, Field, Kind, Leaves, OnErasure, Removal, Then, kinds
from retention.policy import Period, years
from retention.schedule import ENTRIES, RULES, SCHEDULE, personal_entries
from retention.staying import OF_A_PART, outlives
from retention.words import ERASURE_MEANINGS, KIND_MEANINGS

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
    assert ids(with_invoice(rules=())) == {"retention.E004", "retention.E010"}


@pytest.mark.parametrize(
    ("period", "found"),
    [
        (years(7), set()),
        (Period(months=72, from_year_end=True), set()),
        (Period(months=84, days=1), {"retention.E004"}),
        (Period(months=73, from_year_end=True), {"retention.E004"}),
    ],
)
def test_no_company_keeps_billing_longer_either(
    settings: Any, period: Period, found: set[str]
) -> None:
    settings.LEGAL_ENTITIES = {"no": years(5), "xx": period}
    assert ids(dict(ENTRIES)) == found


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("accounts.User", "password"),
        ("accounts.PersonalToken", "digest"),
        ("consent.ConsentDetail", "salt"),
        ("accounts.Session", "session_key"),
        ("account.EmailConfirmation", "key"),
        ("mfa.Authenticator", "data"),
        ("accounts.User", "address_hashes"),
    ],
)
def test_an_exported_secret_fails(model: str, name: str) -> None:
    entry = ENTRIES[model]
    shown = dict(entry.fields) | {name: Field(Kind.TECHNICAL, exported=True)}
    assert ids(ENTRIES | {model: replace(entry, fields=shown)}) == {"retention.E007"}
    hidden = replace(entry, fields=shown, exported=False)
    assert ids(ENTRIES | {model: hidden}) == set()


def test_raw_bytes_are_never_exported() -> None:
    entry = ENTRIES["messaging.UploadPart"]
    bare = {name: Field(field.kind, exported=True) for name, field in entry.fields.items()}
    assert ids(ENTRIES | {entry.model: replace(entry, fields=bare, exported=True)}) == {
        "retention.E007"
    }


@pytest.mark.parametrize("clock", ["settled", "amount", "customer", "customer__email", "id"])
def test_a_clock_that_is_no_date_fails(clock: str) -> None:
    rule = replace(INVOICE.rules[0], clock=clock)
    assert ids(with_invoice(rules=(rule,))) == {"retention.E008"}


@pytest.mark.parametrize("clock", ["settled_on", "date", "customer__signed_up_at"])
def test_a_clock_may_stand_in_a_row_beside(clock: str) -> None:
    rule = replace(INVOICE.rules[0], clock=clock)
    assert ids(with_invoice(rules=(rule,))) == set()


def test_a_table_of_months_has_its_clock_in_its_key() -> None:
    entry = ENTRIES["messaging.MessageContent"]
    (rule,) = entry.rules
    wrong = replace(entry, rules=(replace(rule, clock="body"),))
    assert ids(ENTRIES | {entry.model: wrong}) == {"retention.E008"}


@pytest.mark.parametrize(
    "changes",
    [
        {"begins": "begun"},
        {"blanked": ("payer_id",)},
        {"blanked": ("amount",)},
        {"mentions": ("seller_id",)},
        {"rules": (replace(INVOICE.rules[0], entity="company"),)},
        {"rules": (replace(INVOICE.rules[0], only=Q(paid=True)),)},
    ],
    ids=str,
)
def test_a_name_that_leads_nowhere_fails(changes: dict[str, Any]) -> None:
    assert ids(with_invoice(**changes)) == {"retention.E008"}


@pytest.mark.parametrize("changes", [{"law": ""}, {"why_kept": ""}])
def test_what_outlives_an_erasure_says_why_and_under_which_law(changes: dict[str, Any]) -> None:
    assert ids(with_invoice(**changes)) == {"retention.E009"}


@pytest.mark.parametrize("model", [each.model for each in SCHEDULE if outlives(each)])
@pytest.mark.parametrize("changes", [{"law": ""}, {"why_kept": ""}], ids=str)
def test_so_does_whatever_outlives_one_blanked_rows_and_notices_too(
    model: str, changes: dict[str, Any]
) -> None:
    entry = ENTRIES[model]
    # A class that goes is said to outlive by that reason alone.
    goes = "why_kept" in changes and entry.erasure == OnErasure.DELETE
    assert ids(ENTRIES | {model: replace(entry, **changes)}) == (
        set() if goes else {"retention.E009"}
    )


def test_what_a_part_leaves_says_why_and_under_which_law() -> None:
    assert all(why and law for why, law in OF_A_PART.values())


def test_what_is_blanked_says_which_columns() -> None:
    entry = ENTRIES["retention.PhysicalItem"]
    assert ids(ENTRIES | {entry.model: replace(entry, blanked=())}) == {"retention.E009"}


def with_leaves(model: str, leaves: Leaves | None) -> dict[str, Entry]:
    entry = ENTRIES[model]
    (rule,) = entry.rules
    return ENTRIES | {model: replace(entry, rules=(replace(rule, leaves=leaves),))}


def test_what_a_rule_leaves_must_stay_and_fit_how_it_removes() -> None:
    """De-identified is a message only while its record stands, and stands longer."""
    content, record = "messaging.MessageContent", "messaging.MessageRecord"
    for leaves, errors in (
        (Leaves(record, "it stays", Then.BLANK), set()),
        (Leaves("messaging.Gone", "it stays", Then.BLANK), {"retention.E010"}),
        (Leaves(content, "it stays", Then.BLANK), {"retention.E010"}),
        (Leaves("retention.Export", "it stays", Then.BLANK), {"retention.E010"}),
        (Leaves(record, "it stays", Then.DELETE), {"retention.E010"}),
    ):
        assert ids(with_leaves(content, leaves)) == errors
    in_batches = with_leaves("messaging.Report", Leaves(record, "it stays", Then.BLANK))
    assert ids(in_batches) == {"retention.E010"}


def test_a_rule_says_what_happens_then_as_it_is_done() -> None:
    """A month goes at the latest then, a row not before."""
    with translation.override("en"):
        told = {name: (rule.then, str(rule.sentence)) for name, (_entry, rule) in RULES.items()}
    assert told["message_content"] == (
        Then.BLANK,
        (
            "de-identified with its month, at the latest 4 months after the message; that it was "
            "sent, and what it cost, stays"
        ),
    )
    assert told["message_records"] == (
        Then.DROP,
        (
            "deleted with its month, at the latest 7 years after the message, whichever company of "
            "ours you have a contract with"
        ),
    )
    assert told["invoices"] == (Then.DELETE, "deleted 7 years after the invoice was settled")
    assert told["readings"][0] == Then.TOTALS
    assert told["deactivated_accounts"][0] == Then.REQUEST
    for name, (_entry, rule) in RULES.items():
        by_month = rule.removal == Removal.PARTITIONS
        assert ("with its month, at the latest" in told[name][1]) == by_month
        assert (told[name][0] in {Then.DROP, Then.BLANK}) == by_month


def test_what_is_told_of_months_is_what_the_months_do() -> None:
    """Of a month the last row goes early, the first on its day: at the latest then."""
    _entry, rule = RULES["message_content"]
    last, first = datetime(2027, 3, 31, tzinfo=UTC), datetime(2027, 3, 1, tzinfo=UTC)
    dropped = datetime(2027, 7, 1, tzinfo=UTC)
    assert rule.period.month_is_over(first, dropped)
    assert not rule.period.month_is_over(first, dropped - timedelta(microseconds=1))
    assert rule.period.end(first.date()) == dropped.date() < rule.period.end(last.date())


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
            assert escape(str(entry.why_kept)) in text
            assert escape(str(entry.law)) in text
        for words in (*KIND_MEANINGS.values(), *ERASURE_MEANINGS.values()):
            assert escape(str(words)) in text
    assert ("7 år" if language == "nb" else "7 years") in text


@pytest.mark.django_db
def test_the_public_page_says_what_each_company_does(client: Client, settings: Any) -> None:
    settings.LEGAL_ENTITIES = {"no": Period(months=60, from_year_end=True), "au": years(6)}
    text = client.get("/privacy/retention/", headers={"accept-language": "en"}).content.decode()
    assert "Company au: 6 years." in text
    assert "Company no: 5 years from the end of the financial year." in text


@pytest.mark.django_db
def test_tables_of_one_title_kept_alike_stand_in_one_line(client: Client) -> None:
    text = client.get("/privacy/retention/", headers={"accept-language": "en"}).content.decode()
    assert text.count("<b>Log of fingerprints of choices</b>") == 1
    assert len([e for e in SCHEDULE if str(e.title) == "Log of fingerprints of choices"]) == 4
