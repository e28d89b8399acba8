"""The customers of the file hear what they asked for: counted where the mails arrive."""

import csv
import io
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from django.core.management import call_command
from pytest_django.fixtures import Settings as SettingsWrapper

from accounts.models import User
from tests.imports.test_customers_file import BAD
from tests.journeys.office import Office, deliver
from tests.journeys.sink import running_sink

pytestmark = [pytest.mark.slow, pytest.mark.django_db]


def test_a_newsletter_reaches_exactly_the_active_customers_who_granted_it(
    customers_csv: Path, office: Office, settings: SettingsWrapper
) -> None:
    with pytest.raises(SystemExit):
        call_command("import_customers", str(customers_csv))
    assert User.objects.customers().count() == 4984
    rejected = customers_csv.with_name("customers.csv.rejected.csv").read_text("utf-8-sig")
    assert len(list(csv.DictReader(io.StringIO(rejected)))) == 16

    expected = who_asked_for_it(customers_csv)
    assert len(expected) > 1000
    office.write_newsletter("November")
    with running_sink() as sink:
        settings.MAIL_TRANSPORT = replace(settings.MAIL_TRANSPORT, host="127.0.0.1", port=sink.port)
        deliver()
    received = Counter(address for address, _subject in sink.received)
    assert set(received) == expected
    assert set(received.values()) == {1}
    assert {subject for _address, subject in sink.received} == {"November nb", "November en"}


def who_asked_for_it(path: Path) -> set[str]:
    """Read from the file itself, by nobody's rules but its own description."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for number, row in enumerate(csv.DictReader(file), 2) if number not in BAD]
    return {
        row["user_email"]
        for row in rows
        if row["active"] == "1" and row["topic_newsletter"] == "granted"
    }
