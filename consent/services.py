"""The doors through which a choice comes in. All writes of consent are here.

Every change is one statement with two writes, the preference and the event's detail, so neither
can exist without the other and concurrent changes of one person queue on the preference row.
Saying the same again changes nothing and writes nothing.
"""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from django.db import IntegrityError, connection, transaction

from accounts.models import User
from consent import emails
from consent.models import ConsentDetail, Preference, Source, State, Topic
from consent.policy import PAUSE_MONTHS, undo_is_open
from foundation.calendar import months_later

SELF = "self"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What the person saw when choosing; an unknown wording is None."""

    language: str = ""
    wording_version: int | None = None
    mailing: int = 0


NOTHING_SHOWN = Shown()

_CHANGE = """SELECT consent_change(%(person)s, %(topics)s, %(states)s, %(source)s, %(actor)s,
    %(reason)s, %(language)s, %(wording)s, %(wording_unknown)s, %(mailing)s, %(now)s,
    %(received)s)"""


def _change(
    person_id: uuid.UUID,
    choices: Mapping[uuid.UUID, str],
    *,
    source: Source,
    actor: str,
    now: datetime,
    shown: Shown = NOTHING_SHOWN,
    reason: str = "",
    received_at: datetime | None = None,
) -> list[uuid.UUID]:
    # Past Django's cursor, which cannot prepare: this is the statement of every one-click POST.
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(
            _CHANGE,
            {
                "person": person_id,
                # As array literals: keys and fixed words, and no array dumper on this path.
                "topics": f"{{{','.join(map(str, choices))}}}",
                "states": f"{{{','.join(choices.values())}}}",
                "source": source.value,
                "actor": actor,
                "reason": reason,
                "language": shown.language,
                "wording": shown.wording_version,
                "wording_unknown": source == Source.IMPORT,
                "mailing": shown.mailing,
                "now": now,
                "received": received_at,
            },
            prepare=True,
        )
        return [row[0] for row in cursor.fetchall()]


def record_choices(
    person_id: uuid.UUID,
    answers: Mapping[uuid.UUID, bool],
    *,
    source: Source,
    actor: str = SELF,
    now: datetime,
    shown: Shown = NOTHING_SHOWN,
) -> list[uuid.UUID]:
    """The person's own yes or no to each topic; the topics whose choice changed."""
    choices = {
        topic: State.GRANTED.value if yes else State.REFUSED.value for topic, yes in answers.items()
    }
    return _change(person_id, choices, source=source, actor=actor, now=now, shown=shown)


def record_opt_out(
    person_id: uuid.UUID,
    topics: Iterable[uuid.UUID],
    *,
    source: Source,
    actor: str = SELF,
    now: datetime,
    shown: Shown = NOTHING_SHOWN,
    reason: str = "",
    received_at: datetime | None = None,
) -> list[uuid.UUID]:
    """Every way out ends here. Once it returns, nothing of these topics is handed over any more.

    Nothing else needs telling: the hand-over of each message asks the preference it changed
    (`obeyed-in-minutes`). A topic never asked becomes a refusal, a yes a withdrawal.
    """
    try:
        return _change(
            person_id,
            dict.fromkeys(topics, State.REFUSED.value),
            source=source,
            actor=actor,
            now=now,
            shown=shown,
            reason=reason,
            received_at=received_at,
        )
    except IntegrityError:
        # The person was erased in this very moment: there is nobody left to be reached.
        if connection.in_atomic_block:
            raise
        return []


def optional_topics() -> list[uuid.UUID]:
    """Every topic of optional mail, for "nothing optional at all"; retired ones too."""
    return list(Topic.objects.filter(kind=Topic.Kind.MAIL).values_list("id", flat=True))


_STEP = """
WITH changed AS (
    UPDATE consent_preference p
       SET state = %(state)s, paused_until = %(until)s, version = p.version + 1,
           source = COALESCE(%(standing_source)s, p.source),
           since = COALESCE(%(standing_since)s, p.since)
     WHERE p.person_id = %(person)s AND p.topic_id = ANY (%(topics)s)
       AND (%(expected)s::int IS NULL OR p.version = %(expected)s)
       AND (p.state, p.paused_until) IS DISTINCT FROM (%(state)s, %(until)s::timestamptz)
       AND (%(undone)s OR p.state = %(state)s)
 RETURNING new.topic_id, new.version, old.state AS before, new.state AS state,
           old.paused_until AS paused_before, new.paused_until AS paused
)
INSERT INTO consent_consentdetail (person_id, topic_id, version, state_before, state,
       paused_until_before, paused_until, undone, source, actor, reason, language,
       wording_version, mailing, at, salt)
SELECT %(person)s, c.topic_id, c.version, c.before, c.state, c.paused_before, c.paused,
       %(undone)s, %(source)s, %(actor)s, '', %(language)s, t.wording_version, %(mailing)s,
       %(now)s, uuid_send(gen_random_uuid())
  FROM changed c JOIN consent_topic t ON t.id = c.topic_id
RETURNING topic_id
"""


def _step(
    person_id: uuid.UUID,
    topics: Iterable[uuid.UUID],
    *,
    state: str,
    until: datetime | None,
    undone: bool,
    expected: int | None,
    source: Source,
    actor: str,
    now: datetime,
    shown: Shown,
    standing: ConsentDetail | None = None,
) -> list[uuid.UUID]:
    """Pause or undo. The choice that then stands keeps its own day and way (`standing`)."""
    parameters: dict[str, Any] = {
        "person": person_id,
        "topics": sorted(topics),
        "state": state,
        "until": until,
        "undone": undone,
        "expected": expected,
        "source": source.value,
        "standing_source": standing and standing.source,
        "standing_since": standing and standing.at,
        "actor": actor,
        "language": shown.language,
        "mailing": shown.mailing,
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(_STEP, parameters)
        return [row[0] for row in cursor.fetchall()]


def record_pause(
    person_id: uuid.UUID,
    topics: Iterable[uuid.UUID],
    *,
    months: int | None,
    source: Source,
    actor: str = SELF,
    now: datetime,
    shown: Shown = NOTHING_SHOWN,
) -> list[uuid.UUID]:
    """Every yes among the topics rests for 1, 3 or 6 months; None ends the rest. No no changes."""
    if months is not None and months not in PAUSE_MONTHS:
        raise ValueError(f"a pause lasts {PAUSE_MONTHS} months")
    until = None if months is None else months_later(now, months)
    return _step(
        person_id,
        topics,
        state=State.GRANTED,
        until=until,
        undone=False,
        expected=None,
        source=source,
        actor=actor,
        now=now,
        shown=shown,
    )


@transaction.atomic
def undo_last(
    person_id: uuid.UUID,
    topic_id: uuid.UUID,
    *,
    source: Source,
    actor: str = SELF,
    now: datetime,
    shown: Shown = NOTHING_SHOWN,
) -> bool:
    """Take the latest change of one topic back; whether anything changed.

    From a mail's link only what was done from a mail, and only within the hour: so a forwarded
    mail can never say yes for its owner. What cannot be undone stays as it is.
    """
    last = last_change(person_id, topic_id)
    if not can_undo(last, source=source, now=now):
        return False
    assert last is not None
    changed = _step(
        person_id,
        [topic_id],
        state=last.state_before,
        until=last.paused_until_before,
        undone=True,
        expected=last.version,
        source=source,
        actor=actor,
        now=now,
        shown=shown,
        standing=made_by(last),
    )
    return bool(changed)


def made_by(last: ConsentDetail) -> ConsentDetail | None:
    """The event that once made the choice to which undoing `last` goes back."""
    own_acts = ConsentDetail.objects.of(last.person_id).filter(
        topic_id=last.topic_id,
        version__lt=last.version,
        state=last.state_before,
        undone=False,
        paused_until__isnull=True,
        paused_until_before__isnull=True,
    )
    found: ConsentDetail | None = own_acts.order_by("-version").first()
    return found


FROM_MAIL = (Source.ONE_CLICK, Source.LINK, Source.MAIL_PREFERENCES)


def last_change(person_id: uuid.UUID, topic_id: uuid.UUID) -> ConsentDetail | None:
    """The newest event of one person and topic."""
    return last_changes(person_id).get(topic_id)


def last_changes(person_id: uuid.UUID) -> dict[uuid.UUID, ConsentDetail]:
    """The newest event of each topic of one person."""
    newest = (
        ConsentDetail.objects.of(person_id).order_by("topic_id", "-version").distinct("topic_id")
    )
    return {detail.topic_id: detail for detail in newest}


def can_undo(last: ConsentDetail | None, *, source: Source, now: datetime) -> bool:
    """Whether the latest event may be taken back by this way."""
    if last is None or last.undone or not last.state_before:
        return False
    if source in FROM_MAIL:
        return last.source in FROM_MAIL and undo_is_open(last.at, now)
    return True


def undo_latest(
    person_id: uuid.UUID, *, source: Source, now: datetime, shown: Shown = NOTHING_SHOWN
) -> list[uuid.UUID]:
    """Take back what the latest act changed, be it one topic or all, as far as `source` may."""
    open_ones = [
        last for last in last_changes(person_id).values() if can_undo(last, source=source, now=now)
    ]
    latest = max((last.at for last in open_ones), default=now)
    return [
        last.topic_id
        for last in open_ones
        if last.at == latest
        and undo_last(person_id, last.topic_id, source=source, now=now, shown=shown)
    ]


def current_preferences(person_id: uuid.UUID) -> dict[uuid.UUID, Preference]:
    """Standing choices by topic; a topic missing here was never asked."""
    return {row.topic_id: row for row in Preference.objects.of(person_id)}


@transaction.atomic
def ask_to_confirm_yes(person_id: uuid.UUID, topic: Topic, *, now: datetime) -> None:
    """A yes asked for from a mail's link: its owner confirms it from a mail of its own.

    Whoever is named, the answer on the page is the same.
    """
    person = User.objects.filter(pk=person_id, is_active=True).first()
    preference = Preference.objects.of(person_id).filter(topic=topic).first()
    if person is not None and (preference is None or preference.state != State.GRANTED):
        version = 0 if preference is None else preference.version
        emails.send_confirm_yes(person, topic, version=version, now=now)


def confirm_yes(
    person_id: uuid.UUID, topic_id: uuid.UUID, *, version: int, now: datetime, shown: Shown
) -> bool:
    """The link of that mail was used: a yes, unless the person chose anew since; twice is once."""
    with transaction.atomic():
        preference = (
            Preference.objects.select_for_update().of(person_id).filter(topic_id=topic_id).first()
        )
        if preference is not None and preference.state == State.GRANTED:
            return True
        if (0 if preference is None else preference.version) != version:
            return False
        return bool(
            record_choices(
                person_id, {topic_id: True}, source=Source.CONFIRMED, now=now, shown=shown
            )
        )
