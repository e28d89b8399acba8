"""A row that a held one refers to stays with it, whoever would let it go."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import connection

from accounts.models import SupportEntry, SupportQuestion, User
from accounts.support import ask as ask_us
from consent.models import ReferenceText, ReferenceUse, Takedown
from foundation.roles import KEEPER, as_role
from messaging.models import Contact, ContactList, ListUpload, UploadPart, UploadProblem
from retention import erasure, holding, services
from retention.models import DeletionRequest, LegalHold, Scope, Source
from retention.schedule import ENTRIES
from retention.whose import STAFF_LOG
from tests.consent.referring import NAME, QUOTE, plan, published, say_no, words
from tests.factories import NOW, make_customer
from tests.retention.belongings import give_lists
from tests.retention.boundaries import make_question, make_use

pytestmark = pytest.mark.django_db


def held_list(**dates: Any) -> tuple[ContactList, DeletionRequest, LegalHold]:
    """A list made long ago, of which a hold over yesterday and today names something."""
    person = make_customer()
    long_ago = NOW - timedelta(days=100)
    with as_role(KEEPER):
        own = give_lists(person, now=long_ago)
        ContactList.objects.update(made_at=long_ago)
        Contact.objects.update(added_at=long_ago)
        for model in (Contact, ListUpload):
            if model.__name__ in dates:
                model.objects.update(**dates[model.__name__])
        hold = LegalHold.objects.create(
            customer_id=person.pk,
            data_class="content",
            since=NOW.date() - timedelta(days=1),
            reason="x",
            reference="1",
            review_on=NOW.date(),
            placed_at=NOW,
        )
        for undated in (UploadProblem, UploadPart):
            undated.objects.all().delete()
    wish = services.request_deletion(
        person.pk,
        source=Source.CUSTOMER,
        actor="self",
        now=NOW,
        scope=Scope.LIST,
        contact_list_id=own.pk,
    )
    return own, wish, hold


@pytest.mark.parametrize(
    "recent", [{"Contact": {"added_at": NOW}}, {"ListUpload": {"made_at": NOW}}]
)
def test_a_part_waits_for_what_is_held_of_its_list(recent: dict[str, Any]) -> None:
    own, wish, hold = held_list(**recent)
    with as_role(KEEPER):
        assert services.run_deletions(NOW) == 0
        wish.refresh_from_db()
        (waiting,) = {step.name for step in wish.steps.filter(finished_at=None)} - {
            "messaging.Contact",
            "messaging.ListUpload",
        }
        assert waiting == "messaging.ContactList"
        assert ContactList.objects.get() == own
        assert Contact.objects.count() == (3 if "Contact" in recent else 0)
        hold.released_at = NOW
        hold.save()
        assert services.run_deletions(NOW) == 1
        assert not ContactList.objects.exists()


def test_a_list_without_anything_held_goes_beside_one_that_has() -> None:
    own, _wish, _hold = held_list(Contact={"added_at": NOW})
    with as_role(KEEPER):
        ContactList.objects.create(
            customer=own.customer, list_name="Free", made_at=NOW - timedelta(days=100)
        )
        services.request_deletion(own.customer_id, source=Source.CUSTOMER, actor="self", now=NOW)
        services.run_deletions(NOW)
        assert ContactList.objects.get() == own


def test_a_nightly_rule_leaves_an_upload_with_a_held_line() -> None:
    person = make_customer()
    with as_role(KEEPER):
        give_lists(person, now=NOW - timedelta(days=400))
        hold = LegalHold.objects.create(
            customer_id=person.pk,
            since=NOW.date() - timedelta(days=1),
            reason="x",
            reference="1",
            review_on=NOW.date(),
            placed_at=NOW,
        )
        (run,) = services.enforce(NOW, "x", only=["list_uploads"])
        assert (run.removed, UploadProblem.objects.count()) == (0, 1)
        hold.released_at = NOW
        hold.save()
        (run,) = services.enforce(NOW, "x", only=["list_uploads"])
        assert (run.removed, UploadProblem.objects.count()) == (1, 0)


# --- questions, references, addresses ------------------------------------------------------------

LONG_AGO = NOW - timedelta(days=3000)
A_DAY = timedelta(days=1)


def hold(**what: Any) -> LegalHold:
    with as_role(KEEPER):
        made: LegalHold = LegalHold.objects.create(
            reason="x", reference="1", review_on=NOW.date(), placed_at=NOW, **what
        )
    return made


def release(placed: LegalHold) -> None:
    with as_role(KEEPER):
        LegalHold.objects.filter(pk=placed.pk).update(released_at=NOW)


def answered(person: User) -> SupportQuestion:
    """Asked and closed long ago, with an answer that is younger."""
    question = make_question(LONG_AGO)
    SupportQuestion.objects.filter(pk=question.pk).update(customer=person, asked_at=LONG_AGO)
    SupportEntry.objects.create(question=question, kind="answer", text="y", at=NOW - A_DAY)
    return question


def night(*rules: str) -> int:
    with as_role(KEEPER):
        return sum(run.removed for run in services.enforce(NOW, "x", only=rules))


def work(person: User) -> DeletionRequest:
    services.request_deletion(person.pk, source=Source.CUSTOMER, actor="self", now=NOW)
    with as_role(KEEPER):
        services.run_deletions(NOW)
    found: DeletionRequest = DeletionRequest.objects.get()
    return found


def test_at_night_a_question_stays_with_an_answer_that_is_held() -> None:
    person, other = make_customer(), make_customer()
    question = answered(person)
    answered(other)
    placed = hold(customer_id=person.pk, since=(NOW - A_DAY).date())
    assert night("support_questions") == 1
    assert SupportQuestion.objects.get() == question
    assert question.entries.count() == 2
    release(placed)
    assert night("support_questions") == 1
    assert not SupportEntry.objects.exists()


@pytest.mark.parametrize("whose", ["customer_id", "data_class"])
def test_a_deletion_waits_for_a_held_answer_and_says_so(whose: str) -> None:
    person = make_customer()
    question = answered(person)
    what = {"customer_id": person.pk, "data_class": "account"}
    placed = hold(**{whose: what[whose]}, since=(NOW - A_DAY).date())
    wish = work(person)
    assert (wish.is_finished, wish.held_at) == (False, NOW)
    assert SupportQuestion.objects.get() == question
    assert [each.kind for each in question.entries.all()] == ["answer"]
    release(placed)
    with as_role(KEEPER):
        assert services.run_deletions(NOW) == 1
    assert not SupportQuestion.objects.exists()


def test_a_question_asked_from_an_address_of_theirs_is_waited_for_as_well() -> None:
    """Else it would be left behind, with an address that leads to nobody any more."""
    person = make_customer(signed_up_at=LONG_AGO)
    ask_us(
        customer=None, email=person.email, topic="other", channel="email", text="x",
        language="en", form=uuid.uuid4(), now=NOW,
    )  # fmt: skip
    placed = hold(data_class="account", since=(NOW - A_DAY).date())
    wish = work(person)
    assert (wish.is_finished, SupportQuestion.objects.count()) == (False, 1)
    release(placed)
    with as_role(KEEPER):
        assert services.run_deletions(NOW) == 1
    assert not SupportQuestion.objects.exists()


def test_at_night_a_use_stays_with_the_proof_of_its_end_that_is_held() -> None:
    use = make_use(LONG_AGO)
    with as_role(KEEPER):
        Takedown.objects.create(use=use, opened_at=LONG_AGO, due_at=LONG_AGO)
    placed = hold(data_class="proof")
    assert night("reference_uses") == 0
    assert Takedown.objects.get().use == use
    release(placed)
    assert night("reference_uses") == 1
    assert not Takedown.objects.exists()


def test_held_words_keep_the_use_they_are_of_and_with_it_whom_they_are_about() -> None:
    person = make_customer(yes=(QUOTE,))
    use = plan(person, QUOTE)
    words(use)
    ReferenceUse.objects.filter(pk=use.pk).update(planned_at=LONG_AGO)
    placed = hold(data_class="choices", since=NOW.date(), until=NOW.date())
    wish = work(person)
    use.refresh_from_db()
    assert (use.person_id, ReferenceText.objects.count()) == (person.pk, 1)
    assert (wish.is_finished, wish.held_at) == (False, NOW)
    release(placed)
    with as_role(KEEPER):
        assert services.run_deletions(NOW) == 1
    assert not ReferenceText.objects.exists()


def test_a_customers_proof_is_theirs_by_the_use_it_is_of() -> None:
    person, other = make_customer(yes=(NAME,)), make_customer(yes=(NAME,))
    uses = [published(each) for each in (person, other)]
    for each in (person, other):
        say_no(each, NAME)
    hold(customer_id=person.pk, data_class="proof")
    for each, held in zip((person, other), (True, False), strict=True):
        assert holding.is_person_held(ENTRIES["consent.Takedown"], each.pk, now=NOW) == held
        assert holding.is_person_held(ENTRIES["accounts.User"], each.pk, now=NOW) == held
    with as_role(KEEPER):
        rows = ReferenceUse.objects.all()
        held_rows = holding.only_held(ENTRIES["consent.ReferenceUse"], rows, now=NOW)
        assert list(held_rows) == [uses[0]]
        accounts = holding.only_held(ENTRIES["accounts.User"], User.objects.all(), now=NOW)
        assert list(accounts) == [person]


def test_what_leans_on_what_is_every_foreign_key_to_a_row_that_may_go() -> None:
    """Of a new one say here that you have seen it: with a held row it keeps the other."""
    assert holding.leans_on() == {
        "messaging.ContactList": {
            "messaging.Contact": "contact_list",
            "messaging.ListUpload": "contact_list",
        },
        "messaging.ListUpload": {
            "messaging.UploadPart": "upload",
            "messaging.UploadProblem": "upload",
        },
        "consent.ReferenceUse": {"consent.ReferenceText": "use", "consent.Takedown": "use"},
        "accounts.SupportQuestion": {"accounts.SupportEntry": "question"},
        "account.EmailAddress": {"account.EmailConfirmation": "email_address"},
        "retention.Processor": {"retention.DeclaredAccess": "processor"},
        "retention.PhysicalItem": {"retention.Destruction": "item"},
        "retention.DeletionRequest": {"retention.DeletionStep": "request"},
    }


def test_what_leans_on_what_is_all_that_postgresql_would_stop_or_take_along() -> None:
    tables = {
        apps.get_model(name)._meta.db_table: name
        for name, entry in ENTRIES.items()
        if name != holding.ACCOUNT and (entry.subject or entry.rules)
    }
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT c.confrelid::regclass::text, r.relname FROM pg_constraint c "
            "JOIN pg_class r ON r.oid = c.conrelid "
            "WHERE c.contype = 'f' AND c.conrelid <> c.confrelid AND NOT r.relispartition"
        )
        found = {(tables[to], name) for to, name in cursor.fetchall() if to in tables}
    copies = {apps.get_model(name)._meta.db_table for name in holding.COPIES}
    assert {each for each in found if each[1] not in copies} == {
        (to, apps.get_model(child)._meta.db_table)
        for to, children in holding.leans_on().items()
        for child in children
    }


def test_what_needs_more_than_deleting_is_held_as_a_whole() -> None:
    assert {*erasure.SPECIAL, STAFF_LOG} == holding.WHOLE
