"""What a report counts, and what it cannot."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from clicksend_portal.addresses import parse_mail
from consent import services as consent
from consent.models import Source
from consent.services import Shown
from foundation.ids import uuid7_from
from messaging import stopping
from messaging.admin.chart import HEIGHT, WIDTH, Chart
from messaging.models import Campaign, Mailing, Message, ProviderEvent
from messaging.report import COLUMNS, WIDTHS, Column, report
from tests.factories import NOW, make_announcement, make_campaign, make_customer, topic

pytestmark = pytest.mark.django_db


def sent_campaign(**fields: Any) -> Campaign:
    values: dict[str, Any] = {"state": "finished", "resolved_at": NOW, "resolved": True}
    return make_campaign(**(values | fields))


def put(mailing: Mailing, *, state: str = "sent", number: int = 1, **fields: Any) -> list[Message]:
    is_campaign = isinstance(mailing, Campaign)
    values = {
        "kind": "optional" if is_campaign else "service",
        "priority": 5,
        "purpose": "campaign",
        "mailing_id": mailing.pk,
        "topic_id": getattr(mailing, "topic_id", None),
        "language": "nb",
        "state": state,
        "not_before": NOW,
        "queued_at": NOW,
        "handed_at": NOW if state in ("sent", "in_doubt") else None,
    }
    moment = mailing.resolved_at or NOW
    rows = [
        Message(
            **(
                values
                | {"id": uuid7_from(moment, str(uuid.uuid4())), "person_id": uuid.uuid4()}
                | fields
            )
        )
        for _each in range(number)
    ]
    return list(Message.objects.bulk_create(rows))


def came_back(mailing: Mailing, message: Message, kind: str) -> None:
    ProviderEvent.objects.create(
        kind=kind,
        outcome="applied",
        message_id=message.pk,
        mailing_id=mailing.pk,
        happened_at=NOW,
        received_at=NOW,
    )


def test_every_message_is_counted_once_in_its_state() -> None:
    campaign = sent_campaign()
    put(campaign, number=5)
    put(campaign, state="withheld", reason="withdrawn", number=3)
    put(campaign, state="withheld", reason="suppressed", number=2)
    put(campaign, state="failed", reason="550 5.1.1 <kari@example.test> unknown")
    put(campaign, state="failed", reason="550-5.1.1 Nordmann has left")
    put(campaign, state="failed", reason="Kari is gone")
    put(campaign, state="in_doubt")
    put(campaign, state="queued", number=4)
    put(campaign, state="claimed")
    put(sent_campaign(), number=7)
    found = report(campaign)
    assert (found.total, found.sent, found.in_doubt, found.waiting) == (19, 5, 1, 5)
    assert found.withheld == {"withdrawn": 3, "suppressed": 2}
    assert found.failed == {"550 5.1.1": 1, "550-5.1.1": 1, "": 1}


def test_delivered_is_said_only_when_somebody_tells() -> None:
    campaign = sent_campaign()
    put(campaign, number=3)
    assert report(campaign).delivered is None
    put(campaign, number=2, delivered_at=NOW)
    assert report(campaign).delivered == 2


def test_a_provider_that_has_told_nothing_yet_told_of_none(settings: Any) -> None:
    settings.MAIL_TRANSPORT = parse_mail("anymail+postmark://KEY")
    campaign = sent_campaign()
    put(campaign, number=3)
    assert report(campaign).delivered == 0


def test_a_mail_that_came_back_twice_is_one() -> None:
    campaign, other = sent_campaign(), sent_campaign()
    first, second, third = put(campaign, number=3)
    came_back(campaign, first, "hard_bounce")
    came_back(campaign, first, "hard_bounce")
    came_back(campaign, second, "complaint")
    came_back(campaign, third, "soft_bounce")
    came_back(other, put(other)[0], "complaint")
    found = report(campaign)
    assert (found.bounced, found.complained) == (1, 1)


def test_the_report_counts_as_the_mailing_does_that_stops_itself() -> None:
    """What is unproven is not counted; what names no message is."""
    campaign = sent_campaign()
    [message] = put(campaign)
    event = {"mailing_id": campaign.pk, "happened_at": NOW, "received_at": NOW}
    ProviderEvent.objects.create(
        kind="hard_bounce", outcome="unknown", message_id=message.pk, **event
    )
    ProviderEvent.objects.create(kind="complaint", outcome="applied", **event)
    put(campaign, state="failed", reason="550 5.1.1 unknown")
    found = report(campaign)
    assert (found.bounced, found.complained) == stopping.came_back(campaign) == (1, 1)


def opt_out(person: User, campaign: Campaign, *slugs: str) -> None:
    consent.record_opt_out(
        person.pk,
        [topic(slug).pk for slug in slugs],
        source=Source.LINK,
        shown=Shown(mailing=campaign.number),
        now=timezone.now(),
    )


def test_those_who_opted_out_by_this_campaign_are_counted_as_people() -> None:
    campaign, other = sent_campaign(), sent_campaign()
    yes = ("newsletter", "product_news")
    one, both, elsewhere, back = (make_customer(yes=yes) for _each in range(4))
    opt_out(one, campaign, "newsletter")
    opt_out(both, campaign, *yes)
    opt_out(elsewhere, other, "newsletter")
    opt_out(back, campaign, "newsletter")
    assert report(campaign).opted_out == 3
    assert consent.undo_last(back.pk, topic().pk, source=Source.LINK, now=timezone.now())
    assert report(campaign).opted_out == 2
    assert report(other).opted_out == 1


def test_an_announcement_has_no_way_out_to_count() -> None:
    announcement = make_announcement(state="finished", resolved_at=NOW, resolved=True)
    put(announcement, number=2)
    found = report(announcement)
    assert (found.sent, found.opted_out) == (2, None)


def test_what_was_dropped_on_schedule_is_not_shown_as_nought() -> None:
    assert report(sent_campaign()).is_empty
    assert not report(make_campaign()).is_empty


# --- over time -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("span", "width"),
    [
        (timedelta(0), WIDTHS[0]),
        (WIDTHS[0] * COLUMNS, WIDTHS[0]),
        (WIDTHS[0] * COLUMNS + timedelta(seconds=1), WIDTHS[1]),
        (timedelta(hours=40), timedelta(hours=1)),
        (timedelta(days=900), WIDTHS[-1]),
    ],
)
def test_columns_are_as_narrow_as_they_can_be_read(span: timedelta, width: timedelta) -> None:
    campaign = sent_campaign()
    put(campaign, number=3)
    put(campaign, number=2, handed_at=NOW + span)
    found = report(campaign)
    assert found.width == width
    assert sum(column.number for column in found.over_time) == 5
    assert len(found.over_time) == (2 if span else 1)


def test_what_was_not_sent_stands_in_no_column() -> None:
    campaign = sent_campaign()
    put(campaign)
    put(campaign, state="in_doubt", number=4)
    assert [column.number for column in report(campaign).over_time] == [1]


def test_the_chart_draws_quiet_hours_as_a_gap_and_stays_in_its_box() -> None:
    hour = timedelta(hours=1)
    chart = Chart([Column(NOW, 10), Column(NOW + 3 * hour, 5)], hour)
    first, second = chart.path.strip("Mz").split("zM")
    assert first.startswith("0.0 0.0h")
    assert second.startswith(f"{WIDTH * 3 / 4:.1f} {HEIGHT / 2:.1f}h")
