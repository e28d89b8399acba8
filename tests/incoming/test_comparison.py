"""The provider's list beside ours, both ways, over real HTTP."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from clicksend_portal.addresses import parse_mail
from clicksend_portal.beat import SCHEDULE
from clicksend_portal.celery import app as celery
from consent import services as consent
from consent.models import ConsentDetail, Source, State, Suppression
from consent.suppression import is_suppressed, suppress
from foundation.roles import KEEPER, as_role
from messaging import tasks
from messaging.models import SuppressionComparison
from messaging.providers.comparing import compare
from tests.factories import NOW, make_customer, topic
from tests.incoming.provider import running

pytestmark = pytest.mark.django_db
Reason = Suppression.Reason
YESTERDAY = NOW - timedelta(days=1)

# Where each keeps its bounces, complaints and unsubscribes, and what a row looks like there.
PLACES = {
    "postmark": {
        "bounce": ("outbound", ("HardBounce",)),
        "complaint": ("outbound", ("SpamComplaint",)),
        "unsubscribe": ("outbound", ("ManualSuppression",)),
    },
    "sendgrid": {
        "bounce": ("suppression/bounces", ()),
        "complaint": ("suppression/spam_reports", ()),
        "unsubscribe": ("suppression/unsubscribes", ()),
    },
    "mailgun": {
        "bounce": ("bounces", ()),
        "complaint": ("complaints", ()),
        "unsubscribe": ("unsubscribes", ()),
    },
}
ADDED: dict[str, list[tuple[str, ...]]] = {
    "postmark": [("news", "{}")],
    "sendgrid": [("asm/groups/77/suppressions", "{}")],
    "mailgun": [("unsubscribes", "{}", "optional")],
}


def use(settings, kind, base, *, optional=True):
    settings.MAIL_TRANSPORT = parse_mail(f"anymail+{kind}://KEY")
    known = dict(settings.MAIL_TRANSPORT.esp_settings) | {f"{kind.upper()}_API_URL": base}
    if optional:
        known |= {"POSTMARK_OPTIONAL_STREAM": "news", "SENDGRID_OPTIONAL_GROUP": "77"}
    settings.ANYMAIL = known


@pytest.fixture(params=["postmark", "sendgrid", "mailgun"])
def kind(request):
    return request.param


@pytest.fixture
def provider(settings, kind):
    with running(kind) as made:
        use(settings, kind, made.base)
        yield made


def listed(provider, kind, because, address, at=YESTERDAY):
    place, more = PLACES[kind][because]
    provider.lists.setdefault(place, []).append((address, at, *more))


def customer(**fields):
    return make_customer(yes=("newsletter",), now=NOW - timedelta(days=3), **fields)


def state(person):
    return consent.current_preferences(person.pk)[topic().pk].state


@pytest.mark.parametrize(
    ("because", "reason"),
    [
        ("bounce", Reason.HARD_BOUNCE),
        ("complaint", Reason.COMPLAINT),
        ("unsubscribe", Reason.PROVIDER),
    ],
)
def test_what_the_provider_has_and_we_lack_is_suppressed_here(provider, kind, because, reason):
    listed(provider, kind, because, "Stranger@Example.test")
    row = compare(now=NOW)
    assert is_suppressed("stranger@example.test", reasons=(reason,))
    assert (row.theirs, row.added_here, row.same, row.error) == (1, 1, 0, "")
    again = compare(now=NOW)
    assert (again.added_here, again.same) == (0, 1)


@pytest.mark.parametrize("because", ["complaint", "unsubscribe"])
def test_a_no_said_to_the_provider_is_a_no_of_the_customer(provider, kind, because):
    person = customer()
    listed(provider, kind, because, person.email)
    compare(now=NOW)
    assert state(person) == State.WITHDRAWN
    event = ConsentDetail.objects.of(person.pk).filter(source=Source.PROVIDER, topic_id=topic().pk)
    assert event.get().received_at == NOW


def test_a_bounce_is_no_no_of_the_customer(provider, kind):
    person = customer()
    listed(provider, kind, "bounce", person.email)
    compare(now=NOW)
    assert is_suppressed(person.email)
    assert state(person) == State.GRANTED


def test_a_bounce_from_before_the_last_confirmation_is_removed_there(provider, kind):
    person = customer()
    listed(provider, kind, "bounce", person.email, at=NOW - timedelta(days=5))
    row = compare(now=NOW)
    assert provider.removed == [(PLACES[kind]["bounce"][0], person.email)]
    assert not is_suppressed(person.email)
    assert (row.removed_there, row.added_here) == (1, 0)


def test_a_no_older_than_the_customers_own_yes_is_removed_there(provider, kind):
    person = customer()
    listed(provider, kind, "unsubscribe", person.email, at=NOW - timedelta(days=5))
    suppress(person.email, reason=Reason.PROVIDER, now=NOW - timedelta(days=5))
    compare(now=NOW)
    assert [address for _place, address in provider.removed] == [person.email]
    assert state(person) == State.GRANTED
    assert not is_suppressed(person.email)


@pytest.mark.parametrize("because", ["complaint", "unsubscribe"])
def test_a_yes_to_something_else_outweighs_no_no(provider, kind, because):
    person = customer()
    answers = {topic("tailoring").pk: True}
    consent.record_choices(person.pk, answers, source=Source.PREFERENCES, now=NOW)
    listed(provider, kind, because, person.email)
    row = compare(now=NOW)
    assert (row.removed_there, row.added_here, provider.removed) == (0, 1, [])
    assert state(person) == State.WITHDRAWN
    assert is_suppressed(person.email)


def test_a_yes_to_one_topic_leaves_the_no_to_the_others_in_force(provider, kind):
    person = customer()
    later, offers = YESTERDAY + timedelta(minutes=5), topic("special_offers")
    consent.record_choices(person.pk, {offers.pk: True}, source=Source.PREFERENCES, now=later)
    listed(provider, kind, "unsubscribe", person.email)
    row = compare(now=NOW)
    assert (row.removed_there, row.added_here, provider.removed) == (0, 1, [])
    assert state(person) == State.WITHDRAWN
    assert consent.current_preferences(person.pk)[offers.pk].state == State.GRANTED
    assert not is_suppressed(person.email)
    row = compare(now=NOW + timedelta(days=1))
    assert (row.removed_there, row.added_here) == (1, 0)


def test_an_older_suppression_does_not_hide_what_is_half_of_the_past(provider, kind):
    person = customer()
    suppress(person.email, reason=Reason.PROVIDER, now=YESTERDAY)
    later, offers = YESTERDAY + timedelta(minutes=5), topic("special_offers")
    consent.record_choices(person.pk, {offers.pk: True}, source=Source.PREFERENCES, now=later)
    listed(provider, kind, "unsubscribe", person.email)
    compare(now=NOW)
    assert state(person) == State.WITHDRAWN
    assert is_suppressed(person.email)
    compare(now=NOW + timedelta(days=1))
    assert not is_suppressed(person.email)


def test_a_complaint_the_provider_lacks_is_added_where_it_stops_optional_mail_only(provider, kind):
    person = customer()
    suppress(person.email, reason=Reason.COMPLAINT, now=YESTERDAY)
    row = compare(now=NOW)
    wanted = [tuple(part.format(person.email) for part in each) for each in ADDED[kind]]
    assert provider.added == wanted
    assert row.added_there == 1


def test_a_choice_of_topics_is_never_told_to_the_provider(provider, kind):
    person = customer()
    consent.record_opt_out(
        person.pk, consent.optional_topics(), source=Source.ONE_CLICK, now=YESTERDAY
    )
    suppress("gone@example.test", reason=Reason.ERASED, now=YESTERDAY)
    suppress("gone2@example.test", reason=Reason.COMPLAINT, now=YESTERDAY)
    suppress(person.email, reason=Reason.HARD_BOUNCE, now=YESTERDAY)
    compare(now=NOW)
    assert provider.added == []


@pytest.mark.parametrize("kind", ["postmark", "sendgrid"])
def test_without_a_place_for_optional_mail_nothing_is_added_there(settings, kind):
    person = customer()
    suppress(person.email, reason=Reason.COMPLAINT, now=YESTERDAY)
    with running(kind) as provider:
        use(settings, kind, provider.base, optional=False)
        row = compare(now=NOW)
    assert provider.added == []
    assert (row.added_there, row.not_added_there) == (0, 1)


def test_a_dry_run_says_what_differs_and_changes_nothing(provider, kind):
    person = customer()
    listed(provider, kind, "complaint", person.email)
    listed(provider, kind, "bounce", make_customer(now=NOW).email, at=YESTERDAY)
    suppress("kari@example.test", reason=Reason.COMPLAINT, now=YESTERDAY)
    customer(email="kari@example.test")
    out = StringIO()
    call_command("compare_suppressions", dry_run=True, stdout=out)
    assert "added here: 1" in out.getvalue()
    assert "removed there: 1" in out.getvalue()
    assert "added there: 1" in out.getvalue()
    assert (provider.added, provider.removed) == ([], [])
    assert not SuppressionComparison.objects.exists()
    assert state(person) == State.GRANTED


def test_the_report_names_no_address(provider, kind):
    person = customer()
    listed(provider, kind, "complaint", person.email)
    row = compare(now=NOW)
    assert [set(each) for each in row.differences] == [{"what", "why", "address"}]
    assert "@" not in str(vars(row))
    assert len(row.differences[0]["address"]) == 12


@pytest.mark.parametrize("status", [401, 404, 429, 500, 302])
def test_a_provider_that_refuses_leaves_a_row_and_nothing_else(provider, kind, status):
    person = customer()
    listed(provider, kind, "complaint", person.email)
    provider.broken = status
    row = compare(now=NOW)
    assert row.error == f"HTTP {status}"
    assert SuppressionComparison.objects.get().error
    assert state(person) == State.GRANTED
    provider.broken = 0
    assert compare(now=NOW + timedelta(days=1)).error == ""
    assert state(person) == State.WITHDRAWN


@pytest.mark.parametrize("garbage", [b"<html>", b"[1]", b"null", b'{"items": 3}', b'"x"'])
def test_an_answer_of_another_form_is_an_error_not_a_crash(provider, kind, garbage):
    provider.garbage = garbage
    assert compare(now=NOW).error or garbage == b"null"


def test_a_provider_that_cannot_be_reached_leaves_a_row(settings, kind):
    use(settings, kind, "http://127.0.0.1:9/nothing")
    assert compare(now=NOW).error.startswith("no answer")
    with pytest.raises(CommandError, match="no answer"):
        call_command("compare_suppressions", stdout=StringIO())


def test_every_page_is_read(provider, kind):
    for number in range(5):
        listed(provider, kind, "bounce", f"x{number}@example.test")
    assert compare(now=NOW).theirs == 5


def test_our_key_goes_to_the_provider_alone(settings):
    with running("mailgun") as provider, running("mailgun") as elsewhere:
        use(settings, "mailgun", provider.base)
        listed(provider, "mailgun", "bounce", "x@example.test")
        provider.next_host = elsewhere.base
        assert compare(now=NOW).error == "the next page is somewhere else"
        assert elsewhere.calls == []


def test_a_complaint_that_postmark_does_not_remove_is_shown_as_failed(settings):
    person = customer()
    with running("postmark") as provider:
        use(settings, "postmark", provider.base)
        listed(provider, "postmark", "complaint", person.email, at=NOW - timedelta(days=5))
        row = compare(now=NOW)
    assert (row.failed, row.removed_there) == (1, 0)
    assert state(person) == State.GRANTED


def test_what_is_gone_there_and_outweighed_here_no_longer_bars(provider, kind):
    rejoined, waiting = customer(), make_customer(now=NOW - timedelta(days=3))
    for person in (rejoined, waiting):
        suppress(person.email, reason=Reason.PROVIDER, now=NOW - timedelta(days=5))
    row = compare(now=NOW)
    assert (is_suppressed(rejoined.email), is_suppressed(waiting.email)) == (False, True)
    assert row.lifted_here == 1


def test_what_is_gone_there_is_lifted_for_mail_asked_for_since_and_nothing_else(provider, kind):
    tailored, both = customer(), customer()
    for person, slug in ((tailored, "tailoring"), (both, "special_offers")):
        suppress(person.email, reason=Reason.PROVIDER, now=YESTERDAY)
        answers = {topic(slug).pk: True}
        consent.record_choices(person.pk, answers, source=Source.PREFERENCES, now=NOW)
    compare(now=NOW)
    assert (is_suppressed(tailored.email), is_suppressed(both.email)) == (True, False)
    assert (state(tailored), state(both)) == (State.GRANTED, State.WITHDRAWN)


def test_without_a_provider_the_job_does_nothing_and_says_so():
    out = StringIO()
    call_command("compare_suppressions", stdout=out)
    assert "nothing to compare" in out.getvalue()
    assert not SuppressionComparison.objects.exists()


def test_a_provider_without_a_readable_list_is_none(settings):
    use(settings, "brevo", "http://127.0.0.1:9")
    assert compare(now=NOW) is None


def test_the_worker_that_does_it_has_the_rights(provider, kind):
    person = customer()
    listed(provider, kind, "complaint", person.email)
    listed(provider, kind, "bounce", "x@example.test")
    with as_role(KEEPER):
        row = compare(now=NOW)
    assert (row.error, row.failed, row.added_here) == ("", 0, 2)
    assert state(person) == State.WITHDRAWN


def test_the_nightly_task_is_not_the_mail_workers():
    task, _timing = SCHEDULE["compare_suppressions"]
    assert celery.amqp.router.route({}, task)["queue"].name == "default"
    assert tasks.compare_suppressions.name == task
    tasks.compare_suppressions()


def test_in_standstill_nothing_is_compared(provider, kind, monkeypatch):
    person = customer()
    listed(provider, kind, "bounce", person.email, at=NOW - timedelta(days=5))
    monkeypatch.setattr("foundation.standstill.why", lambda **kwargs: "restored")
    assert "stands still" in compare(now=NOW).error
    assert provider.calls == []


@pytest.mark.parametrize("kind", ["sendgrid", "mailgun"])
def test_a_full_mailbox_on_the_list_is_no_dead_address(provider, kind):
    place = PLACES[kind]["bounce"][0]
    provider.lists[place] = [
        ("full@example.test", YESTERDAY, "5.2.2"),
        ("gone@example.test", YESTERDAY, "5.1.1"),
    ]
    assert compare(now=NOW).added_here == 1
    assert is_suppressed("gone@example.test")
    assert not is_suppressed("full@example.test")
