"""`make run` starts everything, says so, and leaves nothing behind, however it ends."""

import contextlib
import os
import signal
import smtplib
import socket
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from clicksend_portal import environment
from clicksend_portal.embedded.folders import ServiceError, socket_folder
from clicksend_portal.run import report
from clicksend_portal.run.lock import RunLock
from clicksend_portal.run.portal import Plan
from clicksend_portal.run.processes import Part, programs
from tests.operations.portal_process import PortalProcess

# Half of it on a quiet machine; tests run beside.
GONE = 20.0

linux = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")


@pytest.fixture(scope="module")
def scratch() -> Iterator[Path]:
    """Reachable for the account PostgreSQL runs as when the tests run as root."""
    with tempfile.TemporaryDirectory(prefix="portal-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder


@pytest.fixture(scope="module")
def portal(scratch: Path) -> Iterator[PortalProcess]:
    portal = PortalProcess(scratch)
    yield portal
    portal.end()


def test_a_taken_port_is_named_in_one_sentence(scratch: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        said = PortalProcess(scratch / "taken", port=taken).refusal()
    assert said.strip() == f"Port {taken} is taken; choose another one with PORT=…."


def test_a_data_folder_that_cannot_be_written_is_named_in_one_sentence(scratch: Path) -> None:
    (scratch / "file").touch()
    said = PortalProcess(scratch / "file").refusal()
    assert said.count("\n") == 1
    assert f"The data folder {scratch}/file/data is not writable" in said


def test_a_malformed_setting_is_named(scratch: Path) -> None:
    portal = PortalProcess(scratch / "malformed", port=0)
    assert portal.refusal().startswith("PORT is malformed: expected ")


def test_web_and_the_servers_start_without_workers_and_beat() -> None:
    whole, web, servers = (
        [each.name for each in programs(environment.read(), catcher=True, part=part)]
        for part in (Part.PORTAL, Part.WEB, Part.SERVICES)
    )
    assert {"mail-catcher", "web", "worker-keeper", "beat"} < set(whole)
    assert (web, servers) == (["web"], [])


def test_the_servers_alone_need_no_port(scratch: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        given = {"DATA_DIR": str(scratch / "alone"), "PORT": str(server.getsockname()[1])}
        Plan.made(given, Part.SERVICES).require_free_ports()
        with pytest.raises(ServiceError, match="is taken"):
            Plan.made(given, Part.WEB).require_free_ports()


def test_servers_of_ones_own_are_not_started(scratch: Path) -> None:
    own = {"DATABASE_URL": "postgresql://portal@db/portal", "BROKER_URL": "redis://valkey:6379/0"}
    given = {"DATA_DIR": str(scratch / "own")}
    with pytest.raises(ServiceError, match=r"^There is nothing to start: "):
        Plan.made(given | own, Part.SERVICES)
    for each in own:
        half = {name: text for name, text in own.items() if name != each}
        Plan.made(given | half, Part.SERVICES)
    Plan.made(given | own, Part.WEB)


def test_what_runs_already_is_named(tmp_path: Path) -> None:
    for running, said in (
        ("http://localhost:8100", "The portal runs already, on http://localhost:8100"),
        (None, "PostgreSQL and Valkey run already, without the portal"),
    ):
        first, second = RunLock(tmp_path), RunLock(tmp_path)
        with closing(first.file), closing(second.file):
            first.take(portal_url=running)
            with pytest.raises(ServiceError) as refused:
                second.take(portal_url="http://localhost:8000")
        assert str(refused.value) == f"{said} (process {os.getpid()})."


def test_servers_alone_have_no_page_and_say_where_their_data_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    env = environment.read()
    facts = report.facts(env, {}, data=tmp_path / "data", catcher=True, part=Part.SERVICES)
    assert (facts["web"], facts["mailbox"], facts["smtp"]) == (None, None, None)
    report.publish(tmp_path, facts, Part.SERVICES)
    said = capsys.readouterr().out
    assert f"  Data           {tmp_path}/data\n" in said
    assert said.endswith("\nServices ready\n")
    assert "Portal" not in said


def test_a_long_data_folder_gets_a_short_socket(tmp_path: Path) -> None:
    long = tmp_path / ("long" * 30)
    assert long not in socket_folder(long).parents
    assert socket_folder(tmp_path) == tmp_path / "socket" or len(str(tmp_path)) > 80


@linux
@pytest.mark.slow
def test_the_portal_serves_and_ends_with_sigterm(portal: PortalProcess) -> None:
    process = portal.start_until_ready()
    facts = portal.facts()

    record = portal.folder / "run" / "portal.json"
    assert stat.S_IMODE(record.stat().st_mode) == 0o600
    web = urlsplit(facts["web"])
    with closing(HTTPConnection("127.0.0.1", web.port or 0, timeout=10)) as connection:
        connection.request("GET", "/login/", headers={"Host": web.netloc})
        assert connection.getresponse().status == 200
    with smtplib.SMTP("127.0.0.1", urlsplit(facts["smtp"]).port or 0) as smtp:
        assert smtp.noop()[0] == 250
    with psycopg.connect(facts["database_url"]) as database:
        assert database.execute("SELECT current_user").fetchone() == ("portal_owner",)
        assert database.execute("SHOW fsync").fetchone() == ("on",)
        assert database.execute("SHOW synchronous_commit").fetchone() == ("on",)
    assert set(facts["customer"]) == {"username", "password"}
    assert set(facts["staff"]) == {"username", "password", "totp_secret"}
    assert facts["data"] == str(portal.folder / "data")

    again = PortalProcess(portal.folder).refusal()
    assert again.startswith(f"The portal runs already, on {facts['web']} (process {process.pid}).")

    process.terminate()
    assert portal.wait_until_gone(seconds=GONE) == set()
    assert not record.exists()
    assert process.wait() == 0


@linux
@pytest.mark.slow
def test_a_dead_worker_is_replaced_and_a_killed_supervisor_leaves_nothing(
    portal: PortalProcess,
) -> None:
    process = portal.start_until_ready()
    os.kill(worker_of(portal, process.pid), signal.SIGKILL)
    assert any("worker-mail ended (signal 9)" in line for line in process.stdout or ())
    process.kill()
    assert portal.wait_until_gone(seconds=GONE) == set()


@linux
@pytest.mark.slow
def test_what_was_committed_survives_a_kill_of_everything(portal: PortalProcess) -> None:
    portal.start_until_ready()
    with psycopg.connect(portal.facts()["database_url"]) as database:
        database.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    portal.end()

    process = portal.start_until_ready()
    with psycopg.connect(portal.facts()["database_url"]) as database:
        assert database.execute("SELECT answer FROM kept").fetchone() == (42,)
        database.execute("DROP TABLE kept")
    os.killpg(process.pid, signal.SIGHUP)
    assert portal.wait_until_gone(seconds=GONE) == set()


def worker_of(portal: PortalProcess, supervisor: int) -> int:
    """The mail worker's main process; those it forked have another parent."""
    for pid in portal.processes():
        entry = Path(f"/proc/{pid}")
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == supervisor and b"--hostname=mail@" in (entry / "cmdline").read_bytes():
                return pid
    raise AssertionError("no mail worker")
