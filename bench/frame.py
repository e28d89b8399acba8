"""What a benchmark is, and how its figures are told."""

import json
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One figure; `reach` is asked of `ratio` where there is a limit, else of the figure."""

    name: str
    figure: float
    unit: str
    limit: float | None
    ratio: float | None
    reach: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Benchmark:
    name: str
    tells: str
    run: Callable[[], Iterator[Result]]


def at_least(
    name: str, figures: Sequence[float], limits: Sequence[float], reach: float, *, unit: str
) -> Result:
    """A rate as a part of the limit's: round by round, for the machine drifts between them."""
    ratio = paired(figures, limits)
    return Result(
        name=name,
        figure=median(figures),
        unit=unit,
        limit=median(limits),
        ratio=ratio,
        reach=f"≥ {reach:g} × limit",
        holds=ratio >= reach,
    )


def at_most(
    name: str, figures: Sequence[float], limits: Sequence[float], reach: float, *, unit: str
) -> Result:
    """A time or an amount as a multiple of the limit's."""
    ratio = paired(figures, limits)
    return Result(
        name=name,
        figure=median(figures),
        unit=unit,
        limit=median(limits),
        ratio=ratio,
        reach=f"≤ {reach:g} × limit",
        holds=ratio <= reach,
    )


def paired(figures: Sequence[float], limits: Sequence[float]) -> float:
    return median([figure / limit for figure, limit in zip(figures, limits, strict=True)])


def bound(name: str, figure: float, most: float, *, unit: str) -> Result:
    """An amount that has a bound of its own."""
    return Result(
        name=name,
        figure=figure,
        unit=unit,
        limit=None,
        ratio=None,
        reach=f"≤ {most:g} {unit}",
        holds=figure <= most,
    )


median = statistics.median


def percentile(values: Sequence[float], percent: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def print_table(results: Sequence[Result], console: Console) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("benchmark", no_wrap=True)
    for title in ("figure", "limit", "ratio", "reach"):
        table.add_column(title, justify="right")
    table.add_column("holds")
    for each in results:
        table.add_row(
            each.name,
            f"{shown(each.figure)} {each.unit}",
            "–" if each.limit is None else shown(each.limit),
            "–" if each.ratio is None else f"{each.ratio:.2f}",
            each.reach,
            "yes" if each.holds else "[red]NO[/red]",
        )
    console.print(table)


def shown(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.2f}"


def write_json(results: Sequence[Result], path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps([asdict(each) for each in results], indent=2) + "\n")
    part.replace(path)
