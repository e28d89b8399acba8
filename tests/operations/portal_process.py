"""A portal of its own for tests: scratch folders, free ports, and a look at what it leaves."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clicksend_portal.embedded.valkey import free_port
from clicksend_portal.environment import BASE_DIR, declared

START_PATIENCE = 120.0


@dataclass
class PortalProcess:
    folder: Path
    port: int = field(default_factory=free_port)
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, *command: str) -> subprocess.Popen[str]:
        """In a process group of its own, as a shell would start `make run`."""
        process = subprocess.Popen(
            command or [sys.executable, "-m", "clicksend_portal.run"],
            cwd=BASE_DIR,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def start_until_ready(
        self, *command: str, ready: str = "Portal ready"
    ) -> subprocess.Popen[str]:
        process = self.start(*command)
        said = []
        for line in process.stdout or ():
            said.append(line)
            if line == f"{ready}\n":
                return process
        raise AssertionError("".join(said))

    def refusal(self) -> str:
        """What a start that is refused says; its exit status is 1."""
        process = self.start()
        said, _ = process.communicate(timeout=START_PATIENCE)
        assert process.returncode == 1, said
        return said

    def environment(self) -> dict[str, str]:
        """Nothing of the test run's own settings: this portal starts its own servers."""
        ours = {name: text for name, text in os.environ.items() if name not in declared()}
        return {
            **ours,
            "DATA_DIR": str(self.folder / "data"),
            "RUN_DIR": str(self.folder / "run"),
            "PORT": str(self.port),
        }

    def facts(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "run" / "portal.json").read_text())
        return found

    def processes(self) -> set[int]:
        """Everything that runs for this portal: its folder is in environment, command or place."""
        mark = str(self.folder).encode()
        found = set()
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and mark in _traces(entry):
                found.add(int(entry.name))
        return found

    def wait_until_gone(self, *, seconds: float) -> set[int]:
        """What is still there after that time; nothing, if all is well."""
        deadline = time.monotonic() + seconds
        while (left := self.processes()) and time.monotonic() < deadline:
            time.sleep(0.1)
        return left

    def end(self) -> None:
        """Kill everything at once, as a machine that loses its power does."""
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for process in self.started:
            process.wait()
            if process.stdout:
                process.stdout.close()
        self.started.clear()


def _traces(entry: Path) -> bytes:
    """An empty answer for a process that is gone, or waits for its parent to notice its end."""
    with suppress(OSError):
        place = str((entry / "cwd").readlink()).encode()
        return (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes() + place
    return b""
