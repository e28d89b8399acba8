"""Make the virtual environment and fill it from a hash-locked list; later runs see nothing to do.

Run as a script by whatever Python there is, before anything is installed: standard library only,
and no syntax that an older Python would choke on before it can say what it lacks.
"""

import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

WANTED = (3, 12)
NAMES = ("python3", "python3.14", "python3.13", "python3.12")
BASE = Path(__file__).resolve().parent.parent.parent
VENV = BASE / ".venv"
PYTHON = VENV / "bin" / "python"


class InstallError(Exception):
    """Why nothing can be installed, in one sentence."""


def main(name: str) -> None:
    requirements = BASE / name
    content = requirements.read_text()
    stamp = VENV / f"installed-{hashlib.sha256(content.encode()).hexdigest()[:16]}"
    if stamp.exists():
        return
    make_venv()
    install(requirements, total=len(re.findall(r"^[A-Za-z0-9]", content, re.MULTILINE)))
    remember_checkout()
    stamp.touch()


def make_venv() -> None:
    if PYTHON.exists() and succeeds(PYTHON, "-m", "pip", "--version"):
        return
    python = find_python()
    say("Making the virtual environment .venv")
    if not succeeds(python, "-m", "venv", "--clear", VENV):
        raise InstallError(
            "Python could not make a virtual environment; on Debian and Ubuntu, install the "
            "package python3-venv."
        )


def find_python() -> str:
    check = f"import sys; sys.exit(sys.version_info < {WANTED})"
    for name in NAMES:
        path = shutil.which(name)
        if path and succeeds(path, "-c", check):
            return path
    raise InstallError(
        f"The portal needs Python 3.12 or newer; none of {', '.join(NAMES)} is, and python3 is "
        f"{sys.version.split()[0]}."
    )


def install(requirements: Path, *, total: int) -> None:
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input", "install"]
    process = subprocess.Popen(
        [*pip, "--require-hashes", "-r", str(requirements)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        universal_newlines=True,
    )
    said = []
    seen = 0
    for line in process.stdout or ():
        said.append(line)
        if line.startswith(("Collecting ", "Requirement already satisfied: ")):
            seen += 1
            show(f"Fetching packages: {seen} of about {total}", milestone=seen % 20 == 0)
        elif line.startswith("Installing collected packages"):
            show(f"Installing {seen} packages", milestone=True)
    if sys.stdout.isatty():
        say("")
    if process.wait():
        reason = "".join(said[-12:]).strip()
        raise InstallError(f"The packages could not be installed:\n{reason}")


def remember_checkout() -> None:
    """A path file, so that tools find the portal's packages from any folder."""
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    folder = subprocess.check_output([str(PYTHON), "-c", where], universal_newlines=True)
    (Path(folder.strip()) / "clicksend-portal.pth").write_text(f"{BASE}\n")


def succeeds(*command: object) -> bool:
    parts = [str(part) for part in command]
    silent = subprocess.DEVNULL
    return subprocess.call(parts, stdout=silent, stderr=silent) == 0


def show(text: str, *, milestone: bool) -> None:
    """One line rewritten on a terminal; now and then a line of its own in a log."""
    if sys.stdout.isatty():
        sys.stdout.write(f"\r\033[K{text}")
        sys.stdout.flush()
    elif milestone:
        say(text)


def say(text: str) -> None:
    print(text)
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except InstallError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
