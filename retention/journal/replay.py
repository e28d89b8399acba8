"""After a restore: what the journal knows and the database forgot is made so again.

Record by record, each in one transaction with its mark, so a killed replay goes on where it was.
Every no after the mark stands again, whatever the restored database says since; a yes that was
given after it is not in the journal, and its person has to give it anew.

Legal holds stand again before the first erasure is done again, as they stood last.

What was being sent is paused: the lost database sent a part, and this one does not know which.
Nor does it know how far it had read a file: whoever was taken in and deleted since would be back.

Nor does it know who confirmed their account or came back to it: before either is deleted for not
having answered, they are asked anew.
"""

import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from accounts.models import User
from accounts.services import welcome_again
from consent import services as consent
from consent.models import (
    ConsentDetail,
    Head,
    Preference,
    Source,
    State,
    Suppression,
    Topic,
    TopicWording,
)
from consent.policy import PAUSE_MONTHS
from consent.proof.sealer import append_leaves
from consent.suppression import REVIEW_AFTER_YEARS
from foundation import standstill
from foundation.addresses import address_hash, person_hash
from foundation.calendar import months_later, years_later
from foundation.redaction import redact
from messaging.content import uploads
from messaging.models import Campaign, ListUpload, Mailing, OwnDeed, ServiceAnnouncement
from retention import erasure, services
from retention.deleting import end_part, look_what_stays
from retention.holding import hold_lock
from retention.journal import deeds, entries
from retention.journal.guard import (
    Reason,
    StandstillError,
    has_topics,
    missing_leaves,
    records_ahead,
)
from retention.journal.keeping import note_deed, note_withdrawal, publish
from retention.journal.mark import begin_mark, current_mark, move_mark
from retention.journal.record import START, Entry, Record, chained
from retention.journal.store import open_journal
from retention.models import DeletionRequest, LegalHold, Scope
from retention.models import Source as Way
from retention.policy import HOLD_UNAPPROVED
from retention.staying import Kept, entry_named
from retention.whose import reader_of

ACTOR = "replay_journal"
# Of everything about a person, and of a part.
ERASURES = frozenset({"erasure", "partial"})
# What goes again in batches, each in a transaction of its own, between its record and the mark.
IN_BATCHES = ERASURES | {"own"}
# What two requests for one part have in common (`retention_one_open_part`).
SAME = ("scope", "contact_list_id", "since", "until")


class KeyLostError(Exception):
    """Records are hashed with a key that the ring no longer holds: nobody can be told by them."""


@dataclass(slots=True)
class Report:
    """What was done, or would be: how often each. And the mailings that a person must look at."""

    done: Counter[str] = field(default_factory=Counter)
    paused: list[str] = field(default_factory=list)

    def add(self, what: str, number: int = 1) -> None:
        if number:
            self.done[what] += number


@dataclass(slots=True)
class People:
    """Whom the hashes of the records mean in this database, and until when there are records."""

    by_person: dict[str, uuid.UUID] = field(default_factory=dict)
    by_address: dict[str, list[uuid.UUID]] = field(default_factory=dict)
    erased: set[uuid.UUID] = field(default_factory=set)
    # When the newest record was written; none where the database knows them all.
    ended: datetime | None = None
    # Of what customers did to their own content: what the hashes mean.
    things: deeds.Found = field(default_factory=dict)

    def meant(self, entry: Entry) -> list[uuid.UUID]:
        """The person, or else whoever has the address now."""
        if (person := self.by_person.get(entry["person"])) is not None:
            return [person]
        return self.by_address.get(entry["address"] or "", [])


def replay(now: datetime, *, dry_run: bool = False) -> Report:
    """Make the database know everything in the journal; without need it does nothing."""
    report = Report()
    people = find_people()
    if dry_run:
        with transaction.atomic():
            _pause_mailings(report, now)
            _hold_again(people, report, now)
            _end_uploads(report, now)
            _ask_again(people, report, now)
            for record in _ahead():
                _STEPS[record.entry["kind"]](record, people, report, now)
                report.add("records")
            transaction.set_rollback(True)
        return report
    _pause_mailings(report, now)
    _hold_again(people, report, now)
    _end_uploads(report, now)
    _ask_again(people, report, now)
    for record in _ahead():
        kind = record.kind
        with transaction.atomic():
            _STEPS[kind](record, people, report, now)
            if kind not in IN_BATCHES:
                move_mark(record)
        if kind in ERASURES:
            _erase(record, now=now)
        elif kind == "own":
            _redo(record, people, report, now=now)
        if kind in IN_BATCHES:
            move_mark(record)
        report.add("records")
    standstill.forget()
    return report


def _pause_mailings(report: Report, now: datetime) -> None:
    """Before the first record: once the replay is done, mail goes again."""
    if next(_ahead(), None) is None:
        return
    is_due = Q(state=Mailing.State.APPROVED, send_at__lte=now)
    for model in (Campaign, ServiceAnnouncement):
        under_way = model.objects.filter(Q(state=Mailing.State.SENDING) | is_due)
        report.paused += [each.text("subject", "en") for each in under_way]
        # One that had not begun here gets what resuming needs.
        under_way.filter(resolved_at=None).update(resolved_at=now)
        report.add("mailings paused", under_way.update(state=Mailing.State.PAUSED))


def _hold_again(people: People, report: Report, now: datetime) -> None:
    """Before the first record: an erasure that is done again goes round what is held.

    One that nobody had approved yet, and that counted when the journal ended, gets its time anew:
    in a standstill nobody could.
    """
    ended = people.ended
    if ended is None:
        return
    last: Record | None = None
    for record in _ahead():
        last = record if record.kind == "holds" else last
    with transaction.atomic():
        hold_lock(shared=False)
        if last is not None:
            _stand_again(last, people, report)
        waiting = LegalHold.objects.filter(
            approved_at=None, released_at=None, placed_at__gt=ended - HOLD_UNAPPROVED
        )
        report.add("legal holds to approve", waiting.update(placed_at=now))


def _end_uploads(report: Report, now: datetime) -> None:
    """Before the first record, once legal holds stand again: they keep the file of one that failed.

    A file that was confirmed is read by itself once the replay is done, and the journal knows only
    who was deleted, not who was in it: its customer looks, and uploads it again.
    """
    if next(_ahead(), None) is None:
        return
    for upload in ListUpload.objects.filter(state=ListUpload.State.RUNNING):
        uploads.end_upload(upload, ListUpload.State.FAILED, now=now, failure="restored:")
        report.add("uploads ended")


def _ask_again(people: People, report: Report, now: datetime) -> None:
    """Before the first record: afterwards nothing says any more that there was something to do.

    Whoever was asked whether a deactivated account is still wanted is asked anew by the next night,
    and accounts that nobody has confirmed get their week and their mail anew. Not those who are
    erased again in a moment; and once each, for in a standstill nobody signs up.
    """
    if people.ended is None:
        return
    asked = User.objects.filter(asked_to_return_at__isnull=False)
    report.add(
        "accounts to be asked anew if they are wanted", asked.update(asked_to_return_at=None)
    )
    unconfirmed = User.objects.customers().unconfirmed().exclude(pk__in=people.erased)
    for user in unconfirmed.filter(is_active=True, signed_up_at__lte=people.ended):
        report.add("accounts to be confirmed anew", welcome_again(user, now=now))


def _stand_again(record: Record, people: People, report: Report) -> None:
    for each in record.entry["standing"]:
        _hold(each, record.position, people, report)
    for each in record.entry["released"]:
        released = LegalHold.objects.filter(pk=each["id"], released_at=None).update(
            released_at=datetime.fromisoformat(each["at"]),
            release_reason=f"record {record.position} of the journal",
        )
        report.add("legal holds released again", released)


def _hold(said: Entry, position: int, people: People, report: Report) -> None:
    approved = said["approved"] and datetime.fromisoformat(said["approved"])
    known = LegalHold.objects.filter(pk=said["id"])
    if known.exists():
        known.update(review_on=said["review"])
        if approved:
            report.add(
                "legal holds approved again",
                known.filter(approved_at=None).update(approved_at=approved),
            )
        return
    customer = people.by_person.get(said["person"])
    if said["person"] is not None and customer is None:
        report.add("legal holds of customers who are not there")
        return
    LegalHold(
        pk=said["id"],
        customer_id=customer,
        data_class=said["class"],
        since=said["since"],
        until=said["until"],
        reason=f"record {position} of the journal; why it was placed went with the database",
        reference=said["reference"],
        review_on=said["review"],
        placed_by_id=people.by_person.get(said["placed_by"]),
        placed_at=datetime.fromisoformat(said["placed"]),
        approved_at=approved,
    ).save(force_insert=True)
    report.add("legal holds placed again")


def _ahead() -> Iterator[Record]:
    return records_ahead(open_journal(), current_mark())


def find_people() -> People:
    """One look at the records ahead and one at every account."""
    keys: set[int] = set()
    persons: set[str | None] = set()
    addresses: set[str | None] = set()
    erased: set[str] = set()
    people = People()
    for record in _ahead():
        entry = record.entry
        people.ended = datetime.fromisoformat(entry["at"])
        if record.kind == "erasure":
            erased.add(entry["person"])
        for each in _naming(entry):
            keys.add(int(each["key"]))
            persons.update((each["person"], each.get("placed_by")))
            addresses.add(each.get("address"))
    if lost := keys - set(settings.SUPPRESSION_KEYS):
        raise KeyLostError(f"SUPPRESSION_KEYS lacks {', '.join(map(str, sorted(lost)))}")
    if not keys:
        return people
    for pk, email in User.objects.values_list("pk", "email").iterator(chunk_size=5_000):
        for key in keys:
            if (digest := person_hash(key, pk).hex()) in persons:
                people.by_person[digest] = pk
            if (digest := address_hash(key, email).hex()) in addresses:
                people.by_address.setdefault(digest, []).append(pk)
    people.erased = {people.by_person[each] for each in erased & people.by_person.keys()}
    people.things = find_things(people)
    return people


def find_things(people: People) -> deeds.Found:
    """One look at the content of each customer who deleted something, or whose contact said no."""
    wanted: dict[uuid.UUID, deeds.Wanted] = {}
    for record in _ahead():
        if record.kind != "own":
            continue
        deed = _deed(record, people)
        if deed is not None and deed.what != OwnDeed.What.MESSAGE:
            wanted.setdefault(deed.customer_id, deeds.Wanted()).add(deed)
    found: deeds.Found = {}
    for customer_id, theirs in wanted.items():
        found |= deeds.find(customer_id, theirs)
    return found


def _naming(entry: Entry) -> list[Entry]:
    """What of a record is about a person, each with the key it is hashed with."""
    if entry["kind"] in ERASURES:
        return [entry]
    if entry["kind"] == "own":
        return [entry, {"key": entry["digests_key"], "person": None}]
    found: list[Entry] = [*entry.get("opt_outs", ()), *entry.get("standing", ())]
    return found


# --- what each kind of record says again ---------------------------------------------------------


def _begin(record: Record, people: People, report: Report, now: datetime) -> None:
    """Says nothing about the database."""


def _leaves(record: Record, people: People, report: Report, now: datetime) -> None:
    """The log first: events that came in meanwhile get their place after it."""
    entry = record.entry
    missing = missing_leaves(record)
    report.add("leaves", len(missing))
    append_leaves(
        [(uuid.UUID(leaf[0]), leaf[1], bytes.fromhex(leaf[2])) for _index, leaf in missing],
        sealed_at=datetime.fromisoformat(entry["at"]),
    )
    if missing_leaves(record):
        raise StandstillError(Reason.DIVERGED, f"before leaf {entry['first']}")
    known = set(
        ConsentDetail.objects.filter(
            pk__in=[each["event"] for each in entry["opt_outs"]]
        ).values_list("pk", flat=True)
    )
    for each in entry["opt_outs"]:
        if uuid.UUID(each["event"]) not in known:
            _opt_out(each, record.position, people, report, now)


def _opt_out(
    opt_out: dict[str, Any], position: int, people: People, report: Report, now: datetime
) -> None:
    persons = people.meant(opt_out)
    if not persons and opt_out["address"] is not None:
        report.add("suppressed addresses", _suppress(opt_out, Suppression.Reason.REPLAYED))
    topic = Topic.objects.filter(number=opt_out["topic"]).first()
    if topic is None:
        report.add("choices of topics that are not there", len(persons))
        return
    for person in persons:
        if opt_out["state"] == State.GRANTED:
            report.add("pauses", _pause(person, topic, opt_out, now))
        elif consent.record_opt_out(
            person,
            [topic.pk],
            source=Source.REPLAY,
            actor=ACTOR,
            reason=f"record {position} of the journal",
            now=now,
        ):
            report.add("opt-outs")


def _pause(person: uuid.UUID, topic: Topic, opt_out: dict[str, Any], now: datetime) -> int:
    """No shorter than it was asked for; the preference centre knows whole months only."""
    until = datetime.fromisoformat(opt_out["until"])
    standing = Preference.objects.of(person).filter(topic=topic, state=State.GRANTED).first()
    if until <= now or standing is None or (standing.paused_until or now) >= until:
        return 0
    months = next((n for n in PAUSE_MONTHS if months_later(now, n) >= until), PAUSE_MONTHS[-1])
    return len(
        consent.record_pause(
            person, [topic.pk], months=months, source=Source.REPLAY, actor=ACTOR, now=now
        )
    )


def _suppress(entry: Entry, reason: Suppression.Reason) -> int:
    """The hashes as they stand in the record; twice is once."""
    since = datetime.fromisoformat(entry["at"])
    hashes = entry["addresses"] if "addresses" in entry else [entry["address"]]
    rows = Suppression.objects.filter(
        key_id=entry["key"],
        address_hash__in=[bytes.fromhex(each) for each in hashes],
        reason=reason,
    )
    before = rows.count()
    Suppression.objects.bulk_create(
        [
            Suppression(
                key_id=entry["key"],
                address_hash=bytes.fromhex(each),
                reason=reason,
                since=since,
                review_on=years_later(since, REVIEW_AFTER_YEARS).date(),
            )
            for each in hashes
        ],
        ignore_conflicts=True,
    )
    return rows.count() - before


def _erasure(record: Record, people: People, report: Report, now: datetime) -> None:
    """The request and the suppression; the steps follow, each in its own transaction."""
    entry = record.entry
    report.add("suppressed addresses", _suppress(entry, Suppression.Reason.ERASED))
    if _is_asked(entry):
        return
    person = people.by_person.get(entry["person"])
    if person is None or not User.objects.filter(pk=person).exists():
        _remember_deletion(entry)
        return
    # Who was erased had left the staff before.
    User.objects.filter(pk=person).update(is_staff=False, is_superuser=False)
    _make_way(person, {"scope": Scope.EVERYTHING}, now=now)
    services.request_deletion(
        person,
        source=Way.REPLAY,
        actor=ACTOR,
        now=now,
        reference=uuid.UUID(entry["reference"]),
    )
    report.add("people erased again")


def _partial(record: Record, people: People, report: Report, now: datetime) -> None:
    """The same part goes once more: what was there when it was asked for, and nothing later."""
    entry = record.entry
    if _is_asked(entry):
        return
    person = people.by_person.get(entry["person"])
    if person is None or not User.objects.filter(pk=person).exists():
        _remember_part(entry)
        return
    User.objects.filter(pk=person).update(is_staff=False, is_superuser=False)
    part = _part_of(entry)
    _make_way(person, {name: part[name] for name in SAME}, now=now)
    services.request_deletion(
        person,
        source=Way.REPLAY,
        actor=ACTOR,
        now=datetime.fromisoformat(entry["asked"]),
        reference=uuid.UUID(entry["reference"]),
        **part,
    )
    report.add("parts erased again")


def _make_way(person: uuid.UUID, same: dict[str, Any], *, now: datetime) -> None:
    """Nobody asks for the same twice while it is open: an earlier wish for it, which the restored
    database still holds, came to nothing, or was done before and is done with this one, whatever
    a hold keeps of it.
    """
    for former in DeletionRequest.objects.filter(person_id=person, **same):
        end_part(former, now=now)
        if former.is_finished:
            former.removed = None  # counted in the lost database, and the rest with this one
            former.save(update_fields=["removed"])


def _is_asked(entry: Entry) -> bool:
    """Whether it stands here. One that came to nothing names nobody any more: it did so in the
    restored database alone, and is asked for anew with what the record says.
    """
    wishes = DeletionRequest.objects.filter(reference=entry["reference"])
    wishes.filter(state=DeletionRequest.State.WITHDRAWN).delete()
    return wishes.exists()


def _part_of(entry: Entry) -> dict[str, Any]:
    return {
        "scope": Scope(entry["scope"]),
        "contact_list_id": uuid.UUID(entry["list"]) if entry["list"] else None,
        "since": date.fromisoformat(entry["since"]) if entry["since"] else None,
        "until": date.fromisoformat(entry["until"]) if entry["until"] else None,
        "covers_from": datetime.fromisoformat(entry["from"]) if entry["from"] else None,
        "covers_before": datetime.fromisoformat(entry["before"]) if entry["before"] else None,
    }


def _remember_part(entry: Entry) -> None:
    """Nobody is here of whom a part could go."""
    DeletionRequest(
        reference=uuid.UUID(entry["reference"]),
        state=DeletionRequest.State.FINISHED,
        source=Way.REPLAY,
        actor=ACTOR,
        requested_at=datetime.fromisoformat(entry["asked"]),
        finished_at=datetime.fromisoformat(entry["at"]),
        removed=None,
        kept=None,
        **(_part_of(entry) | {"contact_list_id": None}),
    ).save(force_insert=True)


def _remember_deletion(entry: Entry) -> None:
    """Nobody to erase; the number in the mail of then still leads to a deletion that is done.

    How much went then is lost with the database; what is kept here is the fingerprint alone.
    """
    at = datetime.fromisoformat(entry["at"])
    fingerprint = Kept(
        entry=entry_named(erasure.SUPPRESSION),
        count=len(entry["addresses"]),
        until=years_later(at, REVIEW_AFTER_YEARS).date(),
    )
    DeletionRequest(
        reference=uuid.UUID(entry["reference"]),
        state=DeletionRequest.State.FINISHED,
        source=Way.REPLAY,
        actor=ACTOR,
        requested_at=at,
        finished_at=at,
        removed=None,
        kept=[fingerprint.as_json()] if fingerprint.count else None,
    ).save(force_insert=True)


def _erase(record: Record, *, now: datetime) -> None:
    """Also one that was under way when the backup was made, or waited for its day or a word."""
    wishes = DeletionRequest.objects.filter(reference=record.entry["reference"])
    wishes.update(journal_position=record.position, journal_chain=record.chain)
    for waiting in wishes.not_begun():
        _begin_again(waiting, now=now)
    request = wishes.open().first()
    if request is not None:
        if not request.kept and request.person_id is not None:
            look_what_stays(request, reader_of(request.person_id), now=now)
            request.save(update_fields=["kept"])
        request.steps.filter(name=erasure.JOURNAL).update(finished_at=now)
        services.execute_deletion(request, now=now, silent=True)


@transaction.atomic
def _begin_again(request: DeletionRequest, *, now: datetime) -> None:
    """A hold may keep it open for long: mail and sign-ins stop as they did when it began."""
    user = User.objects.select_for_update().filter(pk=request.person_id).first()
    request.state = DeletionRequest.State.REQUESTED
    request.save(update_fields=["state"])
    if user is not None:
        services.stop_for(request, user, now=now)


def _withdrawal(record: Record, people: People, report: Report, now: datetime) -> None:
    """Without a second mail. What it had deactivated comes back with it, as it did then.

    What waited for a word and was over on its last day had lapsed (`retention.watching`).
    """
    at = datetime.fromisoformat(record.entry["at"])
    wishes = DeletionRequest.objects.filter(reference=record.entry["reference"])
    for waiting in wishes.not_begun():
        if waiting.deactivated:
            User.objects.filter(pk=waiting.person_id).update(deactivated_at=None)
        wishes.update(
            state=DeletionRequest.State.WITHDRAWN,
            lapsed=waiting.state == DeletionRequest.State.UNCONFIRMED
            and waiting.due_on is not None
            and at.date() >= waiting.due_on,
            finished_at=at,
            person_id=None,
            contact_list_id=None,
            check_note="",
        )
        report.add("deletions taken back again")
    note_withdrawal(record)


def _deed(record: Record, people: People) -> OwnDeed | None:
    customer = people.by_person.get(record.entry["person"])
    return None if customer is None else deeds.from_record(record, customer)


def _own(record: Record, people: People, report: Report, now: datetime) -> None:
    """Known here again; what is still there goes by `_redo`."""
    note_deed(record)
    deed = _deed(record, people)
    if deed is not None and User.objects.filter(pk=deed.customer_id).exists():
        deeds.remember(deed, people.things, report.done, now=now)


def _redo(record: Record, people: People, report: Report, *, now: datetime) -> None:
    waiting = OwnDeed.objects.filter(pk=record.entry["id"], waits=True)
    deed = waiting.exclude(what=OwnDeed.What.OPT_OUT).first()
    if deed is not None and not deeds.redo(deed, people.things, now=now):
        report.add("own deletions that wait for a legal hold")


def _head(record: Record, people: People, report: Report, now: datetime) -> None:
    if not Head.objects.filter(size=record.entry["size"]).exists():
        publish(record.entry)
        report.add("heads")


def _topics(record: Record, people: People, report: Report, now: datetime) -> None:
    """Retired stays retired; and a number in links of mails that went out never means another."""
    entry = record.entry
    numbers = set(Topic.objects.values_list("number", flat=True))
    for number in {*entry["retired"], entry["highest"]} - numbers:
        _stand_in(number, now)
        report.add("topics that are not there, as retired ones")
    live = Topic.objects.filter(number__in=entry["retired"], retired_at=None)
    report.add("topics retired again", live.update(retired_at=now))
    assert has_topics(entry["highest"], entry["retired"])


def _stand_in(number: int, now: datetime) -> None:
    """Nothing of its words is known, so it is asked of nobody and nothing is sent of it."""
    topic = Topic.objects.create(
        number=number,
        slug=f"lost_{number}",
        position=number,
        kind=Topic.Kind.MAIL,
        created_at=now,
        retired_at=now,
    )
    TopicWording.objects.create(
        topic=topic,
        version=1,
        created_at=now,
        name_nb=f"Tapt tema {number}",
        name_en=f"Lost topic {number}",
        description_nb="Gikk tapt da databasen ble gjenopprettet.",
        description_en="Was lost when the database was restored.",
    )


_STEPS = {
    "begin": _begin,
    "leaves": _leaves,
    "erasure": _erasure,
    "partial": _partial,
    "withdrawal": _withdrawal,
    "own": _own,
    # Before all others, by `_hold_again`.
    "holds": _begin,
    "head": _head,
    "topics": _topics,
    "checkpoint": _begin,
}


# --- a journal that is lost ----------------------------------------------------------------------


def start_anew(reason: str, *, actor: str, now: datetime) -> str:
    """Accept that the journal is lost or cut: keep what is there aside, begin another.

    Where the former one lies now, or ''. Refused while the journal is whole: then it is the
    database that lacks something. The next rounds write the whole log into the new one.
    """
    try:
        for _record in _ahead():
            raise StandstillError(Reason.RESTORED)
        raise NothingLostError
    except StandstillError as error:
        if error.reason not in (Reason.MISSING, Reason.SHORTENED, Reason.CHANGED):
            raise
    journal = open_journal()
    aside = journal.put_aside()
    entry = entries.begin(redact(reason), actor=actor, now=now)
    journal.append([entry], after=START)
    begin_mark(chained([entry], after=START)[0].tail)
    standstill.forget()
    return aside


class NothingLostError(Exception):
    """The journal is whole and the database knows it."""
