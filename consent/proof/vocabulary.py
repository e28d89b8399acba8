"""What an event says in the words of the W3C Data Privacy Vocabulary. Pure.

The readable part of a receipt is computed from the event by these rules, so whoever verifies a
receipt computes it anew and compares.
"""

from collections.abc import Mapping
from typing import Any

DPV = "https://w3id.org/dpv#"

_STATES = {
    "granted": "dpv:ConsentGiven",
    "refused": "dpv:ConsentRefused",
    "withdrawn": "dpv:ConsentWithdrawn",
}
_WRITTEN_BY = {
    "staff": "dpv:DataController",
    "api": "dpv:DataController",
    "import": "dpv:DataController",
    "replay": "dpv:DataController",
    "provider": "dpv:DataProcessor",
}


def event_state(record: Mapping[str, Any]) -> str:
    """The state of the consent after the event; one that is paused stays given."""
    return _STATES.get(record["state"], "dpv:ConsentUnknown")


def event_type(record: Mapping[str, Any]) -> str:
    """What kind of act it was. An undone change is named before the pause it may restore."""
    if record["undone"]:
        return "undo"
    if record["paused_until"] is not None:
        return "pause"
    if record["paused_until_before"] is not None and record["state"] == "granted":
        return "end_of_pause"
    return "choice"


def event_entity(record: Mapping[str, Any]) -> str:
    """Who brought the event about: the person, or somebody who recorded it for them."""
    return _WRITTEN_BY.get(record["source"], "dpv:DataSubject")


def told_event(record: Mapping[str, Any]) -> dict[str, Any]:
    """The event section of ISO/IEC TS 27560: time, type, state, entity, and by which way."""
    return {
        "time": record["at"],
        "type": event_type(record),
        "state": event_state(record),
        "entity": event_entity(record),
        "method": record["source"],
        "paused_until": record["paused_until"],
    }
