"""Who is erased is shown nowhere any more; where it stood is kept until it is gone."""

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone, translation

from accounts.models import User
from consent.models import CallLimit, ReferenceText, ReferenceUse, SalesCall, Takedown
from consent.reference import services as program
from consent.reference.words import CHECK, ERASED, proof_words
from foundation.calendar import years_later
from foundation.roles import KEEPER, as_role
from messaging.models import Message
from retention import services
from retention.erasure import delete_rows
from retention.models import Source as Way
from tests.consent.referring import CALL, NAME, QUOTE, STAFF, ask, plan, published, takedown_of
from tests.factories import NOW, make_customer

pytestmark = pytest.mark.django_db
S = ReferenceUse.State


def erase(person: User) -> None:
    services.request_deletion(person.pk, source=Way.CUSTOMER, actor="self", now=NOW)
    with as_role(KEEPER):
        services.run_deletions(NOW)
    assert not User.objects.filter(pk=person.pk).exists()


def test_an_erased_customer_is_shown_nowhere_and_what_must_come_down_is_known() -> None:
    person = make_customer(yes=(NAME, QUOTE, CALL))
    program.set_call_limit(person, 3)
    ask(person)
    own = published(person, QUOTE, title="Nordmann AS")
    slides = published(person, title="Nordmann AS", place="slides", copies="salg.pdf")
    planned = plan(person, title="Nordmann AS", place="print", copies="Nordmann.indd")
    erase(person)
    for use in (own, slides, planned):
        use.refresh_from_db()
        assert (use.person_id, use.title) == (None, "")
    assert [own.state, slides.state, planned.state] == [S.TAKING_DOWN, S.TAKING_DOWN, S.REMOVED]
    assert (slides.copies, planned.copies) == ("salg.pdf", "")
    assert Takedown.objects.filter(closed_at=None).count() == 2
    assert not ReferenceText.objects.exists()
    assert not SalesCall.objects.exists()
    assert not CallLimit.objects.exists()


def test_once_it_is_gone_nothing_leads_to_the_erased_any_more_and_no_mail_is_written() -> None:
    person = make_customer(yes=(NAME,))
    use = published(person, place="slides", copies="nordmann-as.pdf")
    erase(person)
    program.record_removal(takedown_of(use), checked="All slides", actor=STAFF, now=NOW)
    use.refresh_from_db()
    assert (use.state, use.copies, use.url) == (S.REMOVED, "", "")
    assert takedown_of(use).checked == ERASED
    assert not Message.objects.filter(purpose="reference_gone").exists()


def test_what_a_colleague_wrote_as_proof_is_forgotten_with_whom_it_names() -> None:
    person, other = make_customer(yes=(NAME,)), make_customer(yes=(NAME,))
    theirs, looked_at, others = published(person), published(person), published(other)
    for use, checked, actor in (
        (theirs, "All slides of Kari Nordmann", STAFF),
        (looked_at, "absent 200", CHECK),
        (others, "All slides of Ola", STAFF),
    ):
        program.withdraw_use(use, now=NOW)
        program.record_removal(takedown_of(use), checked=checked, actor=actor, now=NOW)
    erase(person)
    assert [takedown_of(use).checked for use in (theirs, looked_at, others)] == [
        ERASED,
        "absent 200",
        "All slides of Ola",
    ]
    with translation.override("en"):
        assert "it is gone" in proof_words(takedown_of(theirs))
    # And for whoever is still there nobody writes it over.
    with pytest.raises(IntegrityError), transaction.atomic():
        Takedown.objects.filter(use=others).update(checked=ERASED)


def test_a_former_colleague_is_named_nowhere_in_the_program_once_they_are_erased() -> None:
    colleague, customer = make_customer(), make_customer(yes=(QUOTE,))
    actor = f"staff:{colleague.pk}"
    use, theirs = (
        plan(customer, QUOTE, responsible=colleague, title=title) for title in ("A", "B")
    )
    ours = program.write_text(use, nb="Bra.", en="", by_customer=False, actor=actor, now=NOW)
    own = program.write_text(theirs, nb="Ok.", en="", by_customer=True, actor="self", now=NOW)
    program.approve_text(ours, by_customer=True, actor="self", now=NOW)
    program.approve_text(own, by_customer=False, actor=actor, now=NOW)
    program.publish_use(use, actor=actor, now=NOW)
    program.withdraw_use(use, now=NOW)
    program.record_removal(takedown_of(use), checked="The page", actor=actor, now=NOW)
    erase(colleague)
    for model in (ReferenceUse, ReferenceText, Takedown):
        for row in model.objects.values():
            assert str(colleague.pk) not in str(row)
    ours.refresh_from_db()
    assert (ours.written_by, ours.staff_approved_by, ours.staff_approved_at) == ("", "", NOW)
    assert takedown_of(use).checked == "The page"


def test_words_and_proof_go_with_the_use_they_belong_to_and_not_before_it_is_removed() -> None:
    person = make_customer(yes=(QUOTE,))
    use, standing = published(person, QUOTE), published(person, QUOTE)
    program.withdraw_use(use, now=NOW)
    program.record_removal(takedown_of(use), checked="The page", actor=STAFF, now=NOW)
    rows = ReferenceUse.objects.filter(removed_at__lt=years_later(timezone.now(), 3))
    with as_role(KEEPER):
        delete_rows(rows, 1000)
    assert list(ReferenceUse.objects.all()) == [standing]
    assert ReferenceText.objects.get().use == standing
    assert not Takedown.objects.exists()


def test_the_rules_leave_what_is_not_over() -> None:
    person = make_customer(yes=(QUOTE, CALL))
    use, call = published(person, QUOTE), ask(person)
    with as_role(KEEPER):
        services.enforce(years_later(NOW, 20), actor="beat", only=("sales_calls", "reference_uses"))
    assert ReferenceUse.objects.get() == use
    assert not SalesCall.objects.filter(pk=call.pk).exists()
