"""The processes of the portal, each with the database role it works under."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from clicksend_portal.environment import Environment

BIN = Path(sys.executable).parent
WORKER_HOST = "portal"


class Part(StrEnum):
    """How much is started: a restore needs the servers alone, then pages without any worker."""

    PORTAL = "portal"
    WEB = "web"
    SERVICES = "services"


@dataclass(frozen=True, slots=True)
class Program:
    name: str
    command: Sequence[str]
    role: str

    @property
    def is_worker(self) -> bool:
        return "worker" in self.command


def programs(env: Environment, *, catcher: bool, part: Part = Part.PORTAL) -> list[Program]:
    """In the order they start; they stop in the opposite one."""
    if part is not Part.PORTAL:
        return [web(env)] if part is Part.WEB else []
    local = [mail_catcher(env)] if catcher else []
    # Two, so that a password reset goes while a server keeps the other waiting; campaigns apart.
    mail = worker("mail", ["mail"], 2, "portal_sender")
    # Gathering an audience takes long, and a mailing that annoys must stop meanwhile.
    mailings = worker("mailings", ["mailings"], 1, "portal_sender")
    campaigns = worker("campaigns", ["campaigns"], 2, "portal_sender")
    webhooks = worker("webhooks", ["webhooks"], 1, "portal_app")
    # Customers' own content, as the role that serves them: it sees one tenant at a time.
    content = worker("content", ["content"], 1, "portal_app")
    # A long night of the keeper must not keep an opt-out from the journal.
    log = worker("log", ["log"], 1, "portal_keeper")
    workers = [mail, mailings, campaigns, webhooks, content, keeper(), log]
    return [*local, web(env), *workers, beat()]


def web(env: Environment) -> Program:
    command = [
        str(BIN / "granian"),
        "--interface=wsgi",
        "--host=127.0.0.1",
        f"--port={env.port}",
        "--workers=2",
        "--blocking-threads=4",
        "--no-ws",
        "--workers-kill-timeout=3",
        "--log-level=warning",
        "clicksend_portal.wsgi:application",
    ]
    return Program("web", command, "portal_app")


def keeper() -> Program:
    return worker("keeper", ["default", "retention"], 1, "portal_keeper")


def worker(name: str, queues: Sequence[str], processes: int, role: str) -> Program:
    command = [
        *celery("worker"),
        f"--queues={','.join(queues)}",
        f"--hostname={name}@{WORKER_HOST}",
        f"--concurrency={processes}",
        "--without-gossip",
        "--without-mingle",
    ]
    return Program(f"worker-{name}", command, role)


def beat() -> Program:
    return Program("beat", [*celery("beat"), "--pidfile="], "portal_app")


def celery(command: str) -> list[str]:
    return [str(BIN / "celery"), "--quiet", "--app=clicksend_portal", command, "--loglevel=INFO"]


def mail_catcher(env: Environment) -> Program:
    command = [
        str(BIN / "maildump"),
        "--foreground",
        "--no-quit",
        f"--smtp-port={env.smtp_port}",
        f"--http-port={env.mailbox_port}",
    ]
    return Program("mail-catcher", command, "portal_reader")
