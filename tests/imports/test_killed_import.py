"""Killed at any line, an import leaves whole batches; run again, it goes on."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.conf import settings

from accounts.models import User
from consent.imports import importing
from consent.imports.writing import write_batch
from consent.models import ConsentDetail, Preference
from tests.imports.files import record, run_import, write_file

COMMAND = (sys.executable, str(Path(settings.BASE_DIR) / "manage.py"), "import_customers")


def halves_agree() -> bool:
    preferences = Preference.objects.values_list("person_id", "topic_id", "version", "state")
    details = ConsentDetail.objects.values_list("person_id", "topic_id", "version", "state")
    return sorted(preferences) == sorted(details)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_killed_in_the_middle_a_second_run_completes_it(tmp_path: Path) -> None:
    total = 5_000
    path = write_file(tmp_path / "a.csv", *(record(number) for number in range(total)))
    process = subprocess.Popen([*COMMAND, str(path)], env={**os.environ})
    while process.poll() is None and not User.objects.exists():
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    left = User.objects.count()
    assert 0 < left < total
    assert left % importing.BATCH == 0
    assert halves_agree()

    again = subprocess.run([*COMMAND, str(path)], env={**os.environ}, check=False)
    assert again.returncode == 0
    assert User.objects.count() == total
    assert Preference.objects.count() == 2 * total
    assert halves_agree()
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.django_db(transaction=True)
def test_a_batch_that_fails_leaves_nothing_of_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH", 2)
    calls = 0

    def fail_after_writing_the_second(*args: object, **kwargs: object) -> object:
        nonlocal calls
        calls += 1
        written = write_batch(*args, **kwargs)  # type: ignore[arg-type]
        if calls == 2:
            raise ConnectionError
        return written

    monkeypatch.setattr(importing, "write_batch", fail_after_writing_the_second)
    path = write_file(tmp_path / "a.csv", *(record(number) for number in range(6)))
    with pytest.raises(ConnectionError):
        run_import(path)
    assert User.objects.count() == 2
    assert halves_agree()
    monkeypatch.undo()
    summary, _ = run_import(path)
    assert (summary.new, summary.known) == (4, 2)
    assert halves_agree()
