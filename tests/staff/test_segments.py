"""Segments in admin: counted while one chooses, refused when too small, left alone once used."""

import re
from datetime import date
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from messaging.models import Campaign, Mailing, Segment
from messaging.policy import MIN_SEGMENT
from tests.factories import make_campaign, set_rights
from tests.messaging.people import YES, make_people
from tests.staff.sign_in import sign_in

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
State = Mailing.State
ADD = reverse("admin:messaging_segment_add")
COUNT = reverse("admin:messaging_segment_count")


def change(segment: Segment, page: str = "change") -> str:
    return reverse(f"admin:messaging_segment_{page}", args=[segment.pk])


def form(**changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {"name": "Norway", "countries": ["NO"]}
    return values | {"since_from": "", "since_until": ""} | changes


def norway(**fields: Any) -> Segment:
    segment: Segment = Segment.objects.create(**({"name": "Norway", "countries": ["NO"]} | fields))
    return segment


def text(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", html))


def errors(html: str) -> list[str]:
    found = re.findall(r'<ul class="errorlist[^>]*>(.*?)</ul>', html, re.DOTALL)
    return [text(each) for each in found]


def test_a_segment_of_twenty_is_saved_and_says_about_how_many(staff: Client, boss: User) -> None:
    make_people(MIN_SEGMENT + 7, chose=YES, country="NO")
    response = staff.post(ADD, form(_continue="1", languages=["nb"]), follow=True)
    segment = Segment.objects.get()
    assert (segment.countries, segment.languages, segment.created_by) == (["NO"], ["nb"], boss)
    assert "Would reach about 20 of those who chose tailoring." in text(response.content.decode())


def test_one_of_nineteen_is_refused_with_what_to_do(staff: Client) -> None:
    make_people(MIN_SEGMENT - 1, chose=YES, country="NO")
    html = staff.post(ADD, form()).content.decode()
    assert not Segment.objects.exists()
    [told] = errors(html)
    assert "Fewer than 20 of those who chose tailoring" in told
    assert "Choose more countries or languages, or a longer time." in told


@pytest.mark.parametrize(
    ("wrong", "field", "words"),
    [
        ({"countries": []}, "countries", "Choose at least one country or language"),
        ({"countries": ["XX"]}, "countries", "XX"),
        (
            {"since_from": "2026-03-02", "since_until": "2026-03-01"},
            "since_until",
            "This day is before the first one",
        ),
        ({"since_from": "soon"}, "since_from", "valid date"),
        ({"name": ""}, "name", "required"),
    ],
)
def test_what_is_wrong_stands_at_its_field(
    staff: Client, wrong: dict[str, Any], field: str, words: str
) -> None:
    make_people(MIN_SEGMENT, chose=YES, country="NO")
    response = staff.post(ADD, form(**wrong))
    [told] = response.context["errors"]
    assert words in str(told)
    assert field in response.context["adminform"].form.errors
    assert not Segment.objects.exists()


def test_the_button_counts_without_javascript_and_keeps_nothing(staff: Client) -> None:
    make_people(45, chose=YES, country="NO")
    html = staff.post(ADD, form(_count="1", _save="1")).content.decode()
    assert "Would reach about 40 of" in text(html)
    assert errors(html) == []
    assert re.search(r'value="NO"[^>]*checked', html), "what was chosen stays chosen"
    assert not Segment.objects.exists()

    segment = norway(countries=["SE"])
    html = staff.post(change(segment), form(_count="1")).content.decode()
    assert "Would reach about 40 of" in text(html)
    segment.refresh_from_db()
    assert segment.countries == ["SE"]


def test_counting_needs_no_name_yet_and_too_few_are_never_told_exactly(staff: Client) -> None:
    make_people(7, chose=YES, country="NO")
    html = staff.post(COUNT, form(name="")).content.decode()
    assert text(html).strip() == "Would reach fewer than 20 of those who chose tailoring."
    assert "<html" not in html


def test_it_is_counted_live_as_one_chooses(staff: Client) -> None:
    html = staff.get(ADD).content.decode()
    assert f'hx-post="{COUNT}" hx-trigger="change from:closest form' in html
    assert "htmx" in html
    assert "Choose countries, languages or days" in html
    nothing = staff.post(COUNT, form(countries=[])).content.decode()
    assert "Choose countries, languages or days" in nothing
    assert staff.get(COUNT).status_code == 405


def test_days_reach_the_segment_as_they_were_chosen(staff: Client) -> None:
    make_people(MIN_SEGMENT, chose=YES, country="NO")
    staff.post(ADD, form(since_from="2020-01-01", since_until="2030-01-01"))
    segment = Segment.objects.get()
    assert (segment.since_from, segment.since_until) == (date(2020, 1, 1), date(2030, 1, 1))


@pytest.mark.parametrize("state", [State.APPROVED, State.SENDING, State.PAUSED])
def test_what_a_campaign_uses_can_be_read_but_neither_changed_nor_deleted(
    staff: Client, state: str
) -> None:
    make_people(MIN_SEGMENT, chose=YES, country="NO")
    segment = norway()
    make_campaign(segment=segment, state=state)
    html = staff.get(change(segment)).content.decode()
    assert "The campaign “News in November” uses this segment" in text(html)
    assert "Norway" in html
    assert 'name="_save"' not in html
    assert staff.post(change(segment), form(name="Other")).status_code == 403
    assert staff.post(change(segment, "delete"), {"post": "yes"}).status_code == 403
    Campaign.objects.update(state=State.FINISHED)
    staff.post(change(segment), form(name="Other"))
    segment.refresh_from_db()
    assert segment.name == "Other"


def test_an_edit_that_loses_the_race_against_the_approval_saves_nothing() -> None:
    """The form was opened while the campaign was a draft; it was approved meanwhile."""
    from messaging.admin.segments import SegmentForm

    make_people(MIN_SEGMENT, chose=YES, country="NO")
    segment = norway()
    opened = SegmentForm(form(name="Too late"), instance=Segment.objects.get(pk=segment.pk))
    make_campaign(segment=segment, state=State.APPROVED)
    assert not opened.is_valid()
    assert "uses this segment" in str(opened.errors) or "Ingenting" in str(opened.errors)


def test_one_that_a_campaign_once_used_is_not_deleted_but_an_unused_one_is(staff: Client) -> None:
    used, unused = norway(), norway(name="Sweden", countries=["SE"])
    make_campaign(segment=used, state=State.FINISHED)
    for segment in (used, unused):
        staff.post(change(segment, "delete"), {"post": "yes"})
    assert list(Segment.objects.all()) == [used]


def test_who_may_only_look_counts_nothing_and_changes_nothing(boss: User) -> None:
    set_rights(boss, "view_segment")
    client = sign_in(User.objects.get(pk=boss.pk), "password", "mfa")
    segment = norway()
    html = client.get(change(segment)).content.decode()
    assert "Norway" in html
    assert 'name="_count"' not in html
    assert client.post(COUNT, form()).status_code == 403
    assert client.post(change(segment), form(_count="1")).status_code == 403


def test_the_page_of_its_campaign_says_about_how_many_too(staff: Client) -> None:
    make_people(MIN_SEGMENT + 5, chose=YES, country="NO")
    make_people(3)
    campaign = make_campaign(segment=norway())
    address = reverse("admin:messaging_campaign_change", args=[campaign.pk])
    html = text(staff.get(address).content.decode())
    assert "Would reach about 20 customers now." in html
    assert "has not chosen tailoring: 3" in html
    Campaign.objects.update(segment=norway(name="Sweden", countries=["SE"]))
    assert "Would reach fewer than 20 customers now." in text(staff.get(address).content.decode())


def test_the_list_names_what_each_is_made_of(staff: Client) -> None:
    norway(languages=["en"], since_from=date(2025, 1, 1))
    html = text(staff.get(reverse("admin:messaging_segment_changelist")).content.decode())
    for words in ("Norway", "English", "2025"):
        assert words in html
