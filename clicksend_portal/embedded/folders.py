"""Where the embedded services keep their data.

Run as root, PostgreSQL takes an unprivileged account, which must reach the data: so it lies below
`/var/lib`, never below root's own home, and no folder's rights are ever widened on the way.
"""

import hashlib
import os
import stat
import tempfile
from importlib.util import find_spec
from pathlib import Path

from clicksend_portal.environment import BASE_DIR

SOCKET_PATH_LIMIT = 100  # bytes; 107 on Linux, 103 on macOS


class ServiceError(Exception):
    """Why an embedded service cannot run, in one sentence for the operator."""


def default_folder() -> Path:
    """One folder for each checkout, so that two of them never share a database."""
    digest = hashlib.sha256(str(BASE_DIR).encode()).hexdigest()[:10]
    if os.geteuid() == 0:
        home = Path("/var/lib/clicksend-portal")
    else:
        data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
        home = Path(data) / "clicksend-portal"
    return home / f"{BASE_DIR.name}-{digest}"


def make_folder(folder: Path) -> Path:
    """The folder, writable for us and, when we are root, reachable for others."""
    root = os.geteuid() == 0
    if root and (closed := first_closed(folder)):
        raise ServiceError(
            f"{closed} is closed to the account PostgreSQL runs as when you are root; choose "
            f"another folder with DATA_DIR."
        )
    try:
        for part in (*reversed(folder.parents), folder):
            if not part.exists():
                part.mkdir(mode=0o711 if root else 0o700)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ServiceError(
            f"The data folder {folder} is not writable ({error.strerror}); choose another one with "
            f"DATA_DIR."
        ) from error
    return folder


def first_closed(path: Path) -> Path | None:
    """The first folder on the way that an unprivileged account may not pass."""
    for part in (*reversed(path.parents), path):
        if part.is_dir() and not part.stat().st_mode & stat.S_IXOTH:
            return part
    return None


def wheel_folder(name: str) -> Path:
    """Where a wheel's programs lie, without running its Python."""
    found = find_spec(name)
    if found is None or found.origin is None:
        raise ServiceError(f"The package {name} is not installed; `make run` does that.")
    return Path(found.origin).resolve().parent


def socket_folder(data: Path) -> Path:
    """Beside the data, or in a short private folder where the path would be too long."""
    beside = data / "socket"
    if len(str(beside / ".s.PGSQL.5432").encode()) <= SOCKET_PATH_LIMIT:
        return beside
    digest = hashlib.sha256(str(data).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"clicksend-{os.geteuid()}-{digest}"
