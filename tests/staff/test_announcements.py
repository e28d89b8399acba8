"""The page of a service announcement: what its second reader sees, and what nobody may press."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from messaging import announcing, services
from messaging.models import Mailing, ServiceAnnouncement
from tests.factories import make_announcement, make_customer, make_staff
from tests.staff.sign_in import SECRET, sign_in

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
State = Mailing.State
NAME = "admin:messaging_serviceannouncement"


def address(announcement: ServiceAnnouncement, page: str, *arguments: str) -> str:
    return reverse(f"{NAME}_{page}", args=[announcement.pk, *arguments])


def page(client: Client, announcement: ServiceAnnouncement) -> str:
    return unescape(client.get(address(announcement, "change")).content.decode())


def press(
    client: Client, announcement: ServiceAnnouncement, name: str, *step: str, **values: str
) -> str:
    """As from the page as it stands; `read=` names what was read otherwise."""
    read = services.version_of(ServiceAnnouncement.objects.get(pk=announcement.pk))
    response = client.post(
        address(announcement, name, *step), {"read": read, **values}, follow=True
    )
    announcement.refresh_from_db()
    return unescape(response.content.decode())


def colleague(*permissions: str) -> tuple[User, Client]:
    """Staff with these permissions on announcements and no others, signed in with both factors."""
    person = make_staff(rights=["view_serviceannouncement", *permissions], language="en")
    TOTP.activate(person, SECRET)
    return person, sign_in(User.objects.get(pk=person.pk), "password", "mfa")


@pytest.fixture
def other() -> tuple[User, Client]:
    person = make_staff(language="en", first_name="Ola", last_name="Dunk")
    TOTP.activate(person, SECRET)
    return person, sign_in(person, "password", "mfa")


def form_of(announcement: ServiceAnnouncement, **changes: str) -> dict[str, str]:
    names = [f"{part}_{code}" for part in ("subject", "preheader", "body") for code in ("nb", "en")]
    values = {name: str(getattr(announcement, name)) for name in names}
    values |= {"send_at_0": "", "send_at_1": "", "category": announcement.category}
    values["version"] = services.version_of(announcement)
    return values | ({"is_standing": "on"} if announcement.is_standing else {}) | changes


def standing(**fields: Any) -> ServiceAnnouncement:
    text = make_announcement(author=make_staff(), is_standing=True, category="incident", **fields)
    services.approve(text, actor=make_staff(), now=timezone.now())
    return text


# --- the second pair of eyes ---------------------------------------------------------------------


def test_the_author_sees_why_not_and_no_button(staff: Client, boss: User) -> None:
    announcement = make_announcement(author=boss)
    html = page(staff, announcement)
    assert "You wrote this: somebody else must read and approve it." in html
    assert 'id="step-approve"' not in html
    html = press(staff, announcement, "step", "approve")
    assert announcement.state == State.DRAFT
    assert "somebody else must read" in html


def test_another_reads_approves_and_then_it_can_be_sent(
    staff: Client, boss: User, other: tuple[User, Client]
) -> None:
    person, client = other
    announcement = make_announcement(author=boss)
    html = page(client, announcement)
    assert 'id="step-approve"' in html
    press(client, announcement, "step", "approve", read="")
    assert (announcement.state, announcement.approved_by) == (State.APPROVED, person)
    assert "Ola Dunk" in page(staff, announcement)
    press(staff, announcement, "step", "start")
    assert announcement.state == State.SENDING


def test_whoever_changes_it_becomes_a_writer_and_takes_the_approval_back(
    staff: Client, other: tuple[User, Client]
) -> None:
    person, client = other
    announcement = make_announcement(author=make_staff())
    press(client, announcement, "step", "approve")
    response = client.post(
        address(announcement, "change"),
        form_of(announcement, body_en="The service is down until 04:00."),
        follow=True,
    )
    announcement.refresh_from_db()
    assert "approval no longer holds" in response.content.decode()
    assert (announcement.state, announcement.edited_by) == (State.DRAFT, person)
    press(client, announcement, "step", "approve")
    assert announcement.state == State.DRAFT
    press(staff, announcement, "step", "approve")
    assert announcement.state == State.APPROVED


def test_what_changed_while_it_was_read_is_not_approved(
    boss: User, other: tuple[User, Client]
) -> None:
    announcement = make_announcement(author=boss)
    html = page(other[1], announcement)
    assert 'name="read" value=""' in html
    services.edited(announcement, actor=boss, now=timezone.now())
    html = press(other[1], announcement, "step", "approve", read="")
    assert announcement.state == State.DRAFT
    assert "has changed since you read it" in html
    assert announcement.edited_at is not None
    assert f'value="{announcement.edited_at.isoformat()}"' in html
    press(other[1], announcement, "step", "approve", read=announcement.edited_at.isoformat())
    assert announcement.state == State.APPROVED


def test_who_may_write_may_not_for_that_approve() -> None:
    _person, client = colleague("change_serviceannouncement")
    announcement = make_announcement(author=make_staff())
    html = page(client, announcement)
    assert "You may not approve service announcements" in html
    assert 'id="step-test"' in html
    press(client, announcement, "step", "approve")
    assert announcement.state == State.DRAFT


def test_who_may_approve_need_not_be_able_to_write() -> None:
    person, client = colleague("approve_serviceannouncement")
    announcement = make_announcement(author=make_staff())
    html = page(client, announcement)
    assert 'id="step-approve"' in html
    assert 'id="step-test"' not in html
    press(client, announcement, "step", "approve", read="")
    assert (announcement.state, announcement.approved_by) == (State.APPROVED, person)
    for step in ("start", "cancel", "test"):
        assert client.post(address(announcement, "step", step)).status_code == 403
    edit = client.post(address(announcement, "change"), form_of(announcement, body_en="Other"))
    assert edit.status_code == 403


def test_looking_alone_is_no_acting() -> None:
    _person, client = colleague()
    announcement = make_announcement()
    assert 'id="step-' not in page(client, announcement)
    assert client.post(address(announcement, "step", "approve")).status_code == 403


# --- what is in it, and how many -----------------------------------------------------------------


def test_the_passages_are_marked_in_their_language_with_the_reason(
    staff: Client, other: tuple[User, Client]
) -> None:
    announcement = make_announcement(
        author=make_staff(),
        body_nb="Vi flytter <b>i natt</b>.\n\nKjøp nå, og få 20 % rabatt & mer.\n\nHilsen oss",
        body_en="We move tonight. See https://portal.example/?utm_source=mail today.",
    )
    html = staff.get(address(announcement, "change")).content.decode()
    assert (
        '<p class="portal-marked" lang="nb"><mark>Kjøp nå</mark>, og <mark>få 20 % rabatt</mark> '
        "&amp; mer.</p>" in html
    )
    assert "<mark>https://portal.example/?utm_source=mail</mark> today." in html
    assert "It asks the reader to buy or order." in html
    assert "it tracks" in html
    assert '<p class="portal-marked" lang="nb">Hilsen' not in html
    assert 'id="step-approve"' not in html
    assert "3 things must be mended before it can be approved." in html
    html = press(other[1], announcement, "step", "approve")
    assert announcement.state == State.DRAFT
    assert "This is advertising, or watches who reads" in html


def test_the_checklist_leads_to_the_very_words_of_a_text_a_browser_sent(staff: Client) -> None:
    body = "Line one.\r\nLine two.\r\n\r\nBuy now please.\r\n"
    html = page(staff, make_announcement(author=make_staff(), body_en=body))
    [(start, end)] = re.findall(r'href="#id_body_en" data-start="(\d+)" data-end="(\d+)"', html)
    assert body.replace("\r\n", "\n")[int(start) : int(end)].casefold() == "buy now"
    assert "<mark>Buy now</mark> please." in html


def test_a_text_cannot_smuggle_markup_into_the_page(staff: Client) -> None:
    announcement = make_announcement(body_en="Buy now <script>alert(1)</script> & buy <i>more</i>")
    html = staff.get(address(announcement, "change")).content.decode()
    assert "<script>alert" not in html
    assert "<mark>Buy now</mark> &lt;script&gt;" in html


def test_how_many_it_would_be_this_month_is_seen_before_approving(
    other: tuple[User, Client],
) -> None:
    announcement = make_announcement(author=make_staff())
    assert "it would be number 1 this month, of at most 2" in page(other[1], announcement)
    for _ in range(2):
        make_announcement(state=State.SENDING, resolved_at=timezone.now() - timedelta(seconds=1))
    html = page(other[1], announcement)
    assert "it would be number 3 this month, of at most 2" in html
    assert "It would break the promise" in html


def test_without_a_sender_of_their_own_the_page_says_so(
    other: tuple[User, Client], settings: Any
) -> None:
    settings.SERVICE_FROM = settings.NEWS_FROM
    html = page(other[1], make_announcement(author=make_staff()))
    assert "no sender address of their own" in html
    assert 'id="step-approve"' not in html


# --- on call -------------------------------------------------------------------------------------


def test_a_standing_text_is_about_an_incident_and_has_no_time(staff: Client) -> None:
    announcement = make_announcement()
    values = form_of(announcement, is_standing="on", send_at_0="2030-01-01", send_at_1="12:00")
    html = staff.post(address(announcement, "change"), values).content.decode()
    assert "Only texts about incidents can be standing ones." in html
    assert "A standing text has no time" in html
    announcement.refresh_from_db()
    assert not announcement.is_standing
    values = form_of(announcement, is_standing="on", category="incident")
    assert staff.post(address(announcement, "change"), values).status_code == 302
    announcement.refresh_from_db()
    assert announcement.is_standing


def test_one_person_on_call_sends_a_copy_and_it_waits_for_its_review() -> None:
    make_customer()
    night, client = colleague("send_standing_text")
    text = standing(subject_en="Messages are delayed")
    html = page(client, text)
    assert 'id="send-standing"' in html
    assert 'id="step-start"' not in html
    html = press(client, text, "send_standing")
    copy = ServiceAnnouncement.objects.get(prepared_from=text)
    assert (copy.state, copy.sent_by, text.state) == (State.SENDING, night, State.APPROVED)
    assert "Sent on call. Somebody else reviews it until" in html
    assert "You sent this: somebody else must look at it." in html
    assert 'id="step-review"' not in html
    press(client, text, "send_standing")
    assert ServiceAnnouncement.objects.filter(prepared_from=text).count() == 1


def test_without_the_permission_there_is_no_button_and_no_way() -> None:
    _person, client = colleague("change_serviceannouncement", "approve_serviceannouncement")
    text = standing()
    assert 'id="send-standing"' not in page(client, text)
    assert "You may not send standing texts." in press(client, text, "send_standing")
    assert ServiceAnnouncement.objects.count() == 1


def test_another_reviews_it_with_a_note(staff: Client, boss: User) -> None:
    copy = announcing.send_standing(standing(), actor=make_staff(), now=timezone.now())
    assert 'id="step-review"' in page(staff, copy)
    html = press(staff, copy, "review", note=" ")
    assert "Write what you found" in html
    html = press(staff, copy, "review", note="Right to send.\nThe end was missing.")
    assert copy.reviewed_by == boss
    assert "Right to send.<br>The end was missing." in html
    assert 'id="step-review"' not in html


def test_the_review_does_not_stand_where_the_page_renews_itself(staff: Client) -> None:
    copy = announcing.send_standing(standing(), actor=make_staff(), now=timezone.now())
    live = staff.get(address(copy, "progress")).content.decode()
    assert "hx-trigger" in live
    assert "review-note" not in live


def test_sending_and_reviewing_are_done_by_post_only(staff: Client) -> None:
    copy = announcing.send_standing(standing(), actor=make_staff(), now=timezone.now())
    assert copy.prepared_from is not None
    for name, each in (("send_standing", copy.prepared_from), ("review", copy)):
        assert staff.get(address(each, name)).status_code == 405


def test_the_first_page_begins_with_what_waits_for_review(staff: Client) -> None:
    text = standing(subject_en="Messages are delayed")
    make_announcement(subject_en="We move")
    index = reverse("admin:index")
    html = staff.get(index).content.decode()
    assert "Messages are delayed" not in html, "a standing text waits for nobody"
    copy = announcing.send_standing(text, actor=make_staff(), now=timezone.now())
    html = staff.get(index).content.decode()
    assert html.index("Messages are delayed") < html.index("We move")
    assert html.count("Messages are delayed") == 1
    assert re.search(r"sent on call</span> <span class=\"quiet\">due \d", html)
    announcing.review(copy, actor=make_staff(), note="Right.", now=timezone.now())
    assert "sent on call" not in staff.get(index).content.decode()


def test_an_overdue_review_is_said_on_the_first_page_and_on_its_own(staff: Client) -> None:
    copy = announcing.send_standing(
        standing(), actor=make_staff(), now=timezone.now() - timedelta(days=7)
    )
    assert "late since" in staff.get(reverse("admin:index")).content.decode()
    assert "The review was due on" in page(staff, copy)


# --- on call, with nothing but the one permission ------------------------------------------------


@pytest.mark.parametrize("codename", ["send_standing_text", "approve_serviceannouncement"])
def test_one_permission_is_enough_to_reach_the_page_with_its_button(codename: str) -> None:
    person = make_staff(rights=[codename], language="en")
    TOTP.activate(person, SECRET)
    client = sign_in(User.objects.get(pk=person.pk), "password", "mfa")
    text, draft = standing(), make_announcement(author=make_staff())
    assert reverse(f"{NAME}_changelist") in client.get(reverse("admin:index")).content.decode()
    if codename == "send_standing_text":
        assert 'id="send-standing"' in page(client, text)
        press(client, text, "send_standing")
        assert ServiceAnnouncement.objects.get(prepared_from=text).sent_by == person
    else:
        assert 'id="step-approve"' in page(client, draft)
        press(client, draft, "step", "approve", read="")
        assert draft.approved_by == person
    assert client.post(address(draft, "change"), form_of(draft)).status_code == 403


def test_neither_permission_is_no_way_to_the_page() -> None:
    person = make_staff(roles=(), language="en")
    TOTP.activate(person, SECRET)
    client = sign_in(User.objects.get(pk=person.pk), "password", "mfa")
    assert client.get(address(standing(), "change")).status_code == 403


def test_a_standing_text_has_no_button_to_cancel(staff: Client) -> None:
    text = standing()
    assert 'id="step-cancel"' not in page(staff, text)
    assert "only a copy of it" in press(staff, text, "step", "cancel")
    assert text.state == State.APPROVED
    timed = make_announcement(author=make_staff())
    services.approve(timed, actor=make_staff(), now=timezone.now())
    assert 'id="step-cancel"' in page(staff, timed)
