"""Compile `.po` to `.mo` without gettext's tools, when the text is newer."""

import os
from pathlib import Path

import polib

from clicksend_portal.environment import BASE_DIR


def compile_translations(folder: Path = BASE_DIR / "locale") -> int:
    """How many catalogues were stale; each appears whole, for others may read it meanwhile."""
    stale = [source for source in folder.glob("**/LC_MESSAGES/*.po") if is_stale(source)]
    for source in stale:
        part = source.with_suffix(f".mo.{os.getpid()}")
        polib.pofile(str(source)).save_as_mofile(str(part))
        part.replace(source.with_suffix(".mo"))
    return len(stale)


def is_stale(source: Path) -> bool:
    compiled = source.with_suffix(".mo")
    return not compiled.exists() or compiled.stat().st_mtime_ns < source.stat().st_mtime_ns


if __name__ == "__main__":
    compile_translations()
