"""A report's columns over time, drawn by the server; the table beside says the same in numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from messaging.report import Column

WIDTH, HEIGHT = 720, 180
GAP = 1.5


@dataclass(frozen=True, slots=True)
class Chart:
    """One path for all columns; quiet stretches keep their width, for time goes on in them."""

    columns: Sequence[Column]
    width: timedelta

    @property
    def view_box(self) -> str:
        return f"0 0 {WIDTH} {HEIGHT}"

    @property
    def path(self) -> str:
        first, last = self.columns[0].since, self.columns[-1].since
        slots = (last - first) // self.width + 1
        step = WIDTH / slots
        # A single column would otherwise be as wide as the page.
        bar = min(step - GAP, WIDTH / 8) if slots < WIDTH / (GAP * 2) else step
        parts = []
        for column in self.columns:
            height = max(2.0, column.number / self.highest * HEIGHT)
            left = (column.since - first) // self.width * step
            parts.append(f"M{left:.1f} {HEIGHT - height:.1f}h{bar:.1f}v{height:.1f}h-{bar:.1f}z")
        return "".join(parts)

    @property
    def first(self) -> datetime:
        return self.columns[0].since

    @property
    def last(self) -> datetime:
        return self.columns[-1].since + self.width

    @property
    def highest(self) -> int:
        return max(column.number for column in self.columns)
