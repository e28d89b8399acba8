"""Our suppressions and the provider's list, compared both ways, each night.

What the provider has and we lack is suppressed here, and recorded as a no where it was one. What is
older than the owner's own act is removed there: than a new confirmation, or than every yes to mail
that stands. A yes to one topic leaves the no to the others in force. Complaints of living customers
that the provider lacks are added there, only where that leaves account mail alone; a choice of
topics never is. What stood on the provider's list, is gone from it and was outweighed by a yes to
mail no longer bars the address here. A night that fails is made up by the next.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import batched

from django.db import DatabaseError, connection, transaction

from accounts.models import User
from consent import rejoining, suppression
from consent.models import Source, Suppression
from consent.services import everything_optional, record_opt_out
from foundation import standstill
from foundation.addresses import active_key, address_hash, address_hashes, normalise_address
from messaging.incoming.bounces import find_status, is_hard
from messaging.models import SuppressionComparison
from messaging.providers.choosing import open_list
from messaging.providers.entry import Because, Entry, ProviderError, SuppressionList

logger = logging.getLogger(__name__)
Reason = Suppression.Reason

CHUNK = 500
# A report is read by people; the counts say the rest.
SHOWN = 200
REASONS = {
    Because.BOUNCE: Reason.HARD_BOUNCE,
    Because.COMPLAINT: Reason.COMPLAINT,
    Because.UNSUBSCRIBE: Reason.PROVIDER,
}
# Somebody said no: any of these here answers it.
SAID_NO = frozenset({Reason.COMPLAINT, Reason.PROVIDER, Reason.ERASED, Reason.REPLAYED})


@dataclass(slots=True)
class Report:
    """Counts, and the first differences, each by the beginning of a keyed hash."""

    counts: Counter[str] = field(default_factory=Counter)
    differences: list[dict[str, str]] = field(default_factory=list)

    def differs(self, what: str, why: str, address: str) -> None:
        self.counts[what] += 1
        if len(self.differences) < SHOWN:
            fingerprint = address_hash(active_key(), address).hex()[:12]
            self.differences.append({"what": what, "why": why, "address": fingerprint})


def compare(*, now: datetime, dry_run: bool = False) -> SuppressionComparison | None:
    """The comparison's row (unsaved when dry); None without a provider whose list can be read."""
    provider = open_list()
    if provider is None:
        logger.info("no mail provider with a suppression list: nothing to compare")
        return None
    report, error = Report(), ""
    try:
        if standstill.why():
            # A database restored from an older state must not undo there what it no longer knows.
            raise ProviderError("the portal stands still: nothing is compared before it goes on")
        # All of it first: a list that breaks off in the middle changes nothing here.
        theirs = list(provider.entries())
        _compare(provider, theirs, report, now=now, dry_run=dry_run)
    except ProviderError as failure:
        error = str(failure)
    except (KeyError, TypeError, ValueError, AttributeError) as failure:
        error = f"an answer of another form: {type(failure).__name__}"
    if error:
        logger.error("the list of %s was not compared to its end: %s", provider.name, error)
    row = SuppressionComparison(
        compared_at=now,
        provider=provider.name,
        error=error[:200],
        differences=report.differences,
        **report.counts,
    )
    if not dry_run:
        row.save(force_insert=True)
    return row


def _compare(
    provider: SuppressionList,
    theirs: list[Entry],
    report: Report,
    *,
    now: datetime,
    dry_run: bool,
) -> None:
    report.counts["theirs"] = len(theirs)
    for entries in batched(theirs, CHUNK):
        for entry, reasons, person in _beside_ours(entries):
            _settle(provider, entry, reasons, person, report, now=now, dry_run=dry_run)
    blocked = {normalise_address(e.address) for e in theirs if e.because != Because.BOUNCE}
    lacking = [
        person.email for person, _since in barred(Reason.COMPLAINT) if person.address not in blocked
    ]
    what = "added_there" if provider.takes_additions else "not_added_there"
    if provider.takes_additions and lacking and not dry_run:
        provider.add(lacking)
    for address in lacking:
        report.differs(what, Because.COMPLAINT, address)
    for person, since in barred(Reason.PROVIDER):
        if person.address not in blocked and rejoining.wants_mail_since(person.pk, since):
            if not dry_run:
                _lift_here(person, since, now=now)
            report.differs("lifted_here", Because.UNSUBSCRIBE, person.email)


def _beside_ours(entries: Iterable[Entry]) -> Iterator[tuple[Entry, set[str], User | None]]:
    """Each entry with the reasons that we hold for its address, and with its customer."""
    entries = list(entries)
    hashes = {entry.address: address_hashes(entry.address) for entry in entries}
    known = [one for several in hashes.values() for one in several]
    reasons: dict[bytes, set[str]] = {}
    rows = Suppression.objects.filter(address_hash__in=known).values_list("address_hash", "reason")
    for digest, reason in rows:
        reasons.setdefault(bytes(digest), set()).add(reason)
    addresses = [normalise_address(entry.address) for entry in entries]
    people = {user.address: user for user in User.objects.filter(address__in=addresses)}
    for entry in entries:
        ours = set().union(*(reasons.get(digest, set()) for digest in hashes[entry.address]))
        yield entry, ours, people.get(normalise_address(entry.address))


def _settle(
    provider: SuppressionList,
    entry: Entry,
    ours: set[str],
    person: User | None,
    report: Report,
    *,
    now: datetime,
    dry_run: bool,
) -> None:
    """One entry of theirs, each in a transaction of its own. A full mailbox is no dead address."""
    status = find_status(entry.told) if entry.because == Because.BOUNCE else ""
    if status and not is_hard(status):
        return
    rejoined = person is not None and _has_rejoined(entry, person)
    try:
        if person is not None and rejoined and _is_outweighed(entry, person):
            if not dry_run:
                provider.remove(entry)
                if entry.because == Because.UNSUBSCRIBE:
                    suppression.lift(entry.address, reasons=(Reason.PROVIDER,))
            report.differs("removed_there", entry.because, entry.address)
        elif not rejoined and ours & _answers(entry):
            report.counts["same"] += 1
        else:
            if not dry_run:
                _take_over(entry, person, now=now)
            report.differs("added_here", entry.because, entry.address)
    except (ProviderError, DatabaseError) as error:
        logger.warning("one entry of %s waits: %s", provider.name, type(error).__name__)
        report.differs("failed", entry.because, entry.address)


def _answers(entry: Entry) -> frozenset[Reason]:
    """The reasons of which any does here what the entry does there."""
    return frozenset({Reason.HARD_BOUNCE}) if entry.because == Because.BOUNCE else SAID_NO


def _has_rejoined(entry: Entry, person: User) -> bool:
    """Whether the owner has acted since: confirmed the address, or said yes to a topic of mail.

    Without a day there is nothing to compare with, and the block stands.
    """
    if entry.since is None:
        return False
    if entry.because == Because.BOUNCE:
        return person.email_confirmed_at is not None and person.email_confirmed_at > entry.since
    return rejoining.wants_mail_since(person.pk, entry.since)


def _is_outweighed(entry: Entry, person: User) -> bool:
    """Whether the block is wholly of the past. It is not while an older yes to mail stands.

    That yes is taken back first, as any no of the provider's list is; so the next night finds none.
    """
    if entry.because == Because.BOUNCE or entry.since is None:
        return True
    return not rejoining.older_yeses_to_mail(person.pk, entry.since)


@transaction.atomic
def _take_over(entry: Entry, person: User | None, *, now: datetime) -> None:
    since = min(entry.since or now, now)
    if person is None or entry.because == Because.BOUNCE:
        suppression.suppress(entry.address, reason=REASONS[entry.because], now=since)
        return
    if not rejoining.wants_mail_since(person.pk, since):
        suppression.suppress(entry.address, reason=REASONS[entry.because], now=since)
    record_opt_out(
        person.pk,
        rejoining.without_later_yes(person.pk, everything_optional(person.pk), since),
        source=Source.PROVIDER,
        now=now,
        received_at=now,
    )


@transaction.atomic
def _lift_here(person: User, since: datetime, *, now: datetime) -> None:
    """What barred the address goes; the no to a topic that was not asked for since stays."""
    record_opt_out(
        person.pk,
        rejoining.older_yeses_to_mail(person.pk, since),
        source=Source.PROVIDER,
        now=now,
        received_at=now,
    )
    suppression.lift(person.email, reasons=(Reason.PROVIDER,))


_BARRED = """
SELECT u.id, s.since
  FROM accounts_user u
 CROSS JOIN LATERAL (SELECT max(since) AS since FROM consent_suppression
                      WHERE address_hash = ANY (u.address_hashes) AND reason = %s) AS s
 WHERE u.is_active AND s.since IS NOT NULL
 ORDER BY u.id
"""


def barred(reason: Reason) -> list[tuple[User, datetime]]:
    """Living customers suppressed for this reason; of others we hold no address."""
    with connection.cursor() as cursor:
        cursor.execute(_BARRED, [reason.value])
        since = dict(cursor.fetchall())
    people = User.objects.in_bulk(list(since))
    return [(people[pk], since[pk]) for pk in since if pk in people]
