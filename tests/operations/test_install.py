"""What `make` needs before anything is installed, said in one sentence when it is missing."""

from pathlib import Path

import pytest

from clicksend_portal.run import install


def test_an_old_python_is_named_with_what_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "WANTED", (99, 0))
    with pytest.raises(install.InstallError, match=r"^The portal needs Python 3\.12 or newer; "):
        install.find_python()


def test_a_python_that_is_new_enough_is_found() -> None:
    assert Path(install.find_python()).exists()


def test_what_is_installed_is_not_installed_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Only a changed list brings pip into play."""
    made: list[Path] = []
    monkeypatch.setattr(install, "BASE", tmp_path)
    monkeypatch.setattr(install, "VENV", tmp_path)
    monkeypatch.setattr(install, "make_venv", lambda: None)
    monkeypatch.setattr(install, "remember_checkout", lambda: None)
    monkeypatch.setattr(
        install, "install", lambda requirements, *, total: made.append(requirements)
    )
    requirements = tmp_path / "requirements.txt"
    for content in ("django==6.0\n", "django==6.0\n", "django==6.0.1\n"):
        requirements.write_text(content)
        install.main("requirements.txt")
    assert made == [requirements, requirements]
