"""What staff saw stands in the same log as choices: sealed, provable, unchangeable."""

import json
import uuid
from base64 import b64encode
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from hashlib import sha256
from io import StringIO
from typing import Any

import pytest
import rfc8785
from django.core.management import call_command
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AccessEvent, AccessGrant
from consent.api.feed import changes_after
from consent.models import ConsentDetail, Delivery, Leaf
from consent.proof import audit, merkle, sealer, tree
from consent.proof.accesses import access_hash, access_record
from consent.proof.events import event_hash, event_record
from consent.proof.sealer import seal_pending
from consent.webhooks.feed import changes, make_deliveries
from consent.webhooks.services import create_webhook
from foundation.roles import APP, KEEPER, OWNER, READER, SENDER, as_role
from retention.journal.keeping import keep_log
from retention.journal.store import open_journal
from tests.consent.looked import look
from tests.consent.sealed import seal_and_publish
from tests.factories import NOW, make_customer, make_staff

LONG_AGO = NOW - timedelta(days=4 * 365)


@pytest.fixture(autouse=True)
def new_process(monkeypatch):
    """What a sealer of another test learned is of another database."""
    monkeypatch.setattr(sealer, "_progress", None)


def leaf_of(event):
    return Leaf.objects.get(event_id=event.pk)


def kinds():
    return list(Leaf.objects.order_by("index").values_list("index", "kind"))


@pytest.mark.django_db
class TestSealing:
    def test_a_leaf_is_the_hash_of_the_record_in_canonical_json(self):
        event = look(make_customer(), reason="Sa «hei» i et brev \\ og mer", reference="brev 7")
        assert seal_pending(now=NOW) == 1
        leaf = leaf_of(event)
        record = access_record(AccessEvent.objects.get(pk=event.pk))
        assert leaf.kind == "access"
        assert bytes(leaf.hash) == sha256(b"\0" + rfc8785.dumps(record)).digest()

    def test_both_kinds_share_one_log_without_a_gap(self):
        person = make_customer(yes=("newsletter",))
        look(person)
        assert seal_pending(now=NOW) == 2
        look(person, what="choices")
        make_customer(yes=("newsletter",))
        look(person, what="search")
        assert seal_pending(now=NOW) == 3
        assert [index for index, _kind in kinds()] == list(range(5))
        assert sorted(kind for _index, kind in kinds()) == ["access"] * 3 + ["consent"] * 2
        hashes = {leaf.event_id: bytes(leaf.hash) for leaf in Leaf.objects.all()}
        assert all(hashes[each.pk] == event_hash(each) for each in ConsentDetail.objects.all())
        assert all(hashes[each.pk] == access_hash(each) for each in AccessEvent.objects.all())
        order = Leaf.objects.order_by("index").values_list("hash", flat=True)
        assert tree.root_at(5) == merkle.root_of(bytes(each) for each in order)

    def test_sealing_again_seals_nothing(self):
        look(make_customer())
        assert (seal_pending(now=NOW), seal_pending(now=NOW)) == (1, 0)

    def test_more_than_a_batch_is_sealed_at_once(self, monkeypatch):
        monkeypatch.setattr(sealer, "BATCH", 2)
        person, staff = make_customer(), make_staff()
        for _ in range(5):
            look(person, staff=staff)
        assert seal_pending(now=NOW) == 5

    def test_what_is_equal_but_for_its_salt_has_another_hash(self):
        event = look(make_customer())
        same = AccessEvent.objects.get(pk=event.pk)
        same.salt = bytes(16)
        assert access_hash(same) != access_hash(event)

    def test_every_column_of_an_event_is_in_its_record(self):
        event = look(make_customer())
        columns = {field.attname for field in AccessEvent._meta.concrete_fields}
        others = {
            "id": uuid.uuid4(),
            "person_id": uuid.uuid4(),
            "actor": "staff:another",
            "role": "billing",
            "what": "mails",
            "basis": "question",
            "reference": "another",
            "reason": "another",
            "grant_id": uuid.uuid4(),
            "at": NOW + timedelta(microseconds=1),
            "salt": bytes(16),
        }
        assert columns == set(others)
        for name, value in others.items():
            changed = AccessEvent.objects.get(pk=event.pk)
            setattr(changed, name, value)
            assert access_hash(changed) != access_hash(event), name

    def test_no_choice_can_be_passed_off_as_a_look(self):
        person = make_customer(yes=("newsletter",))
        choice = event_record(ConsentDetail.objects.of(person.pk).get())
        assert access_record(look(person)).keys() - choice.keys() >= {"kind"}
        assert "kind" not in choice

    def test_the_record_names_who_looked_to_nobody_who_does_not_know_them(self):
        staff = make_staff()
        event = look(make_customer(), staff=staff)
        record = access_record(event)
        assert str(staff.pk) not in json.dumps(record)
        known = b64encode(sha256(event.salt + f"staff:{staff.pk}".encode()).digest()).decode()
        assert record["staff"] == known


@pytest.mark.django_db
class TestAudit:
    @pytest.fixture
    def event(self):
        make_customer(yes=("newsletter",))
        event = look(make_customer())
        seal_and_publish(NOW)
        return event

    def examine(self, now=NOW):
        return audit.examine(now=now, superseded_before=LONG_AGO)

    def tamper(self, statement, *parameters):
        with as_role(OWNER), connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            for table in ("accounts_accessevent", "consent_leaf"):
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            cursor.execute(statement, parameters)
            for table in ("accounts_accessevent", "consent_leaf"):
                cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")

    def test_it_counts_them(self, event):
        counts = self.examine()
        assert (counts.accesses, counts.events, counts.leaves, counts.pending) == (1, 1, 2, 0)

    def test_the_command_says_so(self, event, monkeypatch):
        monkeypatch.setattr(audit, "snapshot", nullcontext)
        said = StringIO()
        call_command("audit_consent", stdout=said)
        assert "1 accesses of staff as their leaves say" in said.getvalue()

    @pytest.mark.parametrize(
        "change",
        [
            "what = 'mails'",
            "reason = 'x'",
            "role = 'billing'",
            "actor = 'staff:x'",
            "at = at - interval '1 day'",
            "person_id = uuidv7()",
            "salt = 'x'",
        ],
    )
    def test_a_changed_look_is_found(self, event, change):
        self.tamper(f"UPDATE accounts_accessevent SET {change}")
        with pytest.raises(audit.Difference, match=f"access event {event.pk} is not the one that"):
            self.examine()

    def test_a_leaf_that_says_it_was_a_choice_is_found(self, event):
        self.tamper("UPDATE consent_leaf SET kind = 'consent' WHERE event_id = %s", event.pk)
        with pytest.raises(audit.Difference, match="is not the one that leaf 1"):
            self.examine()

    def test_a_look_slipped_in_long_ago_is_found(self, event):
        late = timezone.now() + audit.LATE + timedelta(minutes=1)
        assert self.examine(late).pending == 0
        look(make_customer())
        with pytest.raises(audit.Difference, match=r"access event .* has no leaf in the log"):
            self.examine(late)

    def test_a_look_waits_for_its_leaf_a_while(self, event):
        look(make_customer())
        assert self.examine(timezone.now()).pending == 1

    def test_one_that_went_with_its_person_leaves_its_leaf_and_is_not_missed(self, event):
        with as_role(KEEPER), connection.cursor() as cursor:
            cursor.execute("SELECT accounts_erase_access_events(%s, 100)", [event.person_id])
            assert cursor.fetchone()[0] == 1
        counts = self.examine()
        assert (counts.accesses, counts.leaves) == (0, 2)


@pytest.mark.django_db
class TestRights:
    @pytest.fixture(autouse=True)
    def event(self):
        return look(make_customer())

    @pytest.mark.parametrize("role", [APP, KEEPER, SENDER, READER])
    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE accounts_accessevent SET reason = ''",
            "DELETE FROM accounts_accessevent",
            "TRUNCATE accounts_accessevent",
        ],
    )
    def test_nobody_who_works_for_us_changes_or_removes_one(self, role, statement):
        with as_role(role):
            assert refused(statement)

    def test_even_the_owner_changes_none_by_mistake(self):
        with as_role(OWNER):
            assert refused("UPDATE accounts_accessevent SET reason = ''")

    @pytest.mark.parametrize("role", [KEEPER, SENDER, READER])
    def test_only_who_serves_staff_writes_one(self, role):
        with as_role(role):
            assert refused(
                "INSERT INTO accounts_accessevent SELECT * FROM accounts_accessevent LIMIT 0"
            )

    @pytest.mark.parametrize("role", [SENDER, READER])
    def test_nobody_else_reads_them(self, role):
        with as_role(role):
            assert refused("SELECT FROM accounts_accessevent")

    @pytest.mark.parametrize("role", [APP, SENDER, READER])
    def test_only_the_keeper_lets_them_go(self, role):
        with as_role(role):
            assert refused("SELECT accounts_erase_access_events(uuidv7(), 1)")
            assert refused("SELECT accounts_expire_access_events('{}', now())")

    @pytest.mark.parametrize(
        "statement",
        [
            "DELETE FROM accounts_lookup",
            "UPDATE accounts_lookup SET found = false",
            "DELETE FROM accounts_accessgrant",
            "UPDATE accounts_accessgrant SET until = until + interval '1 day'",
            "DELETE FROM accounts_accessalarm",
        ],
    )
    def test_who_serves_makes_no_look_up_unsaid_and_no_half_hour_longer(self, statement):
        assert refused(statement)

    def test_a_key_that_is_named_goes_only_when_it_is_old_enough(self, event):
        old = look(make_customer(), at=LONG_AGO)
        keys = [event.pk, old.pk]
        with as_role(KEEPER), connection.cursor() as cursor:
            cursor.execute(
                "SELECT accounts_expire_access_events(%s, %s)", [keys, NOW - timedelta(days=1)]
            )
            assert cursor.fetchone()[0] == 1
        assert list(AccessEvent.objects.all()) == [event]

    @pytest.mark.parametrize("before", ["infinity", "2100-01-01"])
    def test_nothing_goes_before_its_three_years_whatever_day_is_named(self, event, before):
        with as_role(KEEPER), connection.cursor() as cursor:
            cursor.execute("SELECT accounts_expire_access_events(%s, %s)", [[event.pk], before])
            assert cursor.fetchone()[0] == 0
        assert list(AccessEvent.objects.all()) == [event]

    def test_of_another_person_nothing_goes(self, event):
        other = look(make_customer())
        with as_role(KEEPER), connection.cursor() as cursor:
            cursor.execute("SELECT accounts_erase_access_events(%s, 100)", [event.person_id])
        assert list(AccessEvent.objects.all()) == [other]

    def test_at_most_as_many_go_as_are_asked_for(self, event):
        person = make_customer()
        look(person)
        look(person, what="mails")
        with as_role(KEEPER), connection.cursor() as cursor:
            cursor.execute("SELECT accounts_erase_access_events(%s, 1)", [person.pk])
        assert AccessEvent.objects.filter(person_id=person.pk).count() == 1


@pytest.mark.django_db
class TestWriting:
    """The database asks for the writer's own half-hour; a name in a column is not enough."""

    @pytest.fixture
    def grant(self):
        look(make_customer())
        return AccessGrant.objects.get()

    def write(self, grant, **changes):
        values = {
            "person_id": grant.person_id,
            "actor": f"staff:{grant.staff_id}",
            "role": "support",
            "what": "mails",
            "basis": grant.basis,
            "grant_id": grant.pk,
            "at": grant.opened_at,
            "salt": bytes(16),
        }
        with transaction.atomic():
            return AccessEvent.objects.create(**(values | changes))

    def test_ones_own_half_hour_from_its_beginning_to_its_end(self, grant):
        self.write(grant)
        self.write(grant, what="choices", at=grant.until)

    @pytest.mark.parametrize("way", ["staff", "person", "grant", "before", "after"])
    def test_nothing_is_written_under_a_half_hour_of_others_or_of_another_time(self, grant, way):
        moment = timedelta(microseconds=1)
        others: dict[str, dict[str, Any]] = {
            "staff": {"actor": f"staff:{make_staff().pk}"},
            "person": {"person_id": make_customer().pk},
            "grant": {"grant_id": uuid.uuid4()},
            "before": {"at": grant.opened_at - moment},
            "after": {"at": grant.until + moment},
        }
        with pytest.raises(IntegrityError, match="not open to them"):
            self.write(grant, **others[way])

    def test_of_whom_is_gone_nothing_is_written(self, grant):
        with pytest.raises(IntegrityError, match="nobody is there"):
            self.write(grant, person_id=uuid.uuid4(), grant_id=None, what="search")


@contextmanager
def without_patience():
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '50ms'")
        yield


@pytest.mark.django_db(transaction=True)
def test_a_search_that_meets_an_erasure_leaves_nothing_of_the_erased():
    """The one that is later waits for the other: no key of theirs outlives the account."""
    person, staff = make_customer(), make_staff(roles=("support",))
    beside = connection.copy()
    try:
        with beside.cursor() as cursor:
            cursor.execute("SELECT set_config('role', %s, false)", [KEEPER])
            beside.set_autocommit(False)
            cursor.execute("SELECT FROM accounts_user WHERE id = %s FOR UPDATE", [person.pk])
        with pytest.raises(DatabaseError, match="lock timeout"), without_patience():
            look(person, staff=staff, what="search", reason="", reference="")
        beside.rollback()
    finally:
        beside.close()
    assert not AccessEvent.objects.exists()


def refused(statement):
    with (
        pytest.raises(DatabaseError, match=r"permission denied|is append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    return True


@pytest.mark.django_db
class TestOtherSystems:
    """Who follows our customers' choices learns of no look, not even that there was one."""

    @pytest.fixture
    def person(self):
        person = make_customer(yes=("newsletter",))
        look(person)
        return person

    def test_the_feed_of_the_api_passes_over_them(self, person):
        seal_pending(now=NOW)
        page = changes_after(-1, limit=100)
        assert [(each["customer"], each["topic"]) for each in page.changes] == [
            (person.pk, "newsletter")
        ]
        assert (page.next, page.more) == (1, False)

    def test_no_webhook_is_told(self, person):
        create_webhook(
            name="CRM",
            url="https://crm.example.com/",
            events=["consent.opted_in", "consent.opted_out", "customer.erased"],
        )
        look(person, what="choices")
        seal_pending(now=NOW)
        make_deliveries(now=NOW)
        choice = ConsentDetail.objects.of(person.pk).get()
        assert [each.event_id for each in Delivery.objects.all()] == [choice.pk]
        assert [each.type for each in changes(0, 100)] == ["consent.opted_in"]

    def test_the_public_log_shows_a_hash_and_not_its_kind(self, person):
        seal_and_publish(NOW)
        answer = Client().get(reverse("log_leaves")).json()
        assert [sorted(leaf) for leaf in answer["leaves"]] == [["hash", "index"]] * 2


@pytest.mark.django_db(transaction=True)
def test_the_journal_keeps_the_leaf_and_no_word_of_the_look(own_journal):
    event = look(make_customer(), reason="et brev fra Blåbærskogen")
    with as_role(KEEPER):
        assert keep_log(NOW) == 1
    records = list(open_journal().read(after=0))
    leaves = [leaf for each in records for leaf in each.entry.get("leaves", ())]
    assert leaves == [[str(event.pk), "access", access_hash(event).hex()]]
    text = own_journal.read_bytes().decode()
    assert "skogen" not in text
    assert str(event.person_id) not in text
    said = StringIO()
    call_command("audit_consent", stdout=said)
    assert "1 accesses of staff" in said.getvalue()
