"""The last 90 days of a promise, drawn by the server as one small SVG."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

DAYS = 90
STEP, BAR, HEIGHT = 3, 2, 28
# Days of one state are told apart from other days by height too, not by colour alone.
HEIGHTS = {"none": 4, "kept": 16, "unknown": 22, "broken": HEIGHT}


@dataclass(frozen=True, slots=True)
class Strip:
    """Oldest day first; a day without a reading is a low grey line."""

    today: date
    worst: Mapping[date, str]

    @property
    def paths(self) -> Iterator[tuple[str, str]]:
        """One path for all days of a state: its style, and its geometry."""
        days = [self.today - timedelta(days=DAYS - 1 - index) for index in range(DAYS)]
        states = [self.worst.get(day, "none") for day in days]
        for state, height in HEIGHTS.items():
            bars = (
                f"M{index * STEP} {HEIGHT - height}h{BAR}v{height}h-{BAR}z"
                for index, found in enumerate(states)
                if found == state
            )
            if path := "".join(bars):
                yield state, path

    @property
    def days_read(self) -> int:
        return len(self.worst)

    @property
    def days_kept(self) -> int:
        return sum(state == "kept" for state in self.worst.values())
