"""The sender's steps in any order, beside a model that knows nothing of the database.

Two workers claim and hand over, several messages at a time, and are killed at any point; meanwhile
people opt out, come back, change their address and leave, and mailings are paused, resumed and
cancelled. Nothing is handed over after a no, nothing twice unless the server had said no to it,
and every message ends.
"""

import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

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
from consent import services as consent
from consent.models import Source, Suppression
from consent.suppression import suppress
from foundation.roles import OWNER, as_role
from messaging import sender, services
from messaging.models import Campaign, Message
from messaging.policy import LEASE, LEAST_ATTEMPTS, LONGEST_RETRY, Lane, give_up_after
from messaging.sending import claims
from messaging.sending.outcome import Outcome
from tests.factories import NOW, make_campaign, make_customer, make_staff, topic
from tests.messaging.test_races import Beside

pytestmark = pytest.mark.django_db(transaction=True)

PEOPLE, WORKERS, MOST_MAILINGS = 5, 2, 5
CAMPAIGNS = Lane.CAMPAIGNS
FINAL = ("sent", "withheld", "failed", "in_doubt")
WHO = st.integers(0, PEOPLE - 1)
WORKER = st.integers(0, WORKERS - 1)
MAILING = st.integers(0, MOST_MAILINGS - 1)
# What ends a person's mail for good is drawn often and done seldom.
SELDOM = st.sampled_from([True, False, False, False])
REPLIES = {
    "accepted": Outcome(accepted=True),
    "451": Outcome(reply="451 later"),
    "550": Outcome(permanent=True, reply="550 no such user"),
    "lost": Outcome(handed=True, reply="connection lost"),
}
REPLY = st.sampled_from(sorted(REPLIES))


@dataclass
class Person:
    """What decides whether they may be written to."""

    pk: uuid.UUID
    address: str
    says: str = "granted"
    active: bool = True
    suppressed: bool = False


@dataclass
class Letter:
    """One message as the model sees it; `lease` is its worker's, None while it waits."""

    person: Person
    mailing: int
    address: str
    since: datetime
    state: str = "queued"
    reason: str = ""
    lease: uuid.UUID | None = None
    bodies: int = 0
    refused: int = 0


@dataclass
class Worker:
    lease: uuid.UUID = field(default_factory=uuid.uuid4)
    held: list[sender.Claimed] = field(default_factory=list)
    # The body has left and nothing has been heard of it.
    in_the_air: list[sender.Claimed] = field(default_factory=list)
    # Accepted, and not yet marked as sent.
    accepted: list[uuid.UUID] = field(default_factory=list)


# How often the model met each answer; what it never met it does not show.
MET: Counter[str] = Counter()


class Sending(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        empty_tables()
        self.now = NOW
        self.staff = make_staff()
        self.people: list[Person] = []
        self.mailings: list[str] = []
        self.campaigns: list[Campaign] = []
        self.letters: dict[uuid.UUID, Letter] = {}
        self.workers = [Worker() for _ in range(WORKERS)]

    @initialize()
    def five_asked_for_it(self) -> None:
        for _ in range(PEOPLE):
            user = make_customer(yes=("newsletter",))
            self.people.append(Person(user.pk, user.email))
        self.start_a_campaign()

    # --- mailings ----------------------------------------------------------------------------

    @precondition(lambda self: len(self.mailings) < MOST_MAILINGS)
    @rule()
    def start_a_campaign(self) -> None:
        campaign = make_campaign()
        services.approve(campaign, actor=self.staff, now=self.now)
        services.start(campaign, actor=self.staff, now=self.now)
        services.run_mailings(now=self.now)
        self.withhold_what_is_cancelled()  # that round has done so
        number = len(self.mailings)
        self.campaigns.append(campaign)
        self.mailings.append("sending")
        rows = Message.objects.of_mailing(campaign.pk).values_list("id", "person_id", "to_address")
        people = {person.pk: person for person in self.people}
        for message_id, person_id, address in rows:
            self.letters[message_id] = Letter(people[person_id], number, address, self.now)
        reached = {letter.person.pk for letter in self.of(number)}
        assert reached == {person.pk for person in self.people if not reason_against(person)}

    @rule(number=MAILING)
    def pause(self, number: int) -> None:
        if self.is_in(number, "sending"):
            services.pause(self.campaigns[number], actor=self.staff, now=self.now)
            self.mailings[number] = "paused"

    @rule(number=MAILING)
    def resume(self, number: int) -> None:
        if self.is_in(number, "paused"):
            services.resume(self.campaigns[number], actor=self.staff, now=self.now)
            self.mailings[number] = "sending"

    @rule(number=MAILING, sure=SELDOM)
    def cancel(self, number: int, sure: bool) -> None:
        if sure and self.is_in(number, "sending", "paused"):
            services.cancel(self.campaigns[number], actor=self.staff, now=self.now)
            self.mailings[number] = "cancelled"

    @rule()
    def withhold_what_is_cancelled(self) -> None:
        claims.withhold_cancelled(now=self.now)
        for letter in self.letters.values():
            if letter.state == "queued" and self.mailings[letter.mailing] == "cancelled":
                letter.state, letter.reason = "withheld", "cancelled"

    def is_in(self, number: int, *states: str) -> bool:
        return number < len(self.mailings) and self.mailings[number] in states

    def of(self, number: int) -> Iterator[Letter]:
        return (letter for letter in self.letters.values() if letter.mailing == number)

    # --- people ------------------------------------------------------------------------------

    @rule(who=WHO, source=st.sampled_from([Source.ONE_CLICK, Source.PREFERENCES, Source.STAFF]))
    def opt_out(self, who: int, source: Source) -> None:
        self.say_no(self.people[who], source)
        self.people[who].says = "withdrawn"

    def say_no(self, person: Person, source: Source = Source.ONE_CLICK) -> None:
        consent.record_opt_out(person.pk, [topic().pk], source=source, now=self.now)

    @rule(who=WHO)
    def come_back(self, who: int) -> None:
        person = self.people[who]
        answers = {topic().pk: True}
        consent.record_choices(person.pk, answers, source=Source.PREFERENCES, now=self.now)
        person.says = "granted"

    @rule(who=WHO)
    def change_address(self, who: int) -> None:
        person = self.people[who]
        if not person.suppressed:
            person.address = f"new-{person.address}"[-60:]
            user = User.objects.get(pk=person.pk)
            user.email = person.address
            user.save()

    @rule(who=WHO, sure=SELDOM)
    def deactivate(self, who: int, sure: bool) -> None:
        person = self.people[who]
        if sure and person.active:
            accounts.deactivate_account(User.objects.get(pk=person.pk), now=self.now)
            person.active = False

    @rule(who=WHO, sure=SELDOM)
    def suppress(self, who: int, sure: bool) -> None:
        person = self.people[who]
        if not sure:
            return
        suppress(person.address, reason=Suppression.Reason.PROVIDER, now=self.now)
        person.suppressed = True

    # --- workers -----------------------------------------------------------------------------

    @rule(number=WORKER)
    def claim(self, number: int) -> None:
        worker = self.workers[number]
        claimed = sender.claim(worker.lease, now=self.now, optional=True, lane=CAMPAIGNS)
        for message in claimed:
            letter = self.letters[message.id]
            assert letter.state == "queued", "only what waits may be claimed"
            assert self.mailings[letter.mailing] == "sending"
            letter.state, letter.lease = "claimed", worker.lease
        worker.held += claimed

    @rule(number=WORKER, several=st.integers(1, 3))
    def hand_over(self, number: int, several: int) -> None:
        """Several connections have their 354 at the same moment."""
        messages = self.take(number, several)
        if messages:
            self.learn(number, messages, self.ask(number, messages), dict(self.reasons(messages)))

    @rule(
        number=WORKER,
        several=st.integers(1, 3),
        what=st.sampled_from(["opt_out", "change_address", "pause", "cancel", "", ""]),
    )
    def change_just_before_the_mark(self, number: int, several: int, what: str) -> None:
        """What lies between a claim and its hand-over is the seconds that count."""
        if not self.workers[number].held:
            if len(self.mailings) < MOST_MAILINGS:
                self.start_a_campaign()
            self.claim(number)
        if not self.workers[number].held:
            return
        letter = self.letters[self.workers[number].held[0].id]
        who = self.people.index(letter.person)
        match what:
            case "opt_out":
                self.opt_out(who, Source.LINK)
            case "change_address":
                self.change_address(who)
            case "pause":
                self.pause(letter.mailing)
            case "cancel":
                self.cancel(letter.mailing, True)
        self.hand_over(number, several)

    @rule(number=WORKER, several=st.integers(1, 3), commits=st.booleans())
    def hand_over_while_somebody_opts_out(self, number: int, several: int, commits: bool) -> None:
        """The no is written and not committed when the worker asks."""
        messages = self.take(number, several)
        if not messages:
            return
        person = self.letters[messages[0].id].person
        before = dict(self.reasons(messages))
        with transaction.atomic():
            self.say_no(person)
            asking = Beside(partial(self.ask, number, messages))
            asking.start()
            asking.waits_for_a_lock()
            if not commits:
                transaction.set_rollback(True)
        asking.join(10)
        if commits:
            person.says = "withdrawn"
        self.learn(
            number,
            messages,
            asking.answer,
            dict(self.reasons(messages)) | {key: why for key, why in before.items() if not commits},
        )

    def take(self, number: int, several: int) -> list[sender.Claimed]:
        worker = self.workers[number]
        taken, worker.held = worker.held[:several], worker.held[several:]
        return taken

    def ask(self, number: int, messages: list[sender.Claimed]) -> dict[uuid.UUID, str]:
        worker = self.workers[number]
        keys = [message.id for message in messages]
        answers = sender.hand_over_many(keys, worker.lease, worker.accepted, self.now)
        # Here the bodies of the permitted are said: nothing was waited for since.
        for message in messages:
            if answers[message.id] == "busy":
                answers[message.id] = sender.hand_over(message, worker.lease, None, self.now)
        return answers

    def reasons(self, messages: list[sender.Claimed]) -> Iterator[tuple[uuid.UUID, str]]:
        """What the model answers, in the order in which the portal asks."""
        for message in messages:
            letter = self.letters[message.id]
            why = reason_against(letter.person, letter.address)
            if not why:
                state = self.mailings[letter.mailing]
                why = {"sending": "", "paused": "mailing_paused"}.get(state, "cancelled")
            yield message.id, why

    def learn(
        self,
        number: int,
        messages: list[sender.Claimed],
        answers: dict[uuid.UUID, str],
        expected: dict[uuid.UUID, str],
    ) -> None:
        worker = self.workers[number]
        self.mark_accepted(worker)
        for message in messages:
            letter = self.letters[message.id]
            if letter.lease != worker.lease or letter.state != "claimed":
                assert answers[message.id] == "lost"
                continue
            why = answers[message.id]
            assert why == expected[message.id]
            MET[why or "handed over"] += 1
            if why == "":
                assert letter.bodies == letter.refused, "handed over twice"
                letter.bodies += 1
                letter.state = "handing"
                worker.in_the_air.append(message)
            elif why == "mailing_paused":
                letter.state, letter.lease = "queued", None
            else:
                letter.state, letter.reason, letter.lease = "withheld", why, None

    @rule(number=WORKER, reply=REPLY)
    def hear_from_the_server(self, number: int, reply: str) -> None:
        worker = self.workers[number]
        if not worker.in_the_air:
            return
        message = worker.in_the_air.pop(0)
        letter, outcome = self.letters[message.id], REPLIES[reply]
        ours = letter.lease == worker.lease and letter.state == "handing"
        if outcome.accepted:
            worker.accepted.append(message.id)
            return
        sender.settle(message, worker.lease, outcome, now=self.now)
        if not ours:
            return
        letter.lease = None
        letter.refused += not outcome.handed
        if outcome.handed:
            letter.state = "in_doubt"
        elif outcome.permanent or (
            message.attempts + 1 >= LEAST_ATTEMPTS
            and self.now - letter.since >= give_up_after("optional")
        ):
            letter.state = "failed"
        else:
            letter.state = "queued"

    @rule(number=WORKER)
    def mark(self, number: int) -> None:
        """No next message to carry the mark of the last."""
        worker = self.workers[number]
        for message_id in worker.accepted:
            sender.mark_sent(message_id, worker.lease, self.now)
        self.mark_accepted(worker)

    def mark_accepted(self, worker: Worker) -> None:
        for message_id in worker.accepted:
            letter = self.letters[message_id]
            if letter.state == "handing" and letter.lease == worker.lease:
                letter.state, letter.lease = "sent", None
        worker.accepted = []

    @rule(number=WORKER)
    def kill(self, number: int) -> None:
        """Whatever it was doing; its rows stand as they are until the lease is over."""
        self.workers[number] = Worker()

    @rule(number=WORKER)
    def give_back(self, number: int) -> None:
        """The server cannot be reached: what was claimed waits again."""
        worker = self.workers[number]
        sender.release(worker.lease, now=self.now)
        for letter in self.letters.values():
            if letter.lease == worker.lease and letter.state == "claimed":
                letter.state, letter.lease = "queued", None
        worker.held = []

    @rule(wait=st.sampled_from([LEASE / 4, LEASE + timedelta(seconds=1), LONGEST_RETRY]))
    def time_passes(self, wait: timedelta) -> None:
        """No lease is renewed here, so what is older than it is over, also of the living."""
        self.now += wait
        sender.reclaim(now=self.now)
        self.compare_after_leases(wait > LEASE)

    def compare_after_leases(self, over: bool) -> None:
        """A lease may have been renewed at a hand-over, or taken later than another's."""
        rows = dict(Message.objects.values_list("id", "state"))
        for message_id, letter in self.letters.items():
            if letter.state not in ("claimed", "handing"):
                continue
            gone = {"claimed": "queued", "handing": "in_doubt"}[letter.state]
            assert rows[message_id] in ({gone} if over else {gone, letter.state})
            if rows[message_id] == gone:
                letter.state, letter.lease = gone, None

    # --- what holds after every step ---------------------------------------------------------

    @invariant()
    def the_outbox_is_what_the_model_says(self) -> None:
        rows = Message.objects.filter(kind="optional").values_list("id", "state")
        assert dict(rows) == {key: letter.state for key, letter in self.letters.items()}

    def teardown(self) -> None:
        """Left alone, everything ends: nothing is claimed or handing for ever."""
        if self.people:
            self.now += LEASE + timedelta(seconds=1)
            sender.reclaim(now=self.now)
            claims.withhold_cancelled(now=self.now)
            for number, state in enumerate(self.mailings):
                if state == "paused":
                    self.resume(number)
            self.workers = [Worker()]
            self.compare_everything_ended()
        super().teardown()

    def compare_everything_ended(self) -> None:
        self.now += LONGEST_RETRY
        lease = uuid.uuid4()
        while batch := sender.claim(lease, now=self.now, optional=True, lane=CAMPAIGNS):
            for message in batch:
                if sender.hand_over(message, lease, None, self.now) == "":
                    letter = self.letters[message.id]
                    assert letter.bodies == letter.refused, "handed over twice"
                    sender.mark_sent(message.id, lease, self.now)
        states = set(Message.objects.filter(kind="optional").values_list("state", flat=True))
        assert states <= set(FINAL)


def reason_against(person: Person, address: str = "") -> str:
    """Why the person may not be written to, at this address where one is named."""
    answers: list[tuple[bool, str]] = [
        (not person.active, "deactivated"),
        (bool(address) and person.address != address, "address_changed"),
        (person.says != "granted", person.says),
        (person.suppressed, "suppressed"),
    ]
    return next((why for applies, why in answers if applies), "")


TABLES = (
    "consent_preference consent_consentdetail consent_suppression messaging_message"
    " messaging_campaign accounts_staffconfirmation accounts_user_groups accounts_user"
)


def empty_tables() -> None:
    """Few rows, so this is quicker than TRUNCATE of dozens of partitions."""
    with as_role(OWNER), connection.cursor() as cursor:
        # What was started is never deleted, but for here.
        alter = "ALTER TABLE messaging_campaign %s TRIGGER messaging_campaign_stays"
        cursor.execute(alter % "DISABLE")
        for table in TABLES.split():
            cursor.execute(f"DELETE FROM {table}")
        cursor.execute(alter % "ENABLE")


@pytest.mark.slow
def test_after_a_no_nothing_is_handed_over_and_nothing_twice_whatever_happens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(claims, "CLAIM_SIZE", 3)  # so that both workers get some
    MET.clear()
    meet_every_answer()
    run_state_machine_as_test(
        Sending,
        settings=hypothesis_settings(
            max_examples=20,
            stateful_step_count=30,
            deadline=None,
            derandomize=True,
            # To shrink runs of real transactions would take minutes; the steps are printed anyway.
            phases=(Phase.explicit, Phase.generate),
            suppress_health_check=list(HealthCheck),
        ),
    )
    answers = {"handed over", "withdrawn", "address_changed", "mailing_paused", "cancelled"}
    assert answers <= set(MET)


def meet_every_answer() -> None:
    """Chance may miss one: keys are random, and so is who is claimed first."""
    for what in ("", "opt_out", "change_address", "pause", "cancel"):
        run = Sending()
        run.five_asked_for_it()
        run.change_just_before_the_mark(0, 1, what)
        run.the_outbox_is_what_the_model_says()
        run.teardown()
