"""Writing a mailing in admin: help, live preview, checklist, and when it goes."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from messaging import link_checks, services
from messaging.admin.mailings import MailingAdmin
from messaging.images import address_of, markdown_of
from messaging.link_checks import Found, LinkState
from messaging.models import Campaign, Mailing, Message, ServiceAnnouncement
from messaging.policy import BODY_LENGTH
from messaging.rendering.blocks import EXAMPLES
from tests.factories import (
    make_announcement,
    make_campaign,
    make_picture,
    make_staff,
    set_rights,
    topic,
)
from tests.staff.sign_in import sign_in
from tests.staff.test_mailings import address, form_of, policy, step

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
State = Mailing.State


def page(staff: Client, mailing: Mailing) -> str:
    return unescape(staff.get(address(mailing, "change")).content.decode())


def save(staff: Client, mailing: Mailing, **changes: str) -> str:
    response = staff.post(
        address(mailing, "change"), form_of(mailing, _continue="1", **changes), follow=True
    )
    mailing.refresh_from_db()
    return unescape(response.content.decode())


# --- two writers ---------------------------------------------------------------------------------


def test_who_saves_later_from_an_older_page_overwrites_nobody(staff: Client, boss: User) -> None:
    campaign = make_campaign(author=boss)
    older = form_of(campaign) | {"body_en": "English by B.", "_continue": "1"}
    save(staff, campaign, body_nb="Norsk av A.")
    response = staff.post(address(campaign, "change"), older)
    html = unescape(response.content.decode())
    campaign.refresh_from_db()
    assert campaign.body_nb == "Norsk av A."
    assert "Nothing was saved" in html
    assert boss.get_full_name() in html
    assert "English by B." in html, "what was typed is still there"
    [differing] = re.findall(r"differs from that in: (.+?)\. Take over", html)
    labels = [Campaign._meta.get_field(name).verbose_name for name in ("body_nb", "body_en")]
    assert differing.casefold() == ", ".join(map(str, labels)).casefold()
    assert "Norsk av A.</pre>" in html
    # What is approved is what is saved, and that is not what was read here.
    [read] = re.findall(r'name="read" value="([^"]*)"', html)
    assert read == older["version"] != services.version_of(campaign)

    [version] = re.findall(r'name="version" value="([^"]*)"', html)
    staff.post(address(campaign, "change"), older | {"version": version, "body_nb": "Norsk av A."})
    campaign.refresh_from_db()
    assert (campaign.body_nb, campaign.body_en) == ("Norsk av A.", "English by B.")


def test_an_older_page_that_says_the_same_saves_without_a_word(staff: Client) -> None:
    campaign = make_campaign()
    same = form_of(campaign) | {"body_nb": "Norsk."}
    save(staff, campaign, body_nb="Norsk.")
    assert staff.post(address(campaign, "change"), same).status_code == 302


def test_a_text_has_an_end(staff: Client) -> None:
    campaign = make_campaign()
    assert "Shorten it" in save(staff, campaign, body_nb="x" * (BODY_LENGTH + 1))
    assert "Shorten it" not in save(staff, campaign, body_nb="x" * BODY_LENGTH)


@pytest.mark.parametrize("make", [make_campaign, make_announcement])
def test_what_is_approved_is_what_was_read(staff: Client, make: Any) -> None:
    mailing = make(author=make_staff())
    approve = address(mailing, "step", "approve")
    [read] = re.findall(r'name="read" value="([^"]*)"', page(staff, mailing))
    services.edited(mailing, actor=make_staff(), now=timezone.now())
    for values in ({}, {"read": read}, {"read": "2026"}):
        staff.post(approve, values)
        mailing.refresh_from_db()
        assert mailing.state == State.DRAFT
    [read] = re.findall(r'name="read" value="([^"]*)"', page(staff, mailing))
    staff.post(approve, {"read": read})
    mailing.refresh_from_db()
    assert mailing.state == State.APPROVED


def test_an_edit_between_the_page_and_the_lock_is_seen(staff: Client) -> None:
    """The row loaded by the view is fresh; what was read is not."""
    campaign = make_campaign()
    read = services.version_of(campaign)
    services.edited(campaign, actor=make_staff(), now=timezone.now())
    fresh = Campaign.objects.get()
    with pytest.raises(services.WrongState, match="changed since you read it"):
        services.approve(fresh, actor=make_staff(), now=timezone.now(), read=read)


# --- the texts -------------------------------------------------------------------------------


def test_the_help_shows_every_block_with_an_example(staff: Client) -> None:
    html = page(staff, make_campaign())
    for example in EXAMPLES:
        assert f"<code>{example.markdown}</code>" in html
        assert f'data-insert="{example.markdown}"' in html
    assert reverse("admin:messaging_mailimage_changelist") in html


def test_each_text_says_its_language_to_the_browser(staff: Client) -> None:
    html = page(staff, make_campaign())
    assert re.search(r'<textarea name="body_nb"[^>]* lang="nb"', html)
    assert re.search(r'<textarea name="body_en"[^>]* lang="en"', html)


@pytest.mark.parametrize("name", ["subject_nb", "preheader_en", "body_en"])
def test_an_unknown_personal_field_is_an_error_while_writing(staff: Client, name: str) -> None:
    campaign = make_campaign()
    text = "Hi {name}" if name != "body_en" else "One\n\nTwo {first_name|you}\nThree {name}"
    html = save(staff, campaign, **{name: text})
    line = 4 if name == "body_en" else 1
    assert f"Line {line}: there is no personal field {{name}}" in html
    assert "{name}" not in getattr(campaign, name)


def test_a_draft_may_wait_for_its_other_language_and_is_not_approved(staff: Client) -> None:
    campaign = make_campaign()
    html = save(staff, campaign, subject_en="", body_en="")
    assert campaign.body_en == ""
    assert "2 things must be mended" in html
    assert "The text is missing." in html
    assert "cannot be approved yet" in step(staff, campaign, "approve")
    assert campaign.state == State.DRAFT
    save(staff, campaign, subject_en="Here", body_en="It is.")
    step(staff, campaign, "approve")
    assert campaign.state == State.APPROVED


def test_a_mailing_has_a_subject_in_one_language_at_least(staff: Client) -> None:
    campaign = make_campaign()
    assert "in one language at least" in save(staff, campaign, subject_nb="", subject_en=" ")
    assert campaign.subject_nb


def test_an_edit_says_whose_it_was(staff: Client, boss: User) -> None:
    campaign = make_campaign()
    save(staff, campaign, body_en="Something else.")
    assert campaign.edited_by == boss
    assert campaign.edited_at is not None


# --- when ------------------------------------------------------------------------------------


def test_the_time_is_written_and_shown_by_the_portals_clock(staff: Client, boss: User) -> None:
    """Also by somebody whose account is at home elsewhere."""
    User.objects.filter(pk=boss.pk).update(timezone="Australia/Sydney")
    campaign = make_campaign()
    html = save(staff, campaign, send_at_0="2027-01-15", send_at_1="09:00")
    assert campaign.send_at == datetime(2027, 1, 15, 8, tzinfo=UTC)
    assert "In the portal's time, Europe/Oslo" in html
    assert 'value="2027-01-15"' in html
    assert 'value="09:00:00"' in html
    step(staff, campaign, "approve")
    save(staff, campaign, send_at_0="2027-01-15", send_at_1="09:00")
    assert campaign.state == State.APPROVED, "nothing was changed"


def test_the_panel_says_by_whose_clock_it_goes(staff: Client) -> None:
    moment = timezone.now() + timedelta(days=3)
    campaign = make_campaign(state=State.APPROVED, send_at=moment)
    assert "(Europe/Oslo), to all at once" in page(staff, campaign)
    zoned = make_campaign(state=State.APPROVED, send_at=moment, in_customers_zone=True)
    assert "by each customer's own clock" in page(staff, zoned)


def test_each_customers_hour_needs_an_hour(staff: Client) -> None:
    campaign = make_campaign()
    assert "Say at which hour" in save(staff, campaign, in_customers_zone="on")
    assert not campaign.in_customers_zone
    moment = {"send_at_0": "2027-01-15", "send_at_1": "09:00"}
    save(staff, campaign, in_customers_zone="on", **moment)
    assert campaign.in_customers_zone


def test_a_mailing_that_stopped_itself_says_why(staff: Client) -> None:
    campaign = make_campaign(state=State.PAUSED, stop_reason="complaints")
    assert "Paused by itself: too many readers reported it as unwanted." in page(staff, campaign)


# --- the preview of what is not saved --------------------------------------------------------


def draft(staff: Client, kind: str = "campaign", **values: str) -> Any:
    texts = {"subject_nb": "Hei", "subject_en": "Hi", "body_nb": "Norsk.", "body_en": "English."}
    if kind == "campaign":
        texts["topic"] = str(topic().pk)
    return staff.post(reverse(f"admin:messaging_{kind}_draft"), texts | values)


def test_the_preview_shows_the_texts_of_the_form_and_saves_nothing(staff: Client) -> None:
    answer = draft(staff, body_en='## Not *saved*\n\n[Go](https://clicksend.com "button")')
    assert "Norsk." in answer.content.decode()
    answer = draft(staff, body_en="## Not *saved*", look_language="en")
    html = answer.content.decode()
    assert "saved</em>" in html
    assert "Norsk." not in html
    assert not Campaign.objects.exists()
    assert not Message.objects.exists()


def test_the_preview_has_the_strict_policy_of_a_mail(staff: Client) -> None:
    rules = policy(draft(staff))
    assert rules["default-src"] == ["'none'"]
    assert rules["sandbox"] == []
    assert "'unsafe-inline'" not in rules["style-src"]
    assert "script-src" not in rules


def test_the_preview_never_runs_what_is_written(staff: Client) -> None:
    html = draft(staff, body_nb="<script>alert(1)</script><img src=x onerror=alert(1)>")
    assert "<script" not in html.content.decode()
    assert "<img src=x" not in html.content.decode()


@pytest.mark.parametrize(("scheme", "media"), [("light", "not all"), ("dark", "all")])
@pytest.mark.parametrize("width", ["phone", "desktop", "text"])
def test_the_preview_has_every_look(staff: Client, scheme: str, media: str, width: str) -> None:
    html = draft(staff, look_scheme=scheme, look_width=width).content.decode()
    assert f"@media {media}" in html
    assert ("<table" in html) is (width != "text")
    assert "Norsk." in html


def test_the_text_part_is_shown_as_text(staff: Client) -> None:
    html = draft(staff, body_nb="<b>ikke fet</b> & [her](https://clicksend.com)", look_width="text")
    assert "&lt;b&gt;ikke fet&lt;/b&gt; &amp;" in html.content.decode()
    assert "https://clicksend.com" in html.content.decode()


def test_the_preview_shows_uploaded_pictures(staff: Client) -> None:
    image = make_picture()
    answer = draft(staff, body_nb=markdown_of(image))
    assert address_of(image) in answer.content.decode()
    assert "'self'" in policy(answer)["img-src"]


def test_without_a_topic_the_preview_says_what_is_missing(staff: Client) -> None:
    for asked in ("", "nonsense", str(topic("tailoring").pk)):
        assert "Choose a topic first" in draft(staff, topic=asked).content.decode()
    assert "Norsk." in draft(staff, "serviceannouncement").content.decode()


def test_the_preview_is_for_those_who_write(boss: User) -> None:
    for codename, status in (
        ("view_campaign", 403),
        ("add_campaign", 200),
        ("change_campaign", 200),
    ):
        set_rights(boss, codename)
        client = sign_in(User.objects.get(pk=boss.pk), "password", "mfa")
        assert draft(client).status_code == status, codename
    assert draft(Client()).status_code == 302


def test_the_preview_is_posted_from_the_form_itself(staff: Client) -> None:
    assert staff.get(reverse("admin:messaging_campaign_draft")).status_code == 405
    for html in (
        page(staff, make_campaign()),
        staff.get(reverse("admin:messaging_campaign_add")).content.decode(),
    ):
        [button] = re.findall(r'<button[^>]*id="show-draft"[^>]*>', html)
        assert f'formaction="{reverse("admin:messaging_campaign_draft")}"' in button
        assert 'formtarget="draft-frame"' in button
        [frame] = re.findall(r'<iframe[^>]*name="draft-frame"[^>]*>', html)
        assert " sandbox " in frame
        # Return in a field saves; it must not stop at the preview.
        assert html.index('id="save-by-return"') < html.index('id="show-draft"')


def test_what_can_no_longer_be_written_has_no_form_to_preview(staff: Client) -> None:
    html = page(staff, make_campaign(state=State.FINISHED))
    assert 'id="show-draft"' not in html
    assert "portal-toolbar" not in html


# --- the checklist ---------------------------------------------------------------------------


def test_the_checklist_leads_to_the_field_and_the_passage(staff: Client) -> None:
    body = "Words and [a link](http://clicksend.com/)."
    html = page(staff, make_campaign(body_en=body))
    start = body.index("http:")
    assert f'<a href="#id_body_en" data-start="{start}" data-end="{start + 21}">' in html
    assert "1 thing must be mended" in html
    assert "</span> Mend</span>" in html
    assert "</span> In order</span>" in html


def test_a_mailing_past_its_draft_has_no_checklist(staff: Client) -> None:
    assert 'id="checklist"' not in page(staff, make_campaign(state=State.APPROVED))


def test_the_links_are_tried_when_somebody_asks(
    staff: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []

    def find_dead(link: str) -> LinkState:
        tried.append(link)
        return LinkState(Found.DEAD, "404")

    monkeypatch.setattr(link_checks, "try_link", find_dead)
    campaign = make_campaign(body_en="[a](https://clicksend.com/a)", body_nb="Hei")
    assert "has not been tried" in page(staff, campaign)
    assert staff.get(address(campaign, "links")).status_code == 405
    assert tried == []
    html = unescape(staff.post(address(campaign, "links"), follow=True).content.decode())
    assert tried == ["https://clicksend.com/a"]
    assert "leads nowhere (404)" in html
    assert "leads nowhere" in step(staff, campaign, "approve")
    assert campaign.state == State.DRAFT


def test_a_press_tries_forty_links_and_says_what_is_left(
    staff: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []

    def find_alive(link: str) -> LinkState:
        tried.append(link)
        return LinkState(Found.ALIVE)

    monkeypatch.setattr(link_checks, "try_link", find_alive)
    links = " ".join(f"[a](https://clicksend.com/{number})" for number in range(43))
    campaign = make_campaign(body_en=links, body_nb="Hei")
    html = unescape(staff.post(address(campaign, "links"), follow=True).content.decode())
    assert len(tried) == 40
    assert "3 links are left" in html
    html = unescape(staff.post(address(campaign, "links"), follow=True).content.decode())
    assert len(set(tried)) == 43
    assert "left: press" not in html


def test_approving_is_no_main_button_while_something_stops_it(staff: Client) -> None:
    def button(mailing: Mailing) -> str:
        [weight] = re.findall(r'class="button (\w+)" id="step-approve"', page(staff, mailing))
        return str(weight)

    for make in (make_campaign, make_announcement):
        assert button(make()) == "main"
        assert button(make(body_nb="")) == "plain"


def test_beside_topic_and_segment_stand_no_icons(staff: Client) -> None:
    assert "related-widget-wrapper" not in page(staff, make_campaign())


def test_the_preview_stands_between_the_texts_and_the_time(staff: Client) -> None:
    html = page(staff, make_campaign())
    assert html.index('name="body_en"') < html.index("portal-draft") < html.index("send_at_0")


def test_who_only_looks_tries_no_links(boss: User) -> None:
    set_rights(boss, "view_campaign")
    client = sign_in(User.objects.get(pk=boss.pk), "password", "mfa")
    campaign = make_campaign()
    assert client.post(address(campaign, "links")).status_code == 403
    assert 'id="try-links"' not in page(client, campaign)


# --- what a kind of mailing adds -------------------------------------------------------------


def test_a_kind_of_mailing_adds_to_the_panel_by_a_hook(
    staff: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MailingAdmin, "extra_panel_template", "partials/htmx.html")
    monkeypatch.setattr(MailingAdmin, "extra_panel", lambda *_all: {"every": "7s"})
    html = page(staff, make_campaign())
    assert "htmx-config" in html


def test_an_announcement_has_checklist_preview_and_help_too(staff: Client) -> None:
    html = page(staff, make_announcement())
    for part in ('id="checklist"', 'id="show-draft"', "portal-blocks"):
        assert part in html
    assert ServiceAnnouncement.objects.count() == 1
