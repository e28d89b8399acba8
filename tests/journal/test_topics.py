"""After a restore: retired topics, numbers of lost ones, and mailings that were under way."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command

from consent.models import Topic
from consent.topic_services import Words, add_topic, retire_topic
from messaging import services as messaging
from messaging.models import Campaign, Mailing
from retention.journal import replay
from retention.journal.audit import first_difference
from retention.journal.guard import Reason, check
from retention.journal.keeping import keep_log
from retention.journal.store import Journal
from tests.factories import NOW, make_announcement, make_campaign, make_customer, make_staff, topic
from tests.journal.life import Killed, entries_of, forgotten, no

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("keeper")]
WORDS = Words(
    name_nb="Kurs", name_en="Courses", description_nb="Om kurs.", description_en="On courses."
)


def run() -> str:
    said = StringIO()
    call_command("replay_journal", stdout=said)
    return said.getvalue()


def is_live(slug: str = "newsletter") -> bool:
    return Topic.objects.get(slug=slug).retired_at is None


def test_topics_are_written_down_when_they_change_and_only_then(journal: Journal) -> None:
    keep_log(NOW)
    keep_log(NOW)
    (first,) = entries_of(journal, "topics")
    highest = max(Topic.objects.values_list("number", flat=True))
    assert (first["highest"], first["retired"]) == (highest, [])
    retire_topic(topic().pk, now=NOW)
    added = add_topic(WORDS, now=NOW)
    keep_log(NOW)
    keep_log(NOW)
    _, second = entries_of(journal, "topics")
    assert (second["highest"], second["retired"]) == (added.number, [1])
    assert check() == first_difference(NOW) == ""


def test_a_topic_retired_after_the_backup_is_retired_again(journal: Journal) -> None:
    keep_log(NOW)
    with forgotten():
        retire_topic(topic().pk, now=NOW)
        keep_log(NOW)
    assert is_live()
    assert check().startswith(Reason.RESTORED)
    assert "1  topics retired again" in run()
    assert not is_live()
    assert is_live("special_offers")
    assert check() == ""
    keep_log(NOW)
    assert len(entries_of(journal, "topics")) == 2


def test_the_number_of_a_lost_topic_is_not_given_again(journal: Journal) -> None:
    keep_log(NOW)
    with forgotten():
        lost = add_topic(WORDS, now=NOW).number
        keep_log(NOW)
    assert check().startswith(Reason.RESTORED)
    run()
    assert check() == ""
    assert Topic.objects.get(number=lost).retired_at is not None
    assert add_topic(WORDS, now=NOW).number == lost + 1


def due() -> Campaign:
    made = make_campaign(subject_en="Due", send_at=NOW)
    messaging.approve(made, actor=make_staff(), now=NOW)
    return made


def sending(made: Mailing) -> Mailing:
    messaging.approve(made, actor=make_staff(), now=NOW)
    messaging.start(made, actor=None, now=NOW)
    return made


def test_what_was_being_sent_is_paused_and_named(journal: Journal) -> None:
    later = make_campaign(subject_en="Later", send_at=NOW + timedelta(days=9))
    messaging.approve(later, actor=make_staff(), now=NOW)
    mailings = [due(), sending(make_campaign()), sending(make_announcement())]
    person = make_customer(yes=("newsletter",))
    keep_log(NOW)
    with forgotten():
        no(person)
        keep_log(NOW)
    said = run()
    for mailing in mailings:
        mailing.refresh_from_db()
        assert mailing.state == "paused"
        assert f"Paused, for it was sent in part: {mailing.subject_en}" in said
    assert "3  mailings paused" in said
    later.refresh_from_db()
    assert later.state == "approved"
    for mailing in mailings:
        messaging.resume(mailing, actor=make_staff(), now=NOW)
    messaging.run_mailings(now=NOW)


def test_without_a_restore_nothing_is_paused(journal: Journal) -> None:
    mailing = sending(make_campaign())
    keep_log(NOW)
    run()
    mailing.refresh_from_db()
    assert mailing.state == "sending"


def test_a_replay_killed_after_its_first_step_has_paused_what_was_being_sent(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailing = sending(make_campaign())
    keep_log(NOW)
    with forgotten():
        no(make_customer(yes=("newsletter",)))
        keep_log(NOW)

    def die(*_arguments: object) -> None:
        raise Killed

    monkeypatch.setattr(replay, "move_mark", die)
    with pytest.raises(Killed):
        run()
    mailing.refresh_from_db()
    assert mailing.state == "paused"
