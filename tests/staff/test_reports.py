"""A mailing's report, as staff read it."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from messaging.models import Mailing
from tests.factories import NOW, make_announcement, make_campaign, make_customer
from tests.messaging.test_report import came_back, opt_out, put, sent_campaign

pytestmark = pytest.mark.django_db


def page(staff: Client, mailing: Mailing) -> str:
    name = f"admin:messaging_{mailing._meta.model_name}_report"
    return unescape(staff.get(reverse(name, args=[mailing.pk])).content.decode())


def rows(html: str) -> dict[str, str]:
    found = re.findall(r'<th scope="row">([^<]+)</th><td class="number">([^<]+)</td>', html)
    return dict(found)


def test_a_report_says_what_became_of_a_campaign_and_names_nobody(staff: Client) -> None:
    campaign = sent_campaign()
    reader = make_customer(yes=("newsletter",))
    first, *_rest = put(campaign, number=4, person_id=reader.pk, to_address=reader.email)
    put(campaign, state="withheld", reason="withdrawn", number=2)
    put(campaign, state="failed", reason=f"550 5.1.1 <{reader.email}> unknown")
    came_back(campaign, first, "complaint")
    opt_out(reader, campaign, "newsletter")
    put(campaign, handed_at=NOW + timedelta(minutes=5))
    html = page(staff, campaign)
    found = rows(html)
    assert (found["Sent"], found["Withheld"], found["Opted out"]) == ("5", "2", "1")
    assert (found["Delivered"], found["Complained"]) == ("–", "1")
    assert "said no later: <b>2</b>" in html
    assert "Who opened it or clicked is not known" in html
    assert "<title" in html
    assert "<desc" in html
    for private in (reader.email, str(reader.pk), reader.username):
        assert private not in html


def test_an_announcement_has_the_same_without_opting_out(staff: Client) -> None:
    announcement = make_announcement(state="finished", resolved_at=NOW, resolved=True)
    put(announcement, number=2)
    found = rows(page(staff, announcement))
    assert found["Sent"] == "2"
    assert "Opted out" not in found


def test_before_it_is_sent_there_is_nothing_to_report(staff: Client) -> None:
    draft = make_campaign()
    assert "Nothing has been sent yet" in page(staff, draft)
    change = staff.get(reverse("admin:messaging_campaign_change", args=[draft.pk]))
    assert "/report/" not in change.content.decode()


def test_a_sent_mailing_leads_to_its_report(staff: Client) -> None:
    sent = sent_campaign()
    change = staff.get(reverse("admin:messaging_campaign_change", args=[sent.pk]))
    assert reverse("admin:messaging_campaign_report", args=[sent.pk]) in change.content.decode()


def test_what_was_deleted_on_schedule_is_said(staff: Client) -> None:
    html = page(staff, sent_campaign())
    assert "deleted on schedule" in html
    assert "That means" not in html, "no noughts for what nobody can count any more"


def test_a_single_column_is_said_in_words(staff: Client) -> None:
    campaign = sent_campaign()
    put(campaign, number=3)
    html = page(staff, campaign)
    assert "All 3 emails were handed over within 1 second" in html
    assert "<svg viewBox" not in html


def test_the_footers_links_are_not_said_to_be_the_same_for_all(staff: Client) -> None:
    html = page(staff, sent_campaign())
    assert "no link says who followed it" not in html
    assert "but those by which they unsubscribe" in html
