"""The customer reads what happened, by whom and how; staff read the same facts."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import translation

from consent import history, services
from consent.admin.history import staff_history
from consent.models import SHOW_WORDS, ConsentDetail, ServiceKey, Source, State
from consent.proof.vocabulary import event_entity
from consent.services import Shown
from tests.factories import NOW, make_customer, make_staff, topic

pytestmark = pytest.mark.django_db

DAY = datetime(2026, 3, 12, 9, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def english():
    with translation.override("en"):
        yield


def detail(**fields):
    values = {
        "topic_id": topic().pk,
        "state_before": "granted",
        "state": "withdrawn",
        "source": "one_click",
        "actor": "self",
        "wording_version": 1,
        "at": DAY,
    }
    return ConsentDetail(**(values | fields))


def told(**fields):
    return history.told(detail(**fields), "Newsletter")


def test_it_reads_as_the_issue_says() -> None:
    assert told() == "you stopped “Newsletter” with the button in your mail program."
    assert history.human_date(DAY) == "12 March 2026"


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"state": "granted", "state_before": ""}, "you said yes to “Newsletter” "),
        ({"state": "refused", "state_before": ""}, "you said no to “Newsletter” "),
        ({"state_before": "withdrawn"}, "you said no to “Newsletter” once more "),
        ({"state": "granted", "paused_until": DAY}, "you paused “Newsletter” until 12 March 2026 "),
        ({"state": "granted", "paused_until_before": DAY}, "you ended the pause of “Newsletter” "),
        ({"paused_until_before": DAY}, "you stopped “Newsletter” "),
        ({"state": "granted", "undone": True}, "you took back your last change of “Newsletter” "),
        (
            {"state": "granted", "undone": True, "paused_until": DAY},
            "you took back your last change of “Newsletter” ",
        ),
    ],
)
def test_each_act_has_its_sentence(fields, sentence) -> None:
    assert told(**fields).startswith(sentence)


@pytest.mark.parametrize("source", Source)
@pytest.mark.parametrize("language", ["nb", "en"])
def test_every_way_has_its_words_for_person_and_staff(source: Source, language: str) -> None:
    with translation.override(language):
        acts: list[dict[str, Any]] = [
            {"state": "granted", "state_before": ""},
            {"state": "refused", "state_before": ""},
            {},
            {"state_before": "withdrawn"},
            {"state": "granted", "paused_until": DAY},
            {"state": "granted", "paused_until_before": DAY},
            {"state": "granted", "undone": True},
        ]
        for act in acts:
            for words in (history.told, history.sentence):
                sentence = words(detail(source=source, **act), "Nyhetsbrev")
                assert "“Nyhetsbrev”" in sentence or "«Nyhetsbrev»" in sentence
                assert "%(" not in sentence
                assert sentence.endswith(".")


@pytest.mark.parametrize("source", Source)
def test_every_way_closes_the_line_below_a_choice(source: Source) -> None:
    person = make_customer(yes=("newsletter",))
    preference = services.current_preferences(person.pk)[topic().pk]
    preference.source = source
    assert history.since(preference).startswith("since ")


def test_what_somebody_else_recorded_is_not_said_in_the_persons_voice() -> None:
    for source, words in (
        (Source.STAFF, "“Newsletter” was stopped by our staff, as you asked."),
        (Source.PROVIDER, "“Newsletter” was stopped at our mail provider."),
        (Source.IMPORT, "“Newsletter” was stopped when your account was imported."),
        (
            Source.REPLAY,
            "“Newsletter” was stopped from our journal, after a backup was restored.",
        ),
    ):
        assert told(source=source) == words


def test_what_an_app_of_theirs_did_is_the_persons_own_act_and_no_system_of_ours() -> None:
    assert told(source=Source.APP) == "you stopped “Newsletter” with an app of yours."
    assert history.sentence(detail(source=Source.APP), "X") == "Stopped “X”, by an app of yours."
    assert event_entity({"source": Source.APP}) == "dpv:DataSubject"
    assert event_entity({"source": Source.API}) == "dpv:DataController"


def test_wording_language_and_reason_stand_below() -> None:
    for source in Source:
        read = history.shown(detail(source=source, language="nb", wording_version=2))
        shows = source in SHOW_WORDS
        assert read == ("You read wording 2 in Norwegian." if shows else "Wording 2 was in force.")
    assert history.shown(detail(source="link", wording_version=2)) == "Wording 2 was in force."
    assert history.shown(detail(wording_version=None)) == (
        "The words you read then are not known to us."
    )
    assert history.shown(detail(reason="called on Monday")).endswith("Reason: called on Monday")


def signed_in(person) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(person)
    return client


def test_the_page_shows_each_event_with_its_receipt_and_no_raw_key() -> None:
    person = make_customer(yes=("newsletter",), language="en")
    boss = make_staff()
    services.record_opt_out(
        person.pk,
        [topic().pk],
        source=Source.STAFF,
        actor=f"staff:{boss.pk}",
        now=NOW + timedelta(minutes=1),
        reason="called on Monday",
    )
    for address in ("/preferences/", "/data/"):
        html = signed_in(person).get(address).content.decode()
        assert "by our staff, as you asked." in html
        assert "Reason: called on Monday" in html
        for event in ConsentDetail.objects.of(person.pk):
            assert f"/preferences/receipt/{event.pk}/" in html
        assert str(boss.pk) not in html
        assert "staff:" not in html
        assert boss.username not in html


def test_staff_read_the_same_facts_and_who() -> None:
    person = make_customer()
    services.record_choices(
        person.pk,
        {topic().pk: True},
        source=Source.SIGNUP,
        now=NOW,
        shown=Shown(language="nb"),
    )
    (line,) = staff_history(person.pk)
    assert "Yes to “Newsletter”, at sign-up." in line
    assert "By the customer; wording 1; read in Norwegian Bokmål" in line


@pytest.mark.parametrize(
    ("actor", "words"),
    [
        ("import", "By the portal itself"),
        (f"key:{uuid.UUID(int=7)}", "By the system “a former one”"),
        (f"staff:{uuid.UUID(int=7)}", "By a former member on our staff"),
    ],
)
def test_staff_read_names_and_no_raw_key(actor: str, words: str) -> None:
    person = make_customer(yes=("newsletter",))
    later = NOW + timedelta(minutes=1)
    services.record_opt_out(
        person.pk, [topic().pk], source=Source.API, actor=actor, now=later, reason="asked"
    )
    line = staff_history(person.pk)[0]
    assert words in line
    assert actor not in line


def test_staff_read_which_system_recorded_it() -> None:
    key = ServiceKey.objects.create(name="CRM", digest=b"\x01" * 32)
    person = make_customer(yes=("newsletter",))
    later = NOW + timedelta(minutes=1)
    services.record_opt_out(
        person.pk, [topic().pk], source=Source.API, actor=f"key:{key.pk}", now=later
    )
    assert "By the system “CRM”" in staff_history(person.pk)[0]


def test_a_long_history_shows_the_newest_twenty_and_leads_to_all() -> None:
    person = make_customer(language="en")
    for number in range(21):
        answers = {topic().pk: number % 2 == 0}
        services.record_choices(
            person.pk, answers, source=Source.PREFERENCES, now=NOW + timedelta(minutes=number)
        )
        if number == 19:
            html = signed_in(person).get("/preferences/").content.decode()
            assert html.count("/preferences/receipt/") == 20
            assert "/data/#history" not in html
    html = signed_in(person).get("/preferences/").content.decode()
    assert html.count("/preferences/receipt/") == 20
    assert "/data/#history" in html
    everything = signed_in(person).get("/data/").content.decode()
    assert everything.count("/preferences/receipt/") == 21
    oldest = ConsentDetail.objects.of(person.pk).order_by("version").first()
    assert str(oldest.pk) not in html
    assert str(oldest.pk) in everything


def test_a_page_for_everyone_tells_what_is_checked_in_the_readers_language() -> None:
    english = Client(headers={"accept-language": "en"}).get("/trust/verify/")
    assert english.status_code == 200
    html = english.content.decode()
    assert "Is this receipt genuine?" in html
    assert "<noscript>" in html
    assert 'data-keys="/trust/log/keys.json"' in html
    script = Client().get("/trust/verify/verify_receipt.py")
    assert b"def root_from" in script.content


def test_every_state_has_a_sentence() -> None:
    assert {history.what(detail(state=state)) for state in State} <= history.YOU.keys()
