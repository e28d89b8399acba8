"""The history of one person told anew, by rules written down a second time for the tests."""

import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby

from consent.models import ConsentDetail, Preference

OWN_ACTS = {"signup", "preferences", "confirmed", "api_signed_in"}
SIGNED_IN = {"preferences", "api_signed_in"}
FROM_MAIL = {"one_click", "link", "mail_preferences"}
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Standing:
    """What a preference must say."""

    state: str
    paused_until: datetime | None
    source: str
    since: datetime
    version: int


def replay(events: list[ConsentDetail]) -> Standing | None:
    """Event by event: each follows on the one before, and every yes was its owner's will."""
    past: list[Standing | None] = [None]
    for event in events:
        before = past[-1]
        follows = ("", None) if before is None else (before.state, before.paused_until)
        assert event.version == len(past), "a version is missing, or there twice"
        assert (event.state_before, event.paused_until_before) == follows
        if event.undone:
            former = past[-2]
            assert former is not None
            assert (event.state, event.paused_until) == (former.state, former.paused_until)
            after = replace(former, version=event.version)
        elif before is not None and event.state == before.state == "granted":
            after = replace(before, paused_until=event.paused_until, version=event.version)
        else:
            assert event.paused_until is None
            after = Standing(event.state, None, event.source, event.at, event.version)
        if event.state == "granted" and event.state_before != "granted":
            assert is_own_will(event, events[event.version - 2] if event.version > 1 else None)
        past.append(after)
    return past[-1]


def is_own_will(yes: ConsentDetail, before: ConsentDetail | None) -> bool:
    """An own act, or an own no taken back in time; a file may begin with a yes."""
    if not yes.undone:
        return yes.source in OWN_ACTS or (yes.source == "import" and before is None)
    assert before is not None
    if yes.source in FROM_MAIL:
        return before.source in FROM_MAIL and yes.at - before.at < HOUR
    return yes.source in SIGNED_IN


def assert_everything_adds_up() -> dict[tuple[uuid.UUID, uuid.UUID], Standing]:
    """Every stored preference is what its events make it, and nothing is on one side alone."""
    events = ConsentDetail.objects.order_by("person_id", "topic_id", "version")
    told = {
        key: replay(list(group))
        for key, group in groupby(events, key=lambda event: (event.person_id, event.topic_id))
    }
    stored = {
        (each.person_id, each.topic_id): Standing(
            each.state, each.paused_until, each.source, each.since, each.version
        )
        for each in Preference.objects.all()
    }
    assert stored == told
    return stored
