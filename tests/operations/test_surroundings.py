"""`make` says nothing when it alone is interrupted; whoever it started must notice."""

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

WATCHER = """
import time
from clicksend_portal.run.surroundings import Surroundings
surroundings = Surroundings()
print("gone" if surroundings.gone() else "here", flush=True)
deadline = time.monotonic() + 10
while not surroundings.gone() and time.monotonic() < deadline:
    time.sleep(0.05)
print("gone" if surroundings.gone() else "not noticed", flush=True)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")
@pytest.mark.skipif(not shutil.which("make"), reason="needs make")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_an_interrupted_make_is_noticed(number: signal.Signals, tmp_path: Path) -> None:
    script = tmp_path / "watcher.py"
    script.write_text(WATCHER)
    (tmp_path / "Makefile").write_text(f"run:\n\t@{sys.executable} {script}\n")
    # Whoever began us may have had these ignored (`nohup`, a job in the background), and so make.
    command = ["env", "--default-signal=HUP,INT"]
    command += ["make", "--directory", str(tmp_path), "--no-print-directory"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as make:
        assert make.stdout is not None
        assert make.stdout.readline() == "here\n"
        time.sleep(0.2)
        make.send_signal(number)
        assert make.stdout.readline() == "gone\n"
