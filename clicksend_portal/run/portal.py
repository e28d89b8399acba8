"""The portal as a whole: checks, servers, database, processes, in this order, and back."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clicksend_portal import environment
from clicksend_portal.embedded.family import Child, Family
from clicksend_portal.embedded.folders import ServiceError, make_folder
from clicksend_portal.embedded.postgres import SETTINGS, Postgres
from clicksend_portal.embedded.valkey import Valkey, free_port
from clicksend_portal.environment import BASE_DIR, Environment
from clicksend_portal.run import report
from clicksend_portal.run.display import step
from clicksend_portal.run.lock import RunLock
from clicksend_portal.run.processes import Part, programs
from clicksend_portal.run.profile import (
    child_environment,
    completed,
    data_folder,
    given_settings,
)
from clicksend_portal.run.readiness import is_free
from clicksend_portal.run.supervisor import Supervisor
from clicksend_portal.translations import compile_translations

APPS_PATIENCE, SERVERS_PATIENCE = 5.0, 3.5


@dataclass(slots=True)
class Plan:
    """What will run: how much of the portal, its settings, and which servers are ours."""

    part: Part
    folder: Path
    raw: dict[str, str]
    postgres: Postgres | None
    valkey: Valkey | None
    catcher: bool
    env: Environment = field(init=False)

    @classmethod
    def made(cls, given: Mapping[str, str], part: Part) -> "Plan":
        if part is Part.SERVICES and {"DATABASE_URL", "BROKER_URL"} <= given.keys():
            raise ServiceError(
                "There is nothing to start: DATABASE_URL and BROKER_URL name servers of your own."
            )
        folder = make_folder(data_folder(given))
        plan = cls(
            part=part,
            folder=folder,
            raw=completed(given, folder),
            postgres=None if "DATABASE_URL" in given else Postgres(folder, SETTINGS),
            valkey=None if "BROKER_URL" in given else Valkey(folder),
            catcher="EMAIL_URL" not in given,
        )
        plan._address_servers(given)
        plan.env = environment.parse(plan.raw)
        return plan

    def _address_servers(self, given: Mapping[str, str]) -> None:
        if self.postgres:
            self.raw["DATABASE_URL"] = self.postgres.url()
        if self.valkey:
            self.raw["BROKER_URL"] = self.valkey.url()
        if not self.catcher:
            return
        self.raw["EMAIL_URL"] = "smtp://127.0.0.1"
        wished = environment.parse(self.raw)
        for name, port in (("SMTP_PORT", wished.smtp_port), ("MAILBOX_PORT", wished.mailbox_port)):
            # Nobody asked for these two by number, so another free one serves as well.
            self.raw[name] = str(port if name in given or is_free(port) else free_port())
        self.raw["EMAIL_URL"] = f"smtp://127.0.0.1:{self.raw['SMTP_PORT']}"

    def require_free_ports(self) -> None:
        ports = {} if self.part is Part.SERVICES else {"PORT": self.env.port}
        if self.catcher and self.part is Part.PORTAL:
            ports |= {"SMTP_PORT": self.env.smtp_port, "MAILBOX_PORT": self.env.mailbox_port}
        for name, port in ports.items():
            if not is_free(port):
                raise ServiceError(f"Port {port} is taken; choose another one with {name}=….")


class Portal:
    def __init__(self, plan: Plan, lock: RunLock) -> None:
        self.plan = plan
        self.lock = lock
        self.folder = plan.env.run_dir
        self.family = Family(hold=lock.descriptor)
        self.servers: list[Child] = []
        self.environment = child_environment(plan.raw)
        self.supervisor = Supervisor(self.family, self.environment, self.folder / "log")

    @classmethod
    def planned(cls, part: Part) -> "Portal":
        plan = Plan.made(given_settings(), part)
        lock = RunLock(plan.folder)
        lock.take(portal_url=None if part is Part.SERVICES else plan.env.portal_url)
        plan.require_free_ports()
        (plan.env.run_dir / "log").mkdir(parents=True, exist_ok=True)
        return cls(plan, lock)

    def start(self) -> None:
        self._start_servers()
        report.write_settings(self.folder, self.plan.raw)
        compile_translations()
        sign_ins = self._prepare()
        self._start_processes()
        part = self.plan.part
        facts = report.facts(
            self.plan.env, sign_ins, data=self.plan.folder, catcher=self.plan.catcher, part=part
        )
        report.publish(self.folder, facts, part)

    def stop(self) -> None:
        """Those that work first, then what they work with; within ten seconds in all."""
        report.withdraw(self.folder)
        servers = [s.child for s in self.supervisor.services if s.name in ("postgres", "valkey")]
        others = [child for child in self.family.children if child not in servers]
        self.family.stop(*reversed(others), patience=APPS_PATIENCE)
        self.family.close(patience=SERVERS_PATIENCE)

    def _start_servers(self) -> None:
        if postgres := self.plan.postgres:
            new = " (first start: making the database)" if postgres.fresh else ""
            with step(f"Starting PostgreSQL 18{new}"):
                self.supervisor.add("postgres", lambda: postgres.start(self.family))
        if valkey := self.plan.valkey:
            with step("Starting Valkey"):
                self.supervisor.add("valkey", lambda: valkey.start(self.family))

    def _prepare(self) -> dict[str, Any]:
        """What the database needs for what is started; the sign-ins are the demo's."""
        if self.plan.part is not Part.PORTAL:
            if self.plan.part is Part.WEB:
                self._prepare_apart()
            return {}
        result = self.folder / "sign-ins.json"
        self._prepare_apart(str(result), str(self.plan.folder))
        sign_ins: dict[str, Any] = json.loads(result.read_text())
        result.unlink()
        return sign_ins

    def _prepare_apart(self, *paths: str) -> None:
        """In a process of its own, which shows its steps itself."""
        child = self.family.spawn(
            "prepare",
            [sys.executable, "-m", "clicksend_portal.run.prepare", *paths],
            environment={**self.environment, "DATABASE_ROLE": "portal_app", "LOG_LEVEL": "ERROR"},
            output=None,
            folder=BASE_DIR,
        )
        status = child.process.wait()
        self.family.forget(child)
        if status:
            raise ServiceError("The database could not be prepared; the reason stands above.")

    def _start_processes(self) -> None:
        wanted = programs(self.plan.env, catcher=self.plan.catcher, part=self.plan.part)
        if not wanted:
            return
        whole = self.plan.part is Part.PORTAL
        with step("Starting web, workers, beat and mail catcher" if whole else "Starting web"):
            for program in wanted:
                self.supervisor.launch(program)
            for program in wanted:
                self.supervisor.wait_until_ready(program, self.plan.env)
