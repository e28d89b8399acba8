"""The life of a campaign and of an announcement, as staff lead it in admin."""

import base64
import hashlib
import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from messaging import services
from messaging.models import Campaign, Mailing, Message, ServiceAnnouncement
from tests.factories import NOW, make_announcement, make_campaign, make_customer, set_rights, topic
from tests.mailbox import Mailbox
from tests.staff.sign_in import sign_in

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
State = Mailing.State


def address(mailing: Mailing, page: str, *args: str) -> str:
    return reverse(f"admin:messaging_{mailing._meta.model_name}_{page}", args=[mailing.pk, *args])


def step(staff: Client, mailing: Any, name: str) -> str:
    """Press a button; the page one lands on."""
    read = {"read": services.version_of(type(mailing).objects.get(pk=mailing.pk))}
    response = staff.post(address(mailing, "step", name), read, follow=True)
    mailing.refresh_from_db()
    return unescape(response.content.decode())


def counts(html: str) -> dict[str, int]:
    found = re.findall(r"<dt>([^<]+)</dt>\s*<dd>(\d+)</dd>", html)
    return {words: int(number) for words, number in found}


def form_of(mailing: Mailing, **changes: str) -> dict[str, str]:
    names = [f"{part}_{code}" for part in ("subject", "preheader", "body") for code in ("nb", "en")]
    values = {name: str(getattr(mailing, name)) for name in names}
    values |= {"send_at_0": "", "send_at_1": "", "version": services.version_of(mailing)}
    if isinstance(mailing, Campaign):
        values["topic"] = str(mailing.topic_id)
    else:
        values["category"] = str(getattr(mailing, "category", ""))
    return values | changes


def work_queue() -> None:
    """What the mail worker does."""
    services.run_mailings(now=timezone.now())
    services.deliver_pending()
    services.run_mailings(now=timezone.now())


def test_a_campaign_from_first_word_to_last_mail(
    staff: Client, boss: User, mailbox: Mailbox
) -> None:
    reader = make_customer(yes=("newsletter",), language="en")
    make_customer(no=("newsletter",))
    draft = Campaign(topic=topic(), subject_nb="Vinter", subject_en="Winter")
    draft.body_nb, draft.body_en = "Snø.", "Snow."

    response = staff.post(
        reverse("admin:messaging_campaign_add"), form_of(draft, _continue="1"), follow=True
    )
    campaign = Campaign.objects.get()
    assert (campaign.state, campaign.author) == (State.DRAFT, boss)
    html = response.content.decode()
    assert "Would reach <b>1</b> customer now." in html
    assert "said no: <b>1</b>" in html

    step(staff, campaign, "test")
    assert set(Message.objects.values_list("kind", "to_address")) == {("account", boss.email)}

    step(staff, campaign, "approve")
    assert (campaign.state, campaign.approved_by) == (State.APPROVED, boss)

    step(staff, campaign, "start")
    assert campaign.state == State.SENDING
    work_queue()
    campaign.refresh_from_db()
    assert campaign.state == State.FINISHED
    [delivery] = mailbox.to(reader.email)
    assert delivery.message["Subject"] == "Winter"

    html = staff.get(address(campaign, "change")).content.decode()
    assert counts(html)["sent"] == 1
    assert "newsletter" not in html, "a topic is called by its name"


def test_nothing_leaves_before_approval(staff: Client) -> None:
    campaign = make_campaign()
    html = step(staff, campaign, "start")
    assert campaign.state == State.DRAFT
    assert "the mailing is in the state “draft”" in html


def test_any_edit_takes_the_approval_back(staff: Client) -> None:
    campaign = make_campaign()
    step(staff, campaign, "approve")
    response = staff.post(
        address(campaign, "change"), form_of(campaign, body_en="Something else."), follow=True
    )
    campaign.refresh_from_db()
    assert (campaign.state, campaign.approved_by) == (State.DRAFT, None)
    assert "approval no longer holds" in response.content.decode()


def test_saving_without_a_change_keeps_the_approval(staff: Client) -> None:
    campaign = make_campaign(body_nb="Snø.", body_en="Snow.")
    step(staff, campaign, "approve")
    staff.post(address(campaign, "change"), form_of(campaign))
    campaign.refresh_from_db()
    assert campaign.state == State.APPROVED


@pytest.mark.parametrize("state", [State.SENDING, State.PAUSED, State.CANCELLED, State.FINISHED])
def test_what_was_started_can_no_longer_be_edited_or_deleted(staff: Client, state: str) -> None:
    campaign = make_campaign(state=state)
    edit = staff.post(address(campaign, "change"), form_of(campaign, subject_en="Other"))
    assert edit.status_code == 403
    assert staff.post(address(campaign, "delete"), {"post": "yes"}).status_code == 403
    campaign.refresh_from_db()
    assert campaign.subject_en == "News in November"


def test_an_edit_that_loses_the_race_against_the_start_saves_nothing(staff: Client) -> None:
    """The form was opened and checked while the campaign was a draft; sending began meanwhile."""
    from messaging.admin.forms import MailingForm

    campaign = make_campaign()

    class Form(MailingForm):
        class Meta:
            model = Campaign
            fields = ("subject_en",)

    form = Form({"subject_en": "Too late"}, instance=Campaign.objects.get(pk=campaign.pk))
    Campaign.objects.filter(pk=campaign.pk).update(state=State.SENDING)
    assert not form.is_valid()
    assert "can no longer be changed" in str(form.errors)


def test_pause_resume_and_cancel(staff: Client, mailbox: Mailbox) -> None:
    make_customer(yes=("newsletter",))
    campaign = make_campaign(state=State.APPROVED)
    step(staff, campaign, "start")
    step(staff, campaign, "pause")
    assert campaign.state == State.PAUSED
    work_queue()
    assert mailbox.deliveries == []
    step(staff, campaign, "resume")
    assert campaign.state == State.SENDING
    services.run_mailings(now=timezone.now())
    html = step(staff, campaign, "cancel")
    assert campaign.state == State.CANCELLED
    work_queue()
    assert mailbox.deliveries == []
    assert "mailing cancelled: <b>1</b>" in html
    refused = step(staff, campaign, "resume")
    assert campaign.state == State.CANCELLED
    assert "the mailing is in the state “cancelled”" in refused


def test_steps_are_taken_by_post_only(staff: Client) -> None:
    campaign = make_campaign()
    for name in ("approve", "start", "pause", "resume", "cancel", "test"):
        assert staff.get(address(campaign, "step", name)).status_code == 405
    assert staff.post(address(campaign, "step", "delete")).status_code == 404
    campaign.refresh_from_db()
    assert campaign.state == State.DRAFT
    assert Message.objects.count() == 0


def test_looking_is_not_acting(boss: User) -> None:
    set_rights(boss, "view_campaign")
    client = sign_in(User.objects.get(pk=boss.pk), "password", "mfa")
    campaign = make_campaign()
    html = client.get(address(campaign, "change")).content.decode()
    assert "portal-steps" not in html
    assert client.post(address(campaign, "step", "approve")).status_code == 403
    set_rights(boss)
    client = sign_in(User.objects.get(pk=boss.pk), "password", "mfa")
    for page in ("preview", "preview_mail", "progress"):
        assert client.get(address(campaign, page)).status_code == 403


def test_a_campaign_with_a_time_says_when_it_goes_and_goes_by_itself(
    staff: Client, mailbox: Mailbox
) -> None:
    make_customer(yes=("newsletter",))
    campaign = make_campaign(state=State.APPROVED, send_at=timezone.now() + timedelta(hours=1))
    assert "by itself" in staff.get(address(campaign, "change")).content.decode()
    work_queue()
    assert mailbox.deliveries == []
    Campaign.objects.update(send_at=timezone.now())
    work_queue()
    assert len(mailbox.deliveries) == 1


def test_progress_is_watched_live_and_the_watching_ends_with_the_sending(staff: Client) -> None:
    campaign = make_campaign(state=State.SENDING, resolved_at=NOW)
    for state, reason in (
        ("sent", ""),
        ("withheld", "withdrawn"),
        ("in_doubt", ""),
        ("queued", ""),
    ):
        Message.objects.bulk_create([message_of(campaign, state, reason)])
    html = staff.get(address(campaign, "progress")).content.decode()
    assert 'hx-trigger="every 2s"' in html
    assert "<html" not in html
    for words, number in (
        ("sent", 1),
        ("waiting", 1),
        ("withheld", 1),
        ("in doubt", 1),
        ("failed", 0),
    ):
        assert counts(html)[words] == number
    assert "said no later: <b>1</b>" in html
    assert "Nobody knows whether it arrived" in html
    assert "htmx" in staff.get(address(campaign, "change")).content.decode()

    Campaign.objects.update(state=State.FINISHED)
    assert "hx-trigger" not in staff.get(address(campaign, "progress")).content.decode()


def message_of(campaign: Campaign, state: str, reason: str) -> Message:
    return Message(
        kind="optional",
        priority=5,
        purpose="campaign",
        mailing_id=campaign.pk,
        person_id=make_customer().pk,
        topic_id=campaign.topic_id,
        language="nb",
        state=state,
        reason=reason,
        not_before=timezone.now(),
        queued_at=timezone.now(),
    )


def test_an_announcement_says_that_it_reaches_everybody_and_how_many(
    staff: Client, mailbox: Mailbox
) -> None:
    reader = make_customer(no=("newsletter",))
    gone = make_customer(deactivated_at=NOW)
    announcement = make_announcement()
    html = staff.get(address(announcement, "change")).content.decode()
    assert "reaches every active customer, whatever they chose" in html
    assert "Would reach <b>1</b> customer now." in html
    assert "account deactivated: <b>1</b>" in html

    step(staff, announcement, "approve")
    step(staff, announcement, "start")
    work_queue()
    assert len(mailbox.to(reader.email)) == 1
    assert mailbox.to(gone.email) == []
    assert ServiceAnnouncement.objects.get().state == State.FINISHED


# --- preview ---------------------------------------------------------------------------------


def policy(response: Any) -> dict[str, list[str]]:
    parts = [part.split() for part in response["Content-Security-Policy"].split(";")]
    return {name: values for name, *values in parts}


def digest(style: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}'"


def test_the_mail_is_shown_under_a_policy_of_exactly_its_own_styles(staff: Client) -> None:
    campaign = make_campaign()
    response = staff.get(address(campaign, "preview_mail"))
    html = response.content.decode()
    attributes = {unescape(style) for style in re.findall(r'style="([^"]*)"', html)}
    elements = set(re.findall(r"<style[^>]*>(.*?)</style>", html, re.DOTALL))
    assert attributes
    assert elements
    rules = policy(response)
    expected = {digest(style) for style in attributes | elements}
    assert set(rules["style-src"]) == expected | {"'unsafe-hashes'"}
    assert "'unsafe-inline'" not in response["Content-Security-Policy"]
    assert rules["default-src"] == ["'none'"]
    assert rules["sandbox"] == []
    assert "script-src" not in rules


def test_the_page_around_the_mail_stays_strict_and_boxes_it_in(staff: Client) -> None:
    campaign = make_campaign()
    response = staff.get(address(campaign, "preview"))
    assert policy(response)["style-src"] == ["'self'"]
    html = response.content.decode()
    [frame] = re.findall(r"<iframe[^>]*>", html)
    assert " sandbox " in frame
    assert (
        unescape(frame).count(f"{address(campaign, 'preview_mail')}?language=nb&scheme=light") == 1
    )


def test_preview_shows_both_languages_both_schemes_and_the_text_part(staff: Client) -> None:
    campaign = make_campaign()
    mail = address(campaign, "preview_mail")
    assert "Blåbærsyltetøy" in staff.get(mail, {"language": "nb"}).content.decode()
    assert "Blueberry jam" in staff.get(mail, {"language": "en"}).content.decode()
    light = staff.get(mail, {"scheme": "light"}).content.decode()
    dark = staff.get(mail, {"scheme": "dark"}).content.decode()
    assert "@media not all" in light
    assert "@media all" in dark
    assert "prefers-color-scheme" not in light + dark
    page = address(campaign, "preview")
    text = staff.get(page, {"language": "en", "width": "text"}).content.decode()
    assert "a link (https://portal.example/new)" in text
    assert "<iframe" not in text
    assert "portal-mail phone" in staff.get(page, {"width": "phone"}).content.decode()
    assert "portal-mail desktop" in staff.get(page, {"width": "no-such"}).content.decode()
