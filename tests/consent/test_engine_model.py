"""Every way in and out in any order, beside a model that knows nothing of the database.

After each step the stored preferences are what their events make them, each yes is its owner's own
act, and whether a message may go is what the model says.
"""

import tempfile
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from accounts import services as accounts
from accounts.models import User
from accounts.signals import address_confirmed
from consent import services
from consent.imports.importing import import_customers
from consent.imports.reading import CustomerFile
from consent.models import Source, Suppression, Topic
from consent.suppression import suppress
from foundation.calendar import months_later
from foundation.roles import KEEPER, OWNER, as_role
from messaging.models import Message
from retention import services as retention
from retention.models import Source as AskedBy
from tests.consent.ledger import (
    FROM_MAIL,
    HOUR,
    SIGNED_IN,
    Standing,
    assert_everything_adds_up,
)
from tests.factories import NOW, retire_topic
from tests.imports.files import record, write_file
from tests.messaging.test_races import Beside

pytestmark = pytest.mark.django_db(transaction=True)

MAIL = ("newsletter", "product_news", "special_offers")
RETIRING = "product_news"
ADDRESSES = ("kari@shop.test", "ola@shop.test")
Reason = Suppression.Reason


@dataclass(frozen=True)
class Choice:
    """One standing choice; `before` is what an undo goes back to, None where it cannot."""

    state: str
    version: int
    at: datetime
    source: str
    since: datetime
    paused_until: datetime | None = None
    before: "Choice | None" = None

    @property
    def yes(self) -> bool:
        return self.state == "granted"

    def a_mail_may_undo(self, now: datetime) -> bool:
        """As the row alone tells it, so perhaps also of a no that an undo brought back."""
        fresh = self.source in FROM_MAIL and now - self.since < HOUR
        return self.state == "withdrawn" and fresh


@dataclass
class Somebody:
    """One mailbox and who has an account with it, as the model sees them."""

    address: str
    pk: uuid.UUID
    exists: bool = False
    confirmed: bool = False
    active: bool = True
    from_file: bool = False
    choices: dict[str, Choice] = field(default_factory=dict)
    barred: set[str] = field(default_factory=set)
    acts: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    # A no by another way than a mail's link, whether or not it changed anything.
    firm: set[str] = field(default_factory=set)

    def decide(self, slug: str, *, yes: bool, source: str, now: datetime, retired: bool) -> bool:
        """Whether the choice changed."""
        old = self.choices.get(slug)
        if not self.exists or (yes and retired):
            return False
        if yes:
            self.firm.discard(slug)
        elif source not in FROM_MAIL:
            self.firm.add(slug)
        if old is not None and old.yes == yes and old.paused_until is None:
            if yes or source in FROM_MAIL or not old.a_mail_may_undo(now):
                return False
            # Said once more: it stands from now on, and nothing takes it back.
            new = Choice("withdrawn", old.version + 1, now, source, now)
        elif old is None:
            new = Choice("granted" if yes else "refused", 1, now, source, now)
        elif old.yes == yes:  # a yes in a pause
            new = replace(old, paused_until=None, version=old.version + 1, at=now, before=old)
        else:
            state = "granted" if yes else "withdrawn"
            new = Choice(state, old.version + 1, now, source, now, before=old)
        self.choices[slug] = new
        self.acts[slug] = (source, now)
        return True

    def rest(self, slug: str, *, until: datetime | None, source: str, now: datetime) -> bool:
        old = self.choices.get(slug)
        if old is None or not old.yes:
            return False
        if source not in SIGNED_IN:
            if until is None:
                return False
            until = max(until, old.paused_until or now)
        open_from_mail = old.before is not None and self.may_undo(slug, "link", now)
        before: Choice | None = old
        if old.paused_until == until:
            if until is None or source in FROM_MAIL or not open_from_mail:
                return False
            before = None
        self.choices[slug] = replace(
            old, paused_until=until, version=old.version + 1, at=now, before=before
        )
        self.acts[slug] = (source, now)
        return True

    def undo(self, slug: str, *, source: str, now: datetime) -> bool:
        old = self.choices.get(slug)
        if old is None or old.before is None or not self.may_undo(slug, source, now):
            return False
        if source in FROM_MAIL:
            assert slug not in self.firm, "a no by another way was said since"
        else:
            self.firm.discard(slug)
        self.choices[slug] = replace(old.before, version=old.version + 1, at=now, before=None)
        self.acts[slug] = (source, now)
        return True

    def wants_again(self, slugs: Iterable[str], source: str, retired: set[str]) -> None:
        """A yes said signed in, or an own no taken back."""
        yes = [s for s in slugs if s not in retired and s in self.choices and self.choices[s].yes]
        if self.exists and yes and source in SIGNED_IN:
            self.barred -= {Reason.COMPLAINT, Reason.REPLAYED}

    def may_undo(self, slug: str, source: str, now: datetime) -> bool:
        way, at = self.acts[slug]
        if source in FROM_MAIL:
            return way in FROM_MAIL and now - at < HOUR
        return source in SIGNED_IN


@dataclass(frozen=True)
class Act:
    """One thing somebody does to some of their topics; undo takes the first of them alone."""

    kind: str
    slugs: tuple[str, ...]
    source: Source
    months: int | None = None

    def do(self, pk: uuid.UUID, topics: dict[str, Topic], now: datetime) -> Any:
        keys = [topics[slug].pk for slug in self.slugs]
        if self.kind == "no":
            return services.record_opt_out(pk, keys, source=self.source, now=now)
        if self.kind == "yes":
            answers = dict.fromkeys(keys, True)
            return services.record_choices(pk, answers, source=self.source, now=now)
        if self.kind == "pause":
            return services.record_pause(pk, keys, months=self.months, source=self.source, now=now)
        return services.undo_last(pk, keys[0], source=self.source, now=now)

    def tell(self, who: Somebody, now: datetime, retired: set[str]) -> list[str]:
        """What the model expects to change."""
        source = self.source.value
        if self.kind == "undo":
            before = {slug: choice.yes for slug, choice in who.choices.items()}
            undone = [slug for slug in self.slugs[:1] if who.undo(slug, source=source, now=now)]
            who.wants_again([s for s in undone if not before[s]], source, retired)
            return undone
        if self.kind == "pause":
            until = None if self.months is None else months_later(now, self.months)
            return [s for s in self.slugs if who.rest(s, until=until, source=source, now=now)]
        yes = self.kind == "yes"
        changed = [
            slug
            for slug in self.slugs
            if who.decide(slug, yes=yes, source=source, now=now, retired=slug in retired)
        ]
        if yes:
            who.wants_again(self.slugs, source, retired)
        return changed


# Mostly one and the same topic, so that acts meet.
SOME = st.one_of(
    st.just(("newsletter",)),
    st.lists(st.sampled_from(MAIL), min_size=1, max_size=3, unique=True).map(tuple),
)
WAYS_OUT = st.sampled_from(
    [source for source in Source if source not in (Source.SIGNUP, Source.CONFIRMED, Source.IMPORT)]
)
OWN = st.sampled_from([Source.PREFERENCES, Source.API_SIGNED_IN])
BY_MAIL_OR_OWN = st.sampled_from(
    [Source.PREFERENCES, Source.API_SIGNED_IN, Source.LINK, Source.MAIL_PREFERENCES]
)
WAYS_TO_REST = st.one_of(BY_MAIL_OR_OWN, st.just(Source.APP))
NO = st.builds(Act, st.just("no"), SOME, WAYS_OUT)
YES = st.builds(Act, st.just("yes"), SOME, OWN)
PAUSE = st.builds(Act, st.just("pause"), SOME, WAYS_TO_REST, st.sampled_from([None, 1, 3, 6]))
UNDO = st.builds(Act, st.just("undo"), SOME, st.one_of(BY_MAIL_OR_OWN, st.just(Source.STAFF)))
ACTS = st.one_of(NO, YES, PAUSE, UNDO)
MAILS = st.sampled_from([Source.ONE_CLICK, Source.LINK, Source.MAIL_PREFERENCES])
NO_FROM_MAIL = st.builds(Act, st.just("no"), SOME, MAILS)
PAUSE_FROM_MAIL = st.builds(Act, st.just("pause"), SOME, MAILS, st.sampled_from([1, 3, 6]))
WHO = st.integers(0, len(ADDRESSES) - 1)
IN_FILE = st.sampled_from(["", "granted", "refused", "withdrawn"])


class Engine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        empty_tables()
        self.now = NOW
        self.topics = {topic.slug: topic for topic in Topic.objects.filter(slug__in=MAIL)}
        self.people = [Somebody(address, uuid.uuid4()) for address in ADDRESSES]
        self.retired: set[str] = set()
        self.names = 0

    @initialize(answers=st.fixed_dictionaries(dict.fromkeys(MAIL, st.booleans())))
    def two_are_here(self, answers: dict[str, bool]) -> None:
        self.sign_up(0, answers)
        self.confirm_address(0)
        self.import_file(1, dict.fromkeys(MAIL, "granted"), 40)

    # --- ways in -----------------------------------------------------------------------------

    @rule(number=WHO, answers=st.fixed_dictionaries(dict.fromkeys(MAIL, st.booleans())))
    def sign_up(self, number: int, answers: dict[str, bool]) -> None:
        """A taken address changes nothing; one nobody confirmed is taken over."""
        who = self.people[number]
        self.names += 1
        accounts.register_customer(
            email=who.address.upper(),
            answers={self.topics[slug].pk: yes for slug, yes in answers.items()},
            language="nb",
            now=self.now,
            username=f"self{self.names}",
        )
        if who.confirmed:
            return
        if not who.exists:
            who.exists, who.active, who.from_file = True, True, False
            who.pk = User.objects.get(username=f"self{self.names}").pk
        for slug, yes in answers.items():
            retired = slug in self.retired
            who.decide(slug, yes=yes, source="signup", now=self.now, retired=retired)

    @rule(number=WHO)
    def confirm_address(self, number: int) -> None:
        """The link of the welcome mail, or that of an address confirmed once more."""
        who = self.people[number]
        if not who.exists or not who.active:
            return
        user = User.objects.get(pk=who.pk)
        if who.confirmed:
            with transaction.atomic():
                address_confirmed.send(sender=User, user=user, now=self.now)
        else:
            assert accounts.confirm_address(user, password=None, now=self.now)
        who.confirmed = True
        who.barred &= {Reason.PROVIDER}

    @rule(number=WHO, slug=st.sampled_from(MAIL))
    def ask_to_confirm(self, number: int, slug: str) -> None:
        who = self.people[number]
        topic = Topic.objects.with_wording().get(slug=slug)
        choice = who.choices.get(slug)
        before = Message.objects.filter(purpose="confirm_choice").count()
        services.ask_to_confirm_yes(who.pk, topic, now=self.now)
        mails = Message.objects.filter(purpose="confirm_choice").count() - before
        asks = who.exists and who.active and slug not in self.retired
        assert mails == int(asks and (choice is None or not choice.yes))

    @rule(number=WHO, slug=st.sampled_from(MAIL), behind=st.sampled_from([0, 0, 1, 2]))
    def confirm_yes(self, number: int, slug: str, behind: int) -> None:
        """The link of such a mail, also one that a later choice has overtaken."""
        who = self.people[number]
        choice = who.choices.get(slug)
        standing = 0 if choice is None else choice.version
        version = max(standing - behind, 0)
        answer = services.confirm_yes(
            who.pk,
            self.topics[slug].pk,
            version=version,
            now=self.now,
            shown=services.NOTHING_SHOWN,
        )
        if standing == version:
            retired = slug in self.retired
            if who.decide(slug, yes=True, source="confirmed", now=self.now, retired=retired):
                who.barred &= {Reason.PROVIDER}
        choice = who.choices.get(slug)
        assert answer is (choice is not None and choice.yes)

    @rule(
        number=WHO,
        states=st.fixed_dictionaries(dict.fromkeys(MAIL, IN_FILE)),
        days=st.sampled_from([0, 1, 40, 400]),
    )
    def import_file(self, number: int, states: dict[str, str], days: int) -> None:
        who = self.people[number]
        at = self.now - timedelta(days=days)
        row = record(number, user_email=who.address, choice_at=at.isoformat())
        row |= {f"topic_{slug}": state for slug, state in states.items()}
        with tempfile.TemporaryDirectory() as folder:
            path = write_file(Path(folder) / "customers.csv", row)
            summary = import_customers(
                CustomerFile(path), now=self.now, reject=lambda _: None, advance=lambda _: None
            )
        is_new = not who.exists and Reason.ERASED not in who.barred
        is_known = who.exists and who.from_file
        assert (summary.new, summary.known) == (int(is_new), int(is_known))
        if is_new:
            who.exists = who.confirmed = who.active = who.from_file = True
            who.pk = User.objects.get(username=row["username"]).pk
        if not is_new and not is_known:
            return
        for slug, state in states.items():
            self.take_from_file(who, slug, state, at, is_new=is_new)

    def take_from_file(
        self, who: Somebody, slug: str, state: str, at: datetime, *, is_new: bool
    ) -> None:
        old = who.choices.get(slug)
        if not state or (state == "granted" and (not is_new or who.barred or slug in self.retired)):
            return
        if state != "granted" and (old is None or not old.yes or at > old.since):
            who.firm.add(slug)
        if old is None:
            who.choices[slug] = Choice(state, 1, at, "import", at)
        elif state == "granted":
            return
        elif old.yes and at > old.since:
            who.choices[slug] = Choice("withdrawn", old.version + 1, at, "import", at, before=old)
        elif old.a_mail_may_undo(self.now):
            at = max(at, old.since)
            who.choices[slug] = Choice("withdrawn", old.version + 1, at, "import", at)
        else:
            return
        who.acts[slug] = ("import", at)

    # --- ways out, pauses, undo --------------------------------------------------------------

    @rule(number=WHO, act=YES)
    def say_yes(self, number: int, act: Act) -> None:
        self.act(number, act)

    @rule(number=WHO, act=NO)
    def say_no(self, number: int, act: Act) -> None:
        self.act(number, act)

    @rule(number=WHO, act=PAUSE)
    def pause(self, number: int, act: Act) -> None:
        self.act(number, act)

    @rule(number=WHO, act=UNDO)
    def undo(self, number: int, act: Act) -> None:
        self.act(number, act)

    def act(self, number: int, act: Act) -> None:
        who = self.people[number]
        answer = act.do(who.pk, self.topics, self.now)
        self.compare(answer, act.tell(who, self.now, self.retired))

    @rule(number=WHO, source=WAYS_OUT)
    def no_to_everything(self, number: int, source: Source) -> None:
        self.act(number, Act("no", MAIL, source))

    @rule(number=WHO, source=st.sampled_from([Source.LINK, Source.PREFERENCES]))
    def undo_the_latest_act(self, number: int, source: Source) -> None:
        who = self.people[number]
        undone = services.undo_latest(who.pk, source=source, now=self.now)
        open_ones = {
            slug: who.acts[slug][1]
            for slug, choice in who.choices.items()
            if choice.before is not None and who.may_undo(slug, source.value, self.now)
        }
        latest = max(open_ones.values(), default=None)
        expected = [slug for slug, at in open_ones.items() if at == latest]
        for slug in expected:
            Act("undo", (slug,), source).tell(who, self.now, self.retired)
        self.compare(undone, expected)

    @rule(number=WHO, first=ACTS, second=ACTS, commits=st.sampled_from([True, True, False]))
    def any_two_at_once(self, number: int, first: Act, second: Act, commits: bool) -> None:
        self.two_at_once(number, first, second, commits=commits)

    def two_at_once(self, number: int, first: Act, second: Act, *, commits: bool) -> None:
        """The second comes in while the first is written and not committed."""
        who = self.people[number]
        seen = {slug: choice.version for slug, choice in who.choices.items()}
        with transaction.atomic():
            answer = first.do(who.pk, self.topics, self.now)
            beside = Beside(lambda: second.do(who.pk, self.topics, self.now))
            beside.start()
            beside.waits_for_a_lock()
            if not commits:
                transaction.set_rollback(True)
        beside.join(10)
        if commits:
            self.compare(answer, first.tell(who, self.now, self.retired))
        slug = second.slugs[0]
        if second.kind == "undo" and slug in seen and who.choices[slug].version != seen[slug]:
            assert beside.answer is False, "what it meant to undo is not the latest any more"
            return
        if second.kind == "undo" and slug not in seen:
            assert beside.answer is False
            return
        self.compare(beside.answer, second.tell(who, self.now, self.retired))

    @rule(
        number=WHO,
        first=st.one_of(NO_FROM_MAIL, PAUSE_FROM_MAIL),
        again=st.one_of(NO, PAUSE, st.sampled_from([0, 1, 40])),
    )
    def a_mail_is_overtaken(self, number: int, first: Act, again: Act | int) -> None:
        """Something from a mail, the same by any way or in a file, and the mail's undo."""
        self.act(number, first)
        if isinstance(again, Act):
            self.act(number, replace(again, slugs=first.slugs))
        else:
            file_says = {slug: "withdrawn" if slug in first.slugs else "" for slug in MAIL}
            self.import_file(number, file_says, again)
        self.undo_the_latest_act(number, Source.LINK)

    @rule(number=WHO, first=st.one_of(NO, YES, PAUSE), source=OWN)
    def undo_what_is_being_overtaken(self, number: int, first: Act, source: Source) -> None:
        self.two_at_once(number, first, Act("undo", first.slugs, source), commits=True)

    def compare(self, answer: Any, expected: list[str]) -> None:
        if isinstance(answer, bool):
            assert answer is bool(expected)
        else:
            assert set(answer) == {self.topics[slug].pk for slug in expected}

    # --- what happens around them ------------------------------------------------------------

    @rule(number=WHO, reason=st.sampled_from(["hard_bounce", "complaint", "provider", "replayed"]))
    def suppress(self, number: int, reason: str) -> None:
        suppress(self.people[number].address, reason=Reason(reason), now=self.now)
        self.people[number].barred.add(reason)

    @precondition(lambda self: not self.retired)
    @rule()
    def retire(self) -> None:
        retire_topic(self.topics[RETIRING], now=self.now)
        self.retired.add(RETIRING)

    @precondition(lambda self: any(who.exists for who in self.people))
    @rule(number=WHO, at_once=st.booleans(), really=st.sampled_from([True, False, False]))
    def erase(self, number: int, at_once: bool, really: bool) -> None:
        """Not every time it is drawn: an erasure ends what might still have happened."""
        who = self.people[number]
        if not who.exists or not really:
            return
        retention.request_deletion(who.pk, source=AskedBy.CUSTOMER, actor="self", now=self.now)
        who.active = False
        if at_once:
            self.finish_erasing()

    @precondition(lambda self: any(not who.active for who in self.people))
    @rule()
    def finish_erasing(self) -> None:
        with as_role(KEEPER):
            retention.run_deletions(self.now)
        for who in self.people:
            if not who.active:
                who.exists = who.confirmed = who.from_file = False
                who.active = True
                who.choices.clear()
                who.firm.clear()
                who.barred.add(Reason.ERASED)

    @rule(
        minutes=st.sampled_from(
            [30, 59, 60, 61, 24 * 60, 32 * 24 * 60, 100 * 24 * 60, 200 * 24 * 60]
        )
    )
    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    # --- what always holds -------------------------------------------------------------------

    @invariant()
    def the_stored_choices_are_what_their_events_and_the_model_say(self) -> None:
        assert assert_everything_adds_up() == {
            (who.pk, self.topics[slug].pk): Standing(
                choice.state, choice.paused_until, choice.source, choice.since, choice.version
            )
            for who in self.people
            for slug, choice in who.choices.items()
        }

    @invariant()
    def a_message_may_go_when_the_model_says_so(self) -> None:
        cases = [(who, slug) for who in self.people for slug in MAIL]
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT consent_withheld_reason(person, topic, COALESCE(email, ''), %s)"
                "  FROM unnest(%s, %s) WITH ORDINALITY AS a (person, topic, position)"
                "  LEFT JOIN accounts_user u ON u.id = a.person ORDER BY position",
                [
                    self.now,
                    [who.pk for who, _ in cases],
                    [self.topics[slug].pk for _, slug in cases],
                ],
            )
            reasons = [reason for (reason,) in cursor.fetchall()]
        assert reasons == [self.permission(who, slug) for who, slug in cases]

    def permission(self, who: Somebody, slug: str) -> str:
        choice = who.choices.get(slug)
        if not who.exists:
            return "erased"
        if not who.confirmed:
            return "not_confirmed"
        if not who.active:
            return "deactivated"
        if choice is None:
            return "not_asked"
        if not choice.yes:
            return choice.state
        if choice.paused_until is not None and choice.paused_until > self.now:
            return "paused"
        if slug in self.retired:
            return "topic_retired"
        return "suppressed" if who.barred else ""


TABLES = (
    "consent_preference consent_consentdetail consent_suppression retention_deletionstep"
    " retention_deletionrequest messaging_message accounts_user"
)


def empty_tables() -> None:
    """Few rows, so this is quicker than TRUNCATE of dozens of partitions."""
    with as_role(OWNER), connection.cursor() as cursor:
        for table in TABLES.split():
            cursor.execute(f"DELETE FROM {table}")
        cursor.execute("UPDATE consent_topic SET retired_at = NULL")


@pytest.mark.slow
def test_whatever_happens_in_whatever_order_no_no_becomes_a_yes_by_itself() -> None:
    run_state_machine_as_test(
        Engine,
        settings=hypothesis_settings(
            max_examples=25,
            stateful_step_count=30,
            deadline=None,
            derandomize=True,
            # To shrink runs of real transactions would take minutes; the steps are printed anyway.
            phases=(Phase.explicit, Phase.generate),
            suppress_health_check=list(HealthCheck),
        ),
    )
