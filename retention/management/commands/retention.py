"""`manage.py retention plan | enforce | status`."""

import getpass
import os
from argparse import ArgumentParser
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone, translation

from foundation import standstill
from foundation.redaction import without_ips
from foundation.roles import KEEPER, as_role
from retention import services
from retention.ages import ages, count_set_aside
from retention.clock import why_clock_doubtful
from retention.entities import entity_periods
from retention.models import RetentionRun
from retention.planning import PlanDiffers, make_plan, why_unusual
from retention.schedule import RULES
from retention.words import rule_words

# With the word before it, it fits the row's column.
LONGEST: Final = 59


def who(named: str | None) -> str:
    """Whom the run's row names: a person by name, never the address they come from.

    A container may have no name for its user; then the number is all that is known.
    """
    if named is None:
        try:
            named = getpass.getuser()
        except (KeyError, OSError):
            named = str(os.getuid())
    words = f"operator {' '.join(named.split())}"
    if not named.strip() or not words.isprintable() or len(words) > LONGEST:
        raise CommandError("--actor is a name, of up to 50 characters.")
    if without_ips(words) != words:
        raise CommandError("--actor is a name, not an IP address.")
    return words


class Command(BaseCommand):
    help = "Show or enforce the retention schedule."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=("plan", "enforce", "status"))
        parser.add_argument("--rule", action="append", choices=sorted(RULES), help="only this rule")
        parser.add_argument(
            "--plan", metavar="DIGEST", help="enforce exactly what `retention plan` printed"
        )
        parser.add_argument(
            "--actor", help="who enforces, by name; else the user of the operating system"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["plan"] and options["action"] != "enforce":
            raise CommandError("--plan belongs to `retention enforce`.")
        names = options["rule"] or list(RULES)
        with as_role(KEEPER), translation.override("en"):
            if options["action"] == "enforce":
                self.enforce(names, options["plan"], who(options["actor"]))
            else:
                getattr(self, options["action"])(names)

    def plan(self, names: list[str]) -> None:
        """What would go now, and the digest by which exactly this is enforced. Changes nothing."""
        now = timezone.now()
        doubt = why_clock_doubtful(now)
        plan = make_plan(now, only=names)
        for each in plan.rules:
            months = f", months {', '.join(each.months)}" if each.months else ""
            unusual = doubt or why_unusual(each, now)
            alarm = f"; UNUSUAL, the night would not run it: {unusual}" if unusual else ""
            self.line(
                each.rule.name,
                f"{each.due} rows up to {each.cutoff:%Y-%m-%d %H:%M}{months}, "
                f"digest {each.digest[:32]}{alarm}",
            )
        self.stdout.write(f"digest {plan.digest}")

    def enforce(self, names: list[str], digest: str | None, actor: str) -> None:
        if why := standstill.why(pages=True):
            raise CommandError(f"Nothing is removed in a standstill: {why}.")
        now = timezone.now()
        if digest:
            try:
                runs = services.enforce_plan(digest, actor=actor, now=now, only=names)
            except PlanDiffers as refusal:
                raise CommandError(str(refusal)) from None
        else:
            runs = services.enforce(now, actor, only=names)
        for run in runs:
            months = f", months {', '.join(run.partitions)}" if run.partitions else ""
            self.line(run.rule, f"{run.removed} rows removed{months}")
        for name in set(names) - {run.rule for run in runs}:
            self.line(name, "another process has it in hand")

    def status(self, names: list[str]) -> None:
        """The oldest row under each rule beside its limit, what is late, what is held."""
        last = RetentionRun.objects.newest_per_rule()
        now = timezone.now()
        for age in ages(now, only=tuple(names)):
            run = last.get(age.rule.name)
            ran = "never ran" if run is None else f"last run {run.started_at:%Y-%m-%d %H:%M}"
            oldest = f"{age.oldest:%Y-%m-%d}" if age.oldest else "none"
            late = f"; LATE: {age.overdue} rows" if age.overdue else ""
            held = f"; held: {age.held} rows" if age.held else ""
            limits = "".join(
                f", {company} {period.cutoff(now):%Y-%m-%d}"
                for company, period in sorted(entity_periods(age.rule).items())
            )
            self.line(
                age.rule.name,
                f"{rule_words(age.rule).removesuffix('.')}; oldest {oldest}, "
                f"limit {age.cutoff:%Y-%m-%d}{limits}; {ran}{late}{held}",
            )
        if aside := count_set_aside():
            self.line("held_rows", f"{aside} rows of dropped months stand aside for legal holds")
        for run in RetentionRun.objects.refused_since():
            if run.rule in names:
                self.line(run.rule, f"NOT RUN on {run.started_at:%Y-%m-%d %H:%M}: {run.refused}")

    def line(self, name: str, text: str) -> None:
        self.stdout.write(f"{name:22} {text}")
