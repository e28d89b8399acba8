"""Keep the portal's processes running: what ends by itself is started again, ever more slowly."""

import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from clicksend_portal.embedded.family import Child, Family
from clicksend_portal.embedded.folders import ServiceError
from clicksend_portal.environment import BASE_DIR, Environment
from clicksend_portal.run.display import warn
from clicksend_portal.run.logs import ChildLog
from clicksend_portal.run.processes import Program
from clicksend_portal.run.readiness import probe

START_PATIENCE = 90.0
LONGEST_PAUSE = 30.0
STEADY_AFTER = 60.0


@dataclass(slots=True)
class Service:
    """Something kept alive: how to start it, and how it fared."""

    name: str
    start: Callable[[], Child]
    child: Child
    started: float
    failures: int = 0
    next_try: float = 0.0


class Supervisor:
    def __init__(self, family: Family, environment: Mapping[str, str], logs: Path) -> None:
        self.family = family
        self.environment = environment
        self.logs = logs
        self.services: list[Service] = []
        self.logs_of: dict[str, ChildLog] = {}

    def add(self, name: str, start: Callable[[], Child]) -> Service:
        service = Service(name, start, start(), time.monotonic())
        self.services.append(service)
        return service

    def launch(self, program: Program) -> Service:
        log = self.logs_of[program.name] = ChildLog(self.logs, program.name)

        def start() -> Child:
            child = self.family.spawn(
                program.name,
                program.command,
                environment={**self.environment, "DATABASE_ROLE": program.role},
                output=subprocess.PIPE,
                folder=BASE_DIR,
            )
            if child.process.stdout is not None:
                log.follow(child.process.stdout)
            return child

        return self.add(program.name, start)

    def wait_until_ready(self, program: Program, env: Environment) -> None:
        """Until it answers; a process that ends before that has said why in its log."""
        ready = probe(program, env)
        deadline = time.monotonic() + START_PATIENCE
        while not ready():
            if ended := [each for each in self.services if not each.child.running]:
                raise self._failure(ended[0].name)
            if time.monotonic() > deadline:
                raise self._failure(program.name)
            time.sleep(0.1)

    def _failure(self, name: str) -> ServiceError:
        if name not in self.logs_of:
            return ServiceError(f"{name} ended.")
        log = self.logs_of[name]
        return ServiceError(f"{name} did not start; {log.path} ends:\n{log.tail()}")

    def tend(self) -> None:
        """One look at every service; called again and again from the main thread."""
        for service in self.services:
            if service.child in self.family.children and not service.child.running:
                self._note_end(service)
            elif service.child not in self.family.children and time.monotonic() > service.next_try:
                self._start_again(service)

    def _note_end(self, service: Service) -> None:
        now = time.monotonic()
        status = service.child.process.returncode
        self.family.forget(service.child)
        service.failures = 1 if now - service.started > STEADY_AFTER else service.failures + 1
        pause = min(2.0 ** (service.failures - 1), LONGEST_PAUSE)
        service.next_try = now + pause
        warn(f"{service.name} ended ({describe(status)}); it is started again in {pause:.0f} s.")

    def _start_again(self, service: Service) -> None:
        service.started = time.monotonic()
        try:
            service.child = service.start()
        except ServiceError as error:
            service.failures += 1
            service.next_try = time.monotonic() + LONGEST_PAUSE
            warn(str(error))


def describe(status: int) -> str:
    return f"signal {-status}" if status < 0 else f"exit status {status}"
