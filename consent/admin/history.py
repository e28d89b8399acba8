"""A customer's choices and how they came about, in words staff can read out on the phone."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.models import User
from consent.history import HistoryRow, human_date, readable_history, way
from consent.models import ConsentDetail, Preference, ServiceKey, State, Topic
from consent.services import SELF, current_preferences

STAFF = "staff:"
KEY = "key:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What holds now on one topic."""

    topic: Topic
    state: str
    since: str


def standing_choices(person_id: uuid.UUID, *, now: datetime) -> list[Standing]:
    """Every live topic, asked or not, and what was once chosen on a retired one."""
    chosen = current_preferences(person_id)
    return [
        Standing(topic=topic, state=state_words(row, now=now), since=since_words(row))
        for topic in Topic.objects.with_wording()
        if (row := chosen.get(topic.pk)) is not None or topic.retired_at is None
    ]


def state_words(row: Preference | None, *, now: datetime) -> str:
    if row is None:
        return _("Not asked")
    if row.paused_until is not None and row.paused_until > now:
        return _("Yes, paused until %(day)s") % {"day": human_date(row.paused_until)}
    return _("Yes") if row.state == State.GRANTED else _("No")


def since_words(row: Preference | None) -> str:
    if row is None:
        return ""
    return _("since %(day)s, %(way)s") % {"day": human_date(row.since), "way": way(row.source)}


def staff_history(person_id: uuid.UUID) -> list[str]:
    """Newest first: what the customer reads too, with who, which wording and why."""
    rows = readable_history(person_id)
    staff = staff_names(row.detail for row in rows)
    return [line(row, staff) for row in rows]


def staff_names(details: Iterable[ConsentDetail]) -> dict[str, str]:
    """Who stands behind the actors' keys: members of staff, and systems with a service key."""
    actors = [detail.actor for detail in details]
    people = {actor.removeprefix(STAFF) for actor in actors if actor.startswith(STAFF)}
    systems = {actor.removeprefix(KEY) for actor in actors if actor.startswith(KEY)}
    users = User.objects.filter(pk__in=people) if people else ()
    keys = ServiceKey.objects.filter(pk__in=systems) if systems else ()
    return {f"{STAFF}{user.pk}": user.username for user in users} | {
        f"{KEY}{key.pk}": key.name for key in keys
    }


def line(row: HistoryRow, staff: Mapping[str, str]) -> str:
    """When and what; who; the wording and the language it was read in; why."""
    detail = row.detail
    parts = [who_words(detail.actor, staff)]
    if detail.wording_version is not None:
        parts.append(_("wording %(version)s") % {"version": detail.wording_version})
    if detail.language:
        parts.append(_("read in %(language)s") % {"language": language_name(detail.language)})
    if detail.reason:
        parts.append(_("reason: %(reason)s") % {"reason": detail.reason})
    return f"{row.when}: {row.sentence} {'; '.join(parts)}."


def language_name(code: str) -> str:
    return str(dict(settings.LANGUAGES).get(code, code))


def who_words(actor: str, staff: Mapping[str, str]) -> str:
    if actor == SELF:
        return _("By the customer")
    if actor.startswith(STAFF):
        return _("By %(name)s on our staff") % {"name": staff.get(actor, _("a former member"))}
    if actor.startswith(KEY):
        return _("By the system “%(name)s”") % {"name": staff.get(actor, _("a former one"))}
    return _("By the portal itself")
