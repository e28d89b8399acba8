"""Whether the portal answers: asked of the processes themselves, not of their start."""

import http.client
import socket
from collections.abc import Callable
from urllib.parse import urlsplit

from celery import Celery

from clicksend_portal.environment import Environment
from clicksend_portal.run.processes import WORKER_HOST, Program

HOST = "127.0.0.1"


def probe(program: Program, env: Environment) -> Callable[[], bool]:
    """A question whose yes means that this process does its work."""
    if program.name == "web":
        return lambda: serves_pages(env)
    if program.name == "mail-catcher":
        return lambda: listens(env.smtp_port) and listens(env.mailbox_port)
    if program.is_worker:
        name = f"{program.name.removeprefix('worker-')}@{WORKER_HOST}"
        return lambda: worker_answers(env, name)
    return lambda: True


def serves_pages(env: Environment) -> bool:
    connection = http.client.HTTPConnection(HOST, env.port, timeout=5)
    try:
        connection.request("GET", "/healthz", headers={"Host": urlsplit(env.portal_url).netloc})
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def worker_answers(env: Environment, name: str) -> bool:
    with Celery(broker=env.broker_url, set_as_current=False) as app:
        try:
            return bool(app.control.ping(destination=[name], timeout=0.5, limit=1))
        except app.connection_for_read().connection_errors:
            return False


def listens(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True


def is_free(port: int) -> bool:
    with socket.socket() as candidate:
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind((HOST, port))
        except OSError:
            return False
    return True
