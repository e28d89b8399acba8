"""Charts drawn by the server: shapes only. Words and numbers stand beside them, in the page."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 720, 160
GAP = 2.0
# A column of something is seen, however small beside the highest.
LOWEST = 2.0


@dataclass(frozen=True, slots=True)
class Shape:
    """One path in one style: `filled`, `second`, `line` or `late` (static/css/admin.css)."""

    style: str
    path: str


@dataclass(frozen=True, slots=True)
class Chart:
    shapes: Sequence[Shape]
    highest: float

    @property
    def view_box(self) -> str:
        return f"0 0 {WIDTH} {HEIGHT}"


def columns(*layers: tuple[str, Sequence[int]]) -> Chart:
    """Columns on top of each other, the first layer at the bottom."""
    totals = [sum(values) for values in zip(*(values for _style, values in layers), strict=True)]
    highest = max(totals, default=0)
    below = [0.0] * len(totals)
    shapes = []
    for style, values in layers:
        step = WIDTH / len(values)
        parts = []
        for index, value in enumerate(values):
            if not value:
                continue
            height = max(LOWEST, value / highest * (HEIGHT - LOWEST * len(layers)))
            top = HEIGHT - below[index] - height
            below[index] += height
            bar = step - GAP
            parts.append(f"M{index * step:.1f} {top:.1f}h{bar:.1f}v{height:.1f}h-{bar:.1f}z")
        shapes.append(Shape(style, "".join(parts)))
    return Chart(shapes, highest)


def lines(*layers: tuple[str, Sequence[float | None]]) -> Chart:
    """Lines over time, from nought, so that a small change looks small. Where there is no value the
    line pauses; a value alone is a short dash."""
    known = [value for _style, values in layers for value in values if value is not None]
    highest = max(known, default=0.0)
    shapes = []
    for style, values in layers:
        step = WIDTH / max(len(values) - 1, 1)
        parts, drawing = [], False
        for index, value in enumerate(values):
            if value is None:
                drawing = False
                continue
            across = index * step
            up = HEIGHT - LOWEST - value / (highest or 1.0) * (HEIGHT - 2 * LOWEST)
            alone = not drawing and (index + 1 == len(values) or values[index + 1] is None)
            parts.append(f"{'L' if drawing else 'M'}{across:.1f} {up:.1f}" + "h6" * alone)
            drawing = True
        shapes.append(Shape(style, "".join(parts)))
    return Chart(shapes, highest)


def bar(share: float, *, is_late: bool) -> Chart:
    """How much of something is used up, as one lying bar; over the whole is drawn as the whole."""
    width = max(0.0, min(share, 1.0)) * WIDTH
    shapes = [
        Shape("ground", f"M0 0h{WIDTH}v{HEIGHT}h-{WIDTH}z"),
        Shape("late" if is_late else "filled", f"M0 0h{width:.1f}v{HEIGHT}h-{width:.1f}z"),
    ]
    return Chart(shapes, share)
