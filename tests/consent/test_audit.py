"""The audit finds whatever was changed past the doors, and only that; it says what and where."""

import random
from contextlib import nullcontext
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.utils import timezone

from consent import services
from consent.models import Preference, Source, Topic
from consent.proof import audit, keys, notes
from consent.proof.sealer import seal_pending
from foundation.roles import KEEPER, OWNER, as_role
from retention.journal.keeping import keep_log
from retention.models import DeletionRequest
from tests.consent.sealed import seal_and_publish
from tests.factories import NOW, make_customer, topic

LONG_AGO = NOW - timedelta(days=4 * 365)
NO_RULE = LONG_AGO - timedelta(days=1)  # nothing was old enough to be removed
A_RULE = NOW - timedelta(days=3 * 365)


def examine(*, now=NOW, superseded_before=NO_RULE, leaving=()):
    return audit.examine(now=now, superseded_before=superseded_before, leaving=leaving)


def tamper(statement, *parameters):
    """As someone with the owner's password would: past the triggers."""
    tables = ("consent_consentdetail", "consent_leaf", "consent_node", "consent_head")
    with as_role(OWNER), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(statement, parameters)
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def seal():
    seal_and_publish(NOW)


@pytest.fixture
def person():
    """Leaves 0 to 2 are another's, then 3 and 4 are a yes and its end; a head over 3 and over 5."""
    make_customer(yes=("newsletter", "special_offers", "product_news"))
    seal()
    one = make_customer(yes=("newsletter",))
    services.record_opt_out(one.pk, [topic().pk], source=Source.LINK, now=NOW)
    seal()
    return one


TAMPERING = {
    "a changed event": (
        "UPDATE consent_consentdetail SET reason = 'x' WHERE version = 2",
        "event 2 is not the one that leaf 4 of the log was made of",
    ),
    "a changed random number": (
        "UPDATE consent_consentdetail SET salt = 'x' WHERE version = 2",
        "event 2 is not the one that leaf 4 of the log was made of",
    ),
    "a no made a yes": (
        "UPDATE consent_preference SET state = 'granted' WHERE version = 2",
        "the events say state withdrawn, the choice says granted",
    ),
    "a rest that nobody asked for": (
        "UPDATE consent_preference SET paused_until = now() WHERE state = 'granted'",
        "the events say paused_until None, the choice says",
    ),
    "another version": (
        "UPDATE consent_preference SET version = 3 WHERE version = 2",
        "the events say version 2, the choice says 3",
    ),
    "another way": (
        "UPDATE consent_preference SET source = 'signup' WHERE version = 2",
        "the choice says signup since",
    ),
    "another day": (
        "UPDATE consent_preference SET since = since - interval '1 day' WHERE version = 2",
        "the events say link since",
    ),
    "a removed event at the end": (
        "DELETE FROM consent_consentdetail WHERE version = 2",
        "the events say version 1, the choice says 2",
    ),
    "a removed event at the beginning": (
        "DELETE FROM consent_consentdetail USING consent_leaf l WHERE event_id = id AND index = 3",
        "event 1 is missing",
    ),
    "the only event removed": (
        "DELETE FROM consent_consentdetail USING consent_leaf l WHERE event_id = id AND index = 0",
        "there is a choice, but no event that made it",
    ),
    "a removed choice": (
        "DELETE FROM consent_preference WHERE version = 2",
        "there are events, but no choice",
    ),
    "a changed leaf": (
        "UPDATE consent_leaf SET hash = sha256('x') WHERE index = 0",
        "the node over leaves 0 to 1 of the log is not what its leaves make",
    ),
    "a changed leaf with no node above it yet": (
        "UPDATE consent_leaf SET hash = sha256('x') WHERE index = 4",
        "the head of size 5 has another root than its leaves",
    ),
    "a missing leaf": (
        "DELETE FROM consent_leaf WHERE index = 1",
        "leaf 1 of the log is missing",
    ),
    "the newest leaf missing": (
        "DELETE FROM consent_leaf WHERE index = 4",
        "leaf 4 of the log is missing: a head of size 5 was published",
    ),
    "a changed node": (
        "UPDATE consent_node SET hash = sha256('x') WHERE number = 3",
        "the node over leaves 0 to 3 of the log is not what its leaves make",
    ),
    "a missing node": (
        "DELETE FROM consent_node WHERE number = 1",
        "the node over leaves 0 to 1 of the log is missing",
    ),
    "a node too many": (
        "INSERT INTO consent_node VALUES (7, sha256('x'))",
        "a node of the log has no leaves",
    ),
    "a changed root": (
        "UPDATE consent_head SET root = sha256('x') WHERE size = 3",
        "the head of size 3 is not signed by key 2 of the log",
    ),
    "a changed time of a head": (
        "UPDATE consent_head SET signed_at = signed_at + interval '1 s' WHERE size = 5",
        "the head of size 5 is not signed by key 2 of the log",
    ),
    "a head moved": (
        "UPDATE consent_head SET size = 4 WHERE size = 5",
        "the head of size 4 is not signed by key 2 of the log",
    ),
}


@pytest.mark.django_db
class TestCommand:
    """As an operator calls it, inside the transaction of the test."""

    @pytest.fixture(autouse=True)
    def inside(self, monkeypatch):
        monkeypatch.setattr(audit, "snapshot", nullcontext)

    def call(self):
        said = StringIO()
        try:
            call_command("audit_consent", stdout=said)
        except SystemExit as leaving:
            return leaving.code, said.getvalue()
        return 0, said.getvalue()

    def test_it_says_what_it_looked_at(self, person):
        status, said = self.call()
        assert status == 0
        assert "4 choices as their 5 events say (0 not sealed yet), 5 leaves and 2 heads" in said

    @pytest.mark.parametrize(("statement", "words"), TAMPERING.values(), ids=TAMPERING.keys())
    def test_it_names_the_first_difference_and_fails(self, person, statement, words):
        tamper(statement)
        status, said = self.call()
        assert status == 1
        assert words in said

    def test_it_names_the_person_and_the_topic(self, person):
        tamper("UPDATE consent_preference SET state = 'granted' WHERE person_id = %s", person.pk)
        assert f"person {person.pk}, topic {topic().pk}: " in self.call()[1]

    def test_who_is_being_erased_right_now_is_passed_over(self, person):
        request = DeletionRequest(person_id=person.pk, source="staff", actor="x", requested_at=NOW)
        with as_role(KEEPER), connection.cursor() as cursor:
            request.save()
            cursor.execute("SELECT consent_remove_details(%s, NULL, 1)", [person.pk])
        assert self.call()[0] == 0


@pytest.mark.django_db
class TestExamination:
    def test_a_head_signed_anew_over_another_tree_is_found_too(self, person):
        key = keys.signing_key()
        forged = b"r" * 32
        signature = keys.sign(key, notes.head_text(key.origin, 5, forged, NOW))
        tamper(
            "UPDATE consent_head SET root = %s, signature = %s WHERE size = 5", forged, signature
        )
        with pytest.raises(audit.Difference, match="size 5 has another root than its leaves"):
            examine()

    def test_an_event_waits_for_its_leaf_but_not_for_hours(self, person):
        make_customer(yes=("newsletter",))
        soon = timezone.now()  # the tests live an hour ago, the database does not
        assert examine(now=soon).pending == 1
        with pytest.raises(audit.Difference, match="event 1 has no leaf in the log"):
            examine(now=soon + audit.LATE + timedelta(minutes=1))

    def test_superseded_events_that_went_by_their_rule_are_not_missed(self):
        person = make_customer(yes=("newsletter",), now=LONG_AGO)
        day = timedelta(days=1)
        services.record_opt_out(person.pk, [topic().pk], source=Source.LINK, now=LONG_AGO + day)
        services.record_choices(
            person.pk, {topic().pk: True}, source=Source.PREFERENCES, now=LONG_AGO + 2 * day
        )
        services.record_opt_out(person.pk, [topic().pk], source=Source.LINK, now=NOW)
        seal()
        with as_role(KEEPER), connection.cursor() as cursor:
            cursor.execute("SELECT consent_remove_details(NULL, %s, 100)", [A_RULE])
            assert cursor.fetchone()[0] == 2
        assert examine(superseded_before=A_RULE).events == 2
        with pytest.raises(audit.Difference, match="event 1 is missing"):
            examine(superseded_before=NO_RULE)

    def test_a_no_said_once_more_is_the_one_that_stands(self):
        person = make_customer(yes=("newsletter",))
        for source in (Source.LINK, Source.STAFF):
            services.record_opt_out(person.pk, [topic().pk], source=source, now=NOW)
        seal()
        examine()
        tamper("UPDATE consent_preference SET source = 'link' WHERE version = 3")
        with pytest.raises(audit.Difference, match="the events say staff since"):
            examine()

    def test_whoever_is_half_erased_is_left_out_only_when_named(self, person):
        with as_role(KEEPER), connection.cursor() as cursor:
            cursor.execute("SELECT consent_remove_details(%s, NULL, 100)", [person.pk])
        with pytest.raises(audit.Difference, match="no event that made it"):
            examine()
        assert examine(leaving=[person.pk]).events == 3

    def test_an_empty_portal_is_in_order(self):
        assert examine() == audit.Counts(
            choices=0, events=0, accesses=0, pending=0, leaves=0, heads=0
        )

    @pytest.mark.parametrize("seed", range(40))
    def test_whatever_people_choose_their_events_tell_their_choices(self, seed):
        chance = random.Random(seed)
        person, topics = make_customer(), list(Topic.objects.mail()[:2])
        for step in range(12):
            act(chance, person, topics, now=NOW + timedelta(minutes=9 * step))
        seal_pending(now=NOW)
        counts = examine(now=NOW + timedelta(hours=1))
        assert counts.choices == Preference.objects.filter(person=person).count()


def act(chance, person, topics, *, now):
    """One thing that a person may do, by any way."""
    some = [each.pk for each in chance.sample(topics, chance.randint(1, 2))]
    ways = [Source.PREFERENCES, Source.LINK, Source.ONE_CLICK, Source.MAIL_PREFERENCES]
    source = chance.choice(ways)
    what = chance.randrange(6)
    if what == 0:
        services.record_choices(
            person.pk, dict.fromkeys(some, True), source=Source.PREFERENCES, now=now
        )
    elif what == 1:
        services.record_opt_out(person.pk, some, source=source, now=now)
    elif what == 2:
        months = chance.choice([1, 3, 6])
        services.record_pause(person.pk, some, months=months, source=source, now=now)
    elif what == 3:
        services.record_pause(person.pk, some, months=None, source=Source.PREFERENCES, now=now)
    else:
        services.undo_last(person.pk, some[0], source=source, now=now)


@pytest.mark.django_db(transaction=True)
class TestSnapshot:
    def test_the_command_runs_on_a_portal_in_use(self):
        make_customer(yes=("newsletter",))
        with as_role(KEEPER):
            keep_log(NOW)
        said = StringIO()
        call_command("audit_consent", stdout=said)
        assert "1 choices as their 1 events say (0 not sealed yet), 1 leaves and 1 heads" in (
            said.getvalue()
        )

    def test_the_journal_is_part_of_it(self, own_journal):
        make_customer(yes=("newsletter",))
        with as_role(KEEPER):
            keep_log(NOW)
        own_journal.unlink()
        said = StringIO()
        with pytest.raises(SystemExit) as leaving:
            call_command("audit_consent", stdout=said)
        assert leaving.value.code == 1
        assert "journal" in said.getvalue()

    def test_nothing_can_be_written_from_inside(self):
        with pytest.raises(DatabaseError, match="read-only"), audit.snapshot():
            make_customer()

    def test_what_commits_meanwhile_is_not_seen(self):
        make_customer(yes=("newsletter",))
        with audit.snapshot():
            assert Preference.objects.count() == 1
            beside = connection.copy()
            with beside.cursor() as cursor:
                cursor.execute("SELECT set_config('role', 'portal_owner', false)")
                cursor.execute("DELETE FROM consent_preference")
            beside.close()
            assert Preference.objects.count() == 1
        assert Preference.objects.count() == 0


@pytest.mark.django_db
def test_a_snapshot_cannot_begin_in_mid_transaction():
    make_customer()
    with pytest.raises(DatabaseError, match="before any query"), audit.snapshot():
        pass
