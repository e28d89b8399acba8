"""`python -m bench [--list]`; `BENCH=one_click,import` runs only these.

Exit status: 0 every figure reaches what is asked, 1 one does not, 2 a benchmark could not run.
"""

import os
import signal
import sys
from pathlib import Path

import django
import psycopg
from rich.console import Console

from bench import (
    audience,
    audit,
    campaign,
    cutoff,
    deidentify,
    erasure,
    export,
    import_customers,
    one_click,
    pages,
    permission,
    platform,
    sending,
    steering,
)
from bench.frame import Benchmark, Result, print_table, write_json
from bench.servers import begin_anew, migrate, running
from clicksend_portal.embedded.folders import ServiceError

OUTPUT = Path(__file__).resolve().parent.parent / "var" / "bench.json"
BENCHMARKS = {
    each.name: each
    for each in (
        one_click.BENCHMARK,
        permission.BENCHMARK,
        audit.BENCHMARK,
        import_customers.BENCHMARK,
        pages.BENCHMARK,
        platform.BENCHMARK,
        export.BENCHMARK,
        sending.BENCHMARK,
        audience.BENCHMARK,
        campaign.BENCHMARK,
        erasure.BENCHMARK,
        cutoff.BENCHMARK,
        deidentify.BENCHMARK,
        steering.BENCHMARK,
    )
}


def main(arguments: list[str]) -> int:
    console = Console(width=None if sys.stdout.isatty() else 120)
    if arguments == ["--list"]:
        for each in BENCHMARKS.values():
            console.print(f"{each.name:12}{each.tells}", highlight=False, soft_wrap=True)
        return 0
    if arguments:
        console.print("Usage: python -m bench [--list]; choose with BENCH=name,name")
        return 2
    try:
        results, broken = run(chosen(os.environ.get("BENCH", "")), console)
    except ServiceError as error:
        console.print(str(error), style="red", markup=False)
        return 2
    print_table(results, console)
    write_json(results, OUTPUT)
    for name, why in broken.items():
        console.print(f"{name} could not run: {why}", style="red", markup=False, soft_wrap=True)
    if broken:
        return 2
    return 0 if all(each.holds for each in results) else 1


def chosen(names: str) -> list[Benchmark]:
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    if unknown := [name for name in wanted if name not in BENCHMARKS]:
        raise ServiceError(f"No benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}.")
    return [BENCHMARKS[name] for name in wanted] if wanted else list(BENCHMARKS.values())


def run(benchmarks: list[Benchmark], console: Console) -> tuple[list[Result], dict[str, Exception]]:
    """The figures, and why a benchmark has none: the others run all the same."""
    results: list[Result] = []
    broken: dict[str, Exception] = {}
    with console.status("Starting servers"), running():
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clicksend_portal.settings")
        django.setup()
        migrate()
        for each in benchmarks:
            console.print(f"{each.name}: {each.tells}", highlight=False, soft_wrap=True)
            begin_anew()
            try:
                with console.status(each.name):
                    results += each.run()
            except (ServiceError, psycopg.Error) as error:
                broken[each.name] = error
    return results, broken


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # leave through the finally blocks
    sys.exit(main(sys.argv[1:]))
