"""What the database itself keeps of the reference program, whoever asks and by whatever way."""

import threading
from datetime import timedelta

import pytest
from django.db import IntegrityError, OperationalError, ProgrammingError, connection, transaction
from django.utils import timezone

from accounts.models import User
from consent import services as consent
from consent.models import Preference, ReferenceText, ReferenceUse, Source, State, Takedown
from consent.policy import TAKEDOWN_WITHIN
from consent.reference import services
from consent.reference.services import AlreadyDecidedError, NotApprovedError, NotGrantedError
from consent.reference.words import WORDLESS
from foundation.roles import KEEPER, as_role
from messaging.models import Message
from tests.consent.referring import (
    CALL,
    NAME,
    QUOTE,
    STAFF,
    ask,
    plan,
    publish,
    published,
    run,
    say_no,
    takedown_of,
    words,
)
from tests.factories import NOW, make_customer, make_staff, retire_topic, topic

pytestmark = pytest.mark.django_db

S = ReferenceUse.State


def state(use: ReferenceUse) -> str:
    use.refresh_from_db()
    return use.state


# --- nothing without a grant ------------------------------------------------------------------


@pytest.mark.parametrize("choices", [{}, {"no": (NAME,)}, {"yes": (QUOTE,)}])
def test_no_use_is_planned_for_an_activity_that_is_not_granted(choices):
    with pytest.raises(NotGrantedError):
        plan(make_customer(**choices))
    assert not ReferenceUse.objects.exists()


def test_a_yes_counts_once_the_address_is_confirmed():
    person = make_customer(yes=(NAME,), email_confirmed_at=None)
    with pytest.raises(NotGrantedError):
        plan(person)


@pytest.mark.parametrize("away", [{"deactivated_at": NOW}, {"is_active": False}])
def test_whoever_is_deactivated_is_neither_planned_nor_published(away):
    person = make_customer(yes=(NAME, QUOTE))
    use, quote = plan(person), plan(person, QUOTE)
    text = words(quote)
    User.objects.filter(pk=person.pk).update(**away)
    for act in (
        lambda: plan(person),
        lambda: publish(use),
        lambda: words(quote),
        lambda: services.approve_text(text, by_customer=True, actor="self", now=NOW),
    ):
        with pytest.raises(NotGrantedError):
            act()
    with pytest.raises(IntegrityError, match="not granted"), transaction.atomic():
        ReferenceUse.objects.filter(pk=use.pk).update(state=S.PUBLISHED)


def test_nothing_new_appears_while_the_yes_rests():
    person = make_customer(yes=(NAME,))
    use = plan(person)
    consent.record_pause(
        person.pk, [topic(NAME).pk], months=1, source=Source.PREFERENCES, now=timezone.now()
    )
    with pytest.raises(NotGrantedError):
        publish(use)
    with pytest.raises(NotGrantedError):
        plan(person)


def test_a_use_belongs_to_an_activity_of_the_program_that_is_still_asked():
    person = make_customer(yes=("newsletter", NAME))
    with pytest.raises(NotGrantedError):
        plan(person, "newsletter")
    retire_topic(topic(NAME), now=NOW)
    with pytest.raises(NotGrantedError):
        plan(person)


def test_the_database_refuses_what_passes_by_the_services():
    person = make_customer(no=(NAME,))
    with pytest.raises(IntegrityError, match="not granted"), transaction.atomic():
        ReferenceUse.objects.create(
            person=person, topic=topic(NAME), place="references", title="Nordmann AS"
        )
    use = plan(make_customer(yes=(NAME,)))
    run("UPDATE consent_referenceuse SET published_at = now() WHERE id = %s", use.pk)
    for new in ("taking_down", "nonsense"):
        with pytest.raises(IntegrityError), transaction.atomic():
            run("UPDATE consent_referenceuse SET state = %s WHERE id = %s", new, use.pk)
    with pytest.raises(IntegrityError), transaction.atomic():
        ReferenceUse.objects.create(
            person=use.person, topic=topic(NAME), place="references", title="x", state="published"
        )


# --- nothing without the words' approval ------------------------------------------------------


def test_an_activity_with_words_appears_only_in_words_both_sides_approved():
    use = plan(make_customer(yes=(QUOTE,)), QUOTE)
    with pytest.raises(NotApprovedError):
        publish(use)
    text = words(use)
    with pytest.raises(NotApprovedError):
        publish(use)
    services.approve_text(text, by_customer=True, actor="self", now=NOW)
    publish(use)
    assert state(use) == S.PUBLISHED


def test_words_of_the_customer_wait_for_our_approval():
    use = plan(make_customer(yes=(QUOTE,)), QUOTE)
    text = words(use, by_customer=True)
    with pytest.raises(NotApprovedError):
        publish(use)
    services.approve_text(text, by_customer=False, actor=STAFF, now=NOW)
    publish(use)
    assert state(use) == S.PUBLISHED


def test_an_older_approved_version_lets_nothing_appear():
    use = plan(make_customer(yes=(QUOTE,)), QUOTE)
    services.approve_text(words(use), by_customer=True, actor="self", now=NOW)
    words(use, nb="Nye ord.")
    with pytest.raises(NotApprovedError):
        publish(use)


def test_a_name_needs_no_words_but_what_it_has_must_be_approved():
    person = make_customer(yes=(NAME,))
    publish(plan(person))
    with_words = plan(person, title="Nordmann AS, kunde siden 2019")
    words(with_words)
    with pytest.raises(NotApprovedError):
        publish(with_words)


def test_the_activities_without_words_are_the_same_in_python_and_in_the_database():
    with connection.cursor() as cursor:
        cursor.execute("SELECT prosrc FROM pg_proc WHERE proname = 'consent_check_use'")
        (source,) = cursor.fetchone()
    for slug in WORDLESS:
        assert f"'{slug}'" in source
    assert source.count("'reference_") == len(WORDLESS)


def test_a_version_is_never_changed_nor_decided_twice():
    text = words(plan(make_customer(yes=(QUOTE,)), QUOTE))
    services.approve_text(text, by_customer=True, actor="self", now=NOW)
    for change in (
        {"text_nb": "Andre ord."},
        {"customer_approved_at": None},
        {"customer_declined_at": NOW},
        {"staff_approved_at": NOW + timedelta(hours=1)},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            ReferenceText.objects.filter(pk=text.pk).update(**change)


@pytest.mark.parametrize("by_customer", [True, False])
def test_nobody_writes_words_that_the_other_side_has_approved(by_customer):
    use = plan(make_customer(yes=(QUOTE,)), QUOTE)
    other = "staff_approved_at" if by_customer else "customer_approved_at"
    with pytest.raises(IntegrityError, match="other side"), transaction.atomic():
        ReferenceText.objects.create(
            use=use, version=1, text_nb="Bra.", by_customer=by_customer, **{other: NOW}
        )


def test_words_once_written_are_not_taken_away():
    use = published(make_customer(yes=(QUOTE,)), QUOTE)
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        ReferenceText.objects.filter(use=use).delete()


def test_nothing_is_written_or_approved_for_a_use_that_is_over():
    person = make_customer(yes=(NAME, QUOTE))
    dropped, shown = plan(person, QUOTE), published(person, QUOTE)
    waiting = words(dropped)
    for use in (dropped, shown):
        services.withdraw_use(use, now=NOW)
        with pytest.raises(AlreadyDecidedError, match="taken down"):
            words(use)
        with pytest.raises(IntegrityError, match="is over"), transaction.atomic():
            ReferenceText.objects.create(use=use, version=9, text_nb="Bra.")
    with pytest.raises(AlreadyDecidedError, match="taken down"):
        services.approve_text(waiting, by_customer=True, actor="self", now=NOW)


def test_what_was_approved_keeps_its_title_its_place_and_whom_it_shows():
    use = published(make_customer(yes=(NAME,)))
    other = make_customer(yes=(NAME,))
    for change in ({"title": "Ola AS"}, {"place": "print"}, {"person": other}):
        with pytest.raises(IntegrityError), transaction.atomic():
            ReferenceUse.objects.filter(pk=use.pk).update(**change)
    ReferenceUse.objects.filter(pk=use.pk).update(responsible=None)


def test_a_takedown_is_checked_where_the_use_stood():
    planned = plan(make_customer(yes=(NAME,)))
    ReferenceUse.objects.filter(pk=planned.pk).update(url="https://example.com/", copies="500")
    use = published(make_customer(yes=(NAME,)), place="website", url="https://example.com/")
    elsewhere = ({"url": "https://example.org/"}, {"copies": "none"}, {"url": "", "person": None})
    for _state in range(2):
        for change in elsewhere:
            with pytest.raises(IntegrityError, match="stays"), transaction.atomic():
                ReferenceUse.objects.filter(pk=use.pk).update(**change)
        services.withdraw_use(use, now=NOW)
    assert state(use) == S.TAKING_DOWN


# --- a no takes it down -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "source",
    [Source.PREFERENCES, Source.ONE_CLICK, Source.STAFF, Source.API, Source.MAILTO, Source.REPLAY],
)
def test_a_no_by_any_way_opens_the_takedowns_in_its_own_statement(source):
    staff = make_staff()
    person = make_customer(yes=(NAME, QUOTE))
    use = published(person, responsible=staff, place="website", url="https://example.com/")
    planned = plan(person)
    other = published(person, QUOTE)
    before = timezone.now()
    say_no(person, NAME, source=source)
    assert (state(use), state(planned), state(other)) == (S.TAKING_DOWN, S.REMOVED, S.PUBLISHED)
    takedown = takedown_of(use)
    assert takedown.owner == staff
    assert takedown.opened_at >= before - timedelta(seconds=5)
    assert takedown.due_at - takedown.opened_at == TAKEDOWN_WITHIN
    assert Takedown.objects.count() == 1


def test_an_import_and_an_undone_yes_take_down_as_well():
    person = make_customer()
    name = topic(NAME)
    consent.record_opt_out(person.pk, [name.pk], source=Source.PREFERENCES, now=NOW)
    consent.record_choices(
        person.pk, {name.pk: True}, source=Source.PREFERENCES, now=NOW + timedelta(minutes=1)
    )
    use = published(person)
    assert consent.undo_last(
        person.pk, name.pk, source=Source.PREFERENCES, now=NOW + timedelta(minutes=2)
    )
    assert state(use) == S.TAKING_DOWN


def test_a_no_to_something_else_changes_nothing():
    person = make_customer(yes=(NAME, "newsletter"))
    other = make_customer(yes=(NAME,))
    use, others = published(person), published(other)
    say_no(person, "newsletter")
    say_no(other, "newsletter")
    assert (state(use), state(others)) == (S.PUBLISHED, S.PUBLISHED)
    say_no(person, NAME)
    assert (state(use), state(others)) == (S.TAKING_DOWN, S.PUBLISHED)


def test_a_yes_after_the_no_puts_nothing_up_again():
    person = make_customer(yes=(NAME,))
    use = published(person)
    say_no(person, NAME)
    consent.record_choices(
        person.pk, {topic(NAME).pk: True}, source=Source.PREFERENCES, now=timezone.now()
    )
    assert state(use) == S.TAKING_DOWN
    with pytest.raises(AlreadyDecidedError):
        publish(use)


def test_an_erasure_of_the_choice_or_of_the_person_takes_down():
    person, other = make_customer(yes=(NAME,)), make_customer(yes=(NAME,))
    use, others, planned = published(person), published(other), plan(other)
    with as_role(KEEPER):
        Preference.objects.filter(person=person).delete()
        ReferenceUse.objects.filter(person=other).update(person=None, title="")
    assert (state(use), state(others), state(planned)) == (
        S.TAKING_DOWN,
        S.TAKING_DOWN,
        S.REMOVED,
    )
    assert Takedown.objects.count() == 2


def test_one_use_can_end_while_its_activity_stays_granted():
    person = make_customer(yes=(NAME,))
    use, planned = published(person), plan(person)
    for each in (use, planned, use):
        services.withdraw_use(each, now=NOW)
    assert (state(use), state(planned)) == (S.TAKING_DOWN, S.REMOVED)
    assert Preference.objects.get(person=person, topic=topic(NAME)).state == State.GRANTED


# --- and it stays down, with proof ------------------------------------------------------------


def test_a_takedown_ends_only_with_proof_and_the_use_with_it():
    person = make_customer(yes=(NAME,))
    use = published(person)
    say_no(person, NAME)
    takedown = takedown_of(use)
    with pytest.raises(IntegrityError), transaction.atomic():
        ReferenceUse.objects.filter(pk=use.pk).update(state=S.REMOVED)
    with pytest.raises(IntegrityError), transaction.atomic():
        Takedown.objects.filter(pk=takedown.pk).update(closed_at=NOW)
    with pytest.raises(services.ReferenceProgramError):
        services.record_removal(takedown, checked=" ", actor=STAFF, now=NOW)
    assert services.record_removal(takedown, checked="The page", actor=STAFF, now=NOW)
    assert not services.record_removal(takedown, checked="Again", actor="x", now=timezone.now())
    assert (takedown.checked, takedown.checked_by, takedown.closed_at) == ("The page", STAFF, NOW)
    use.refresh_from_db()
    assert (use.state, use.removed_at) == (S.REMOVED, NOW)


def test_proof_is_not_rewritten_and_days_are_not_moved():
    person = make_customer(yes=(NAME,))
    use = published(person)
    say_no(person, NAME)
    takedown = takedown_of(use)
    with pytest.raises(IntegrityError), transaction.atomic():
        Takedown.objects.filter(pk=takedown.pk).update(due_at=NOW + timedelta(days=90))
    services.record_removal(takedown, checked="The page", actor=STAFF, now=NOW)
    changes = (
        {"closed_at": None},
        {"checked": "Something else"},
        {"checked_by": "staff:2"},
        {"checked_by": ""},
    )
    for change in changes:
        with pytest.raises(IntegrityError), transaction.atomic():
            Takedown.objects.filter(pk=takedown.pk).update(**change)


def test_the_keeper_alone_forgets_which_colleague_wrote_or_checked():
    person = make_customer(yes=(QUOTE,))
    use = published(person, QUOTE)
    say_no(person, QUOTE)
    services.record_removal(takedown_of(use), checked="The page", actor=STAFF, now=NOW)
    with pytest.raises(IntegrityError), transaction.atomic():
        ReferenceText.objects.update(written_by="")
    with as_role(KEEPER):
        ReferenceText.objects.update(written_by="", staff_approved_by="")
        Takedown.objects.update(checked_by="", owner=None)
        with pytest.raises(IntegrityError), transaction.atomic():
            ReferenceText.objects.update(written_by="staff:2")
    assert takedown_of(use).checked == "The page"


def test_the_application_can_neither_make_nor_drop_a_takedown():
    person = make_customer(yes=(NAME,))
    use = published(person)
    say_no(person, NAME)
    for statement in (
        "DELETE FROM consent_takedown",
        (
            "INSERT INTO consent_takedown (use_id, opened_at, due_at, checked, checked_by) "
            f"VALUES ('{use.pk}', now(), now(), '', '')"
        ),
    ):
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            run(statement)


@pytest.mark.parametrize("role", ["portal_app", KEEPER])
def test_what_still_has_to_come_down_cannot_be_deleted(role):
    use = published(make_customer(yes=(NAME,)))
    with as_role(role):
        with pytest.raises(IntegrityError), transaction.atomic():
            run("DELETE FROM consent_referenceuse WHERE id = %s", use.pk)
        services.withdraw_use(use, now=NOW)
        with pytest.raises(IntegrityError), transaction.atomic():
            run("DELETE FROM consent_referenceuse WHERE id = %s", use.pk)


def test_the_closing_mail_comes_once_when_nothing_is_left_and_needs_no_grant():
    person = make_customer(yes=(NAME, QUOTE))
    uses = [published(person), published(person, QUOTE, title="Et sitat")]
    say_no(person, NAME, QUOTE)
    mails = Message.objects.filter(purpose="reference_gone")
    services.record_removal(takedown_of(uses[0]), checked="The page", actor=STAFF, now=NOW)
    assert not mails.exists()
    services.record_removal(takedown_of(uses[1]), checked="All slides", actor=STAFF, now=NOW)
    services.record_removal(takedown_of(uses[1]), checked="All slides", actor=STAFF, now=NOW)
    mail = mails.get()
    assert (mail.kind, mail.person_id) == ("account", person.pk)
    assert all(word in mail.text for word in ("Nordmann AS", "Et sitat", "The page", "All slides"))
    # Every mail of the program has the way out of all of it.
    assert "/reference-program/" in mail.text.partition("/p/")[2]


# --- calls ------------------------------------------------------------------------------------


def test_a_no_ends_the_calls_that_have_not_taken_place():
    person = make_customer(yes=(CALL,))
    made = ask(person, now=NOW - timedelta(days=20), answer_until=NOW)
    services.answer_call(made, accept=True, now=NOW - timedelta(days=19))
    services.record_call_made(made, now=NOW)
    waiting = ask(person)
    say_no(person, CALL)
    made.refresh_from_db()
    waiting.refresh_from_db()
    assert (made.answer, waiting.answer) == ("accepted", "ended")
    with pytest.raises(AlreadyDecidedError):
        services.record_call_made(waiting, now=NOW)


# --- beside each other ------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_of_a_no_and_a_publication_at_once_the_no_has_the_last_word():
    """Whichever comes first: nothing is published after the no, and the no never fails."""
    person = make_customer(yes=(NAME,))
    use = plan(person)
    refused = []

    def publish_it() -> None:
        try:
            publish(use)
        except NotGrantedError as error:
            refused.append(error)
        finally:
            connection.close()

    with transaction.atomic():
        say_no(person, NAME)
        other = threading.Thread(target=publish_it)
        other.start()
        other.join(0.3)
        assert other.is_alive()
    other.join(10)
    assert refused
    assert state(use) == S.REMOVED


@pytest.mark.django_db(transaction=True)
def test_who_approves_waits_for_an_erasure_before_it_holds_the_words():
    """An erasure holds the account and then deletes the words: no circle."""
    person = make_customer(yes=(QUOTE,))
    text = words(plan(person, QUOTE))

    def approve_it() -> None:
        try:
            services.approve_text(text, by_customer=True, actor="self", now=NOW)
        finally:
            connection.close()

    with transaction.atomic():
        User.objects.select_for_update().get(pk=person.pk)
        other = threading.Thread(target=approve_it)
        other.start()
        other.join(0.3)
        assert other.is_alive()
        ReferenceText.objects.select_for_update(nowait=True).get(pk=text.pk)
    other.join(10)
    text.refresh_from_db()
    assert text.customer_approved_at == NOW


@pytest.mark.django_db(transaction=True)
def test_what_passes_by_the_services_never_makes_a_no_wait_in_a_circle():
    """The choice is held by the no: whoever holds something else gives up at once, not the no."""
    person = make_customer(yes=(NAME,))
    errors = []

    def plan_it() -> None:
        try:
            ReferenceUse.objects.create(
                person=person, topic=topic(NAME), place="references", title="Nordmann AS"
            )
        except OperationalError as error:
            errors.append(str(error))
        finally:
            connection.close()

    with transaction.atomic():
        say_no(person, NAME)
        other = threading.Thread(target=plan_it)
        other.start()
        other.join(10)
        assert not other.is_alive()
    assert "could not obtain lock" in errors[0]
    assert not ReferenceUse.objects.exists()
