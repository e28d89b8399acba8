"""Where an archive stands, written with each piece of it, so that another worker can go on there.

What follows is written as if nobody had died: of the same rows it has the same bytes.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from retention.exporting.tables import exported_tables


@dataclass(slots=True, kw_only=True)
class Checkpoint:
    """`files` are complete; of the next one everything up to the row `after` is written."""

    made_at: datetime
    counts: dict[str, int] = field(default_factory=dict)
    files: int = 0
    after: str = ""
    done: int = 0
    # Of the ZIP (`zipping`); none while no piece of it is kept.
    zip: dict[str, Any] | None = None


def said_of(place: Checkpoint) -> dict[str, Any]:
    return asdict(place) | {"made_at": place.made_at.isoformat(), "layout": layout()}


def read_checkpoint(said: dict[str, Any]) -> Checkpoint | None:
    """None where there is none, or of files that this version of the portal writes otherwise."""
    if said.get("layout") != layout():
        return None
    rest = {name: value for name, value in said.items() if name not in {"layout", "made_at"}}
    return Checkpoint(made_at=datetime.fromisoformat(said["made_at"]), **rest)


def layout() -> str:
    """Which files an archive has, and which columns, in their order."""
    told = [[each.name, each.is_bulk, each.headers] for each in exported_tables()]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()
