"""`manage.py retention plan | enforce | status`."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone, translation

from foundation.roles import KEEPER, as_role
from retention import services
from retention.schedule import RULES


class Command(BaseCommand):
    help = "Show or enforce the retention schedule."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=("plan", "enforce", "status"))
        parser.add_argument("--rule", action="append", choices=sorted(RULES), help="only this rule")

    def handle(self, *args: Any, **options: Any) -> None:
        with as_role(KEEPER), translation.override("en"):
            getattr(self, options["action"])(options["rule"] or RULES.keys())

    def plan(self, names: list[str]) -> None:
        """What would go now. Changes nothing."""
        for state in services.plan(timezone.now()):
            if state.rule.name in names:
                self.line(state.rule.name, f"{state.due} rows up to {state.cutoff:%Y-%m-%d %H:%M}")

    def enforce(self, names: list[str]) -> None:
        runs = services.enforce(timezone.now(), "operator", only=names)
        for run in runs:
            months = f", months {', '.join(run.partitions)}" if run.partitions else ""
            self.line(run.rule, f"{run.removed} rows removed{months}")
        for name in set(names) - {run.rule for run in runs}:
            self.line(name, "another process has it in hand")

    def status(self, names: list[str]) -> None:
        for state in services.plan(timezone.now()):
            if state.rule.name in names:
                run = state.last_run
                last = "never ran" if run is None else f"last run {run.started_at:%Y-%m-%d %H:%M}"
                self.line(state.rule.name, f"{state.rule.sentence}; {last}; {state.due} rows due")

    def line(self, name: str, text: str) -> None:
        self.stdout.write(f"{name:22} {text}")
