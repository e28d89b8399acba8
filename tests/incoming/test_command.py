"""`manage.py receive_mail < message`: exit codes of sysexits.h, and no mail is ever lost."""

import io
import os

import pytest
from django.core.management import call_command
from django.db import OperationalError

from consent import services as consent
from consent.models import State
from messaging.models import ProviderEvent
from tests.factories import make_customer, topic
from tests.incoming import letters

pytestmark = pytest.mark.django_db


def pipe(raw, **options):
    """The exit code, and what was said."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("receive_mail", stdin=io.BytesIO(raw), stdout=out, stderr=err, **options)
    except SystemExit as stop:
        return stop.code, err.getvalue()
    return 0, out.getvalue()


def test_a_request_to_stop_is_accepted():
    person = make_customer(yes=("newsletter",))
    assert pipe(letters.gmail(letters.token_for(person))) == (0, "applied\n")
    assert consent.current_preferences(person.pk)[topic().pk].state == State.WITHDRAWN


def test_the_recipient_comes_from_the_mail_server(monkeypatch):
    person = make_customer(yes=("newsletter",))
    address = f"unsubscribe+{letters.token_for(person)}@portal.example"
    monkeypatch.setenv("ORIGINAL_RECIPIENT", address)
    assert pipe(letters.gmail("", subject="x")) == (0, "applied\n")


@pytest.mark.parametrize(
    "raw", [b"", b"\x00", b"not a mail", b"Subject: x\n\n", b"\xff" * 3_000_000]
)
def test_whatever_is_sent_is_accepted_and_kept(raw):
    assert pipe(raw) == (0, "unknown\n")
    assert ProviderEvent.objects.get().outcome == "unknown"


def test_without_the_database_the_mail_server_keeps_the_mail(monkeypatch):
    def fail(*args, **kwargs):
        raise OperationalError("no connection to 203.0.113.7")

    monkeypatch.setattr("messaging.incoming.events._receive", fail)
    assert pipe(b"Subject: x\n\n") == (
        os.EX_TEMPFAIL,
        "temporary failure: OperationalError\n",
    )


def test_a_second_try_after_a_failure_counts_once(monkeypatch):
    person = make_customer(yes=("newsletter",))
    mail = letters.gmail(letters.token_for(person))

    def fail(*args, **kwargs):
        raise OperationalError

    with monkeypatch.context() as broken:
        broken.setattr("messaging.incoming.events.record_opt_out", fail)
        assert pipe(mail)[0] == os.EX_TEMPFAIL
    assert not ProviderEvent.objects.exists()
    assert pipe(mail) == (0, "applied\n")
    assert pipe(mail) == (0, "applied\n")
    assert ProviderEvent.objects.count() == 1
