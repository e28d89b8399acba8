"""Service announcements: another reads them first, and what goes out is what was read."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core.checks.registry import registry
from django.db import IntegrityError, ProgrammingError, transaction
from django.utils import timezone, translation

from foundation.roles import KEEPER, SENDER, as_role
from messaging import services
from messaging.announcing import (
    check_start,
    review,
    send_standing,
)
from messaging.checks import check_own_sender
from messaging.models import Campaign, Message, ServiceAnnouncement
from messaging.querysets import MailingQuerySet
from messaging.refusals import NotAllowed, Unfit
from messaging.taking_back import take_back
from tests.factories import NOW, make_announcement, make_campaign, make_customer, make_staff
from tests.mailbox import Mailbox
from tests.messaging.announcements import (
    TABLE,
    WORDS,
    State,
    approved,
    clerk,
    copied,
    refused,
    run,
    written_by,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_english() -> Iterator[None]:
    """What is refused is said in the reader's language; here that is English."""
    with translation.override("en"):
        yield


# --- the second pair of eyes ---------------------------------------------------------------------


def test_the_author_cannot_approve_and_is_told_who_can() -> None:
    author = make_staff()
    announcement = written_by(author)
    with pytest.raises(NotAllowed, match="somebody else must read"):
        services.approve(announcement, actor=author, now=NOW)
    announcement.refresh_from_db()
    assert (announcement.state, announcement.approved_by) == (State.DRAFT, None)


def test_another_approves_it() -> None:
    other = make_staff()
    announcement = written_by(make_staff())
    services.approve(announcement, actor=other, now=NOW)
    assert (announcement.state, announcement.approved_by) == (State.APPROVED, other)


def test_whoever_changed_it_last_cannot_approve_it_either() -> None:
    author, editor, third = make_staff(), make_staff(), make_staff()
    announcement = written_by(author)
    services.edited(announcement, actor=editor, now=NOW)
    for person in (author, editor):
        with pytest.raises(NotAllowed):
            services.approve(announcement, actor=person, now=NOW)
    services.approve(announcement, actor=third, now=NOW)
    assert announcement.approved_by == third


def test_nobody_approves_their_own_words_because_another_set_the_hour_after_them() -> None:
    """A writes a draft, W all of its words, A sets only a time: W has read what W wrote."""
    author, writer, third = make_staff(), make_staff(), make_staff()
    announcement = written_by(author)
    for person in (writer, author):
        services.edited(announcement, actor=person, now=NOW)
    assert announcement.writers == [author.pk, writer.pk]
    for person in (author, writer):
        with pytest.raises(NotAllowed, match="You wrote this"):
            services.approve(announcement, actor=person, now=NOW)
        refused(
            f"UPDATE {TABLE} SET state = 'approved', approved_by_id = %(who)s, "
            "approved_at = now(), writers = '{}' WHERE id = %(id)s",
            "cannot approve",
            who=person.pk,
            id=announcement.pk,
        )
    services.approve(announcement, actor=third, now=NOW)
    assert announcement.approved_by == third


def test_no_statement_of_the_portals_shortens_the_list_of_writers() -> None:
    author, writer = make_staff(), make_staff()
    announcement = written_by(author)
    services.edited(announcement, actor=writer, now=NOW)
    services.edited(announcement, actor=author, now=NOW)
    for change in ("writers = '{}'", "writers = NULL"):
        run(f"UPDATE {TABLE} SET {change} WHERE id = %(id)s", id=announcement.pk)
    announcement.writers = []
    announcement.save()
    announcement.refresh_from_db()
    assert announcement.writers == [author.pk, writer.pk]


def test_once_another_has_approved_only_whoever_changes_it_then_is_its_writer() -> None:
    author, writer, reader, later = (make_staff() for _ in range(4))
    announcement = written_by(author)
    services.edited(announcement, actor=writer, now=NOW)
    services.edited(announcement, actor=author, now=NOW)
    services.approve(announcement, actor=reader, now=NOW)
    services.edited(announcement, actor=later, now=NOW)
    assert announcement.writers == [author.pk, later.pk]
    services.approve(announcement, actor=writer, now=NOW)
    assert announcement.state == State.APPROVED


def test_a_copy_sent_at_night_names_all_writers_of_its_text() -> None:
    people = [make_staff(), make_staff(), make_staff()]
    text = make_announcement(author=people[0], is_standing=True, category="incident")
    for person in people[1:]:
        services.edited(text, actor=person, now=NOW)
    services.approve(text, actor=make_staff(), now=NOW)
    copy = send_standing(text, actor=make_staff(), now=NOW)
    copy.refresh_from_db()
    assert copy.writers == [person.pk for person in people]
    review(copy, actor=make_staff(), note="Right.", now=NOW)
    with pytest.raises(IntegrityError, match="only an approved standing text"):
        ServiceAnnouncement.objects.create(**copied(text, writers=[]))


def test_when_the_writers_have_left_any_other_may_approve() -> None:
    announcement = make_announcement()
    services.approve(announcement, actor=make_staff(), now=NOW)
    assert announcement.state == State.APPROVED


def test_approving_takes_its_own_permission() -> None:
    announcement = written_by(make_staff())
    with pytest.raises(NotAllowed, match="may not approve"):
        services.approve(announcement, actor=clerk("change_serviceannouncement"), now=NOW)
    services.approve(announcement, actor=clerk("approve_serviceannouncement"), now=NOW)
    assert announcement.state == State.APPROVED


def test_a_campaign_needs_one_pair_of_eyes_only() -> None:
    author = make_staff()
    campaign = make_campaign(author=author)
    services.approve(campaign, actor=author, now=NOW)
    assert campaign.state == State.APPROVED


@pytest.mark.parametrize("role", ["portal_app", SENDER, KEEPER, "portal_owner"])
@pytest.mark.parametrize("state", ["approved", "sending", "paused"])
def test_no_role_gets_an_announcement_out_that_nobody_approved(role: str, state: str) -> None:
    announcement = written_by(make_staff())
    with as_role(role):
        refused(
            f"UPDATE {TABLE} SET state = %(state)s WHERE id = %(id)s",
            "nobody has approved it",
            state=state,
            id=announcement.pk,
        )


def test_the_sender_cannot_even_name_an_approver() -> None:
    announcement = written_by(make_staff())
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        as_role(SENDER),
        transaction.atomic(),
    ):
        run(
            f"UPDATE {TABLE} SET state = 'approved', approved_by_id = %(other)s WHERE id = %(id)s",
            other=make_staff_id(),
            id=announcement.pk,
        )


def make_staff_id() -> Any:
    """Nobody in particular: the right is refused before the name is looked at."""
    return "00000000-0000-7000-8000-000000000000"


@pytest.mark.parametrize("writer", ["author", "editor"])
@pytest.mark.parametrize("clear", ["", ", author_id = NULL, edited_by_id = NULL"])
def test_no_statement_makes_a_writer_the_approver(writer: str, clear: str) -> None:
    people = {"author": make_staff(), "editor": make_staff()}
    announcement = written_by(people["author"])
    services.edited(announcement, actor=people["editor"], now=NOW)
    refused(
        f"UPDATE {TABLE} SET state = 'approved', approved_by_id = %(who)s, approved_at = now()"
        f"{clear} WHERE id = %(id)s",
        "cannot approve|goes only with its account",
        who=people[writer].pk,
        id=announcement.pk,
    )


def test_an_announcement_is_not_born_approved_by_its_author() -> None:
    author = make_staff()
    for state in ("approved", "sending", "paused"):
        with pytest.raises(IntegrityError, match="cannot approve"), transaction.atomic():
            make_announcement(state=state, author=author, approved_by=author, approved_at=NOW)
        with pytest.raises(IntegrityError, match="nobody has"), transaction.atomic():
            make_announcement(state=state, author=author, approved_by=None)


def test_a_draft_is_not_sent_with_its_approval_in_one_go() -> None:
    announcement = written_by(make_staff())
    refused(
        f"UPDATE {TABLE} SET state = 'sending', approved_by_id = %(who)s, approved_at = now() "
        "WHERE id = %(id)s",
        "it is approved by approving it|before it is sent",
        who=make_staff().pk,
        id=announcement.pk,
    )


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("author_id = %(other)s", "who wrote or sent it"),
        ("edited_by_id = %(other)s", "who wrote or sent it"),
        ("approved_by_id = %(other)s", "approved by approving it"),
        ("sent_by_id = NULL, author_id = NULL", "goes only with its account"),
    ],
)
def test_the_names_in_an_approved_row_stay(change: str, why: str) -> None:
    announcement = approved()
    refused(
        f"UPDATE {TABLE} SET {change} WHERE id = %(id)s",
        why,
        other=make_staff().pk,
        id=announcement.pk,
    )


def test_an_erased_account_takes_its_name_along_and_the_announcement_stays() -> None:
    announcement = approved()
    with as_role(KEEPER):
        for name in ("author_id", "edited_by_id", "approved_by_id"):
            run(f"UPDATE {TABLE} SET {name} = NULL WHERE id = %(id)s", id=announcement.pk)
        run(f"UPDATE {TABLE} SET writers = '{{}}' WHERE id = %(id)s", id=announcement.pk)
    announcement.refresh_from_db()
    assert (announcement.author, announcement.state) == (None, State.APPROVED)
    assert announcement.writers == []


def test_what_lost_its_approver_is_not_started_but_read_again() -> None:
    announcement = approved()
    ServiceAnnouncement.objects.update(approved_by=None)
    with pytest.raises(NotAllowed, match="no account any more"):
        services.start(announcement, actor=None, now=NOW)
    services.edited(announcement, actor=make_staff(), now=NOW)
    services.approve(announcement, actor=make_staff(), now=NOW)
    services.start(announcement, actor=None, now=NOW)
    assert announcement.state == State.SENDING


# --- what goes out is what was read --------------------------------------------------------------


@pytest.mark.parametrize("field", [*WORDS, "category", "is_standing"])
@pytest.mark.parametrize("state", ["approved", "sending", "paused", "cancelled", "finished"])
def test_approved_words_do_not_change_under_the_approval(field: str, state: str) -> None:
    announcement = approved(category="incident")
    move_to(announcement, state)
    value = {"category": "billing", "is_standing": True}.get(field, "Something else")
    refused(
        f"UPDATE {TABLE} SET {field} = %(value)s WHERE id = %(id)s",
        "changes only as a draft",
        value=value,
        id=announcement.pk,
    )


@pytest.mark.parametrize("field", WORDS)
@pytest.mark.parametrize("state", ["approved", "sending", "paused", "cancelled", "finished"])
def test_nor_do_a_campaigns(field: str, state: str) -> None:
    campaign = make_campaign(state=state)
    refused(
        f"UPDATE messaging_campaign SET {field} = 'Something else' WHERE id = %(id)s",
        "changes only as a draft",
        id=campaign.pk,
    )


def move_to(announcement: ServiceAnnouncement, state: str) -> None:
    if state != State.APPROVED:
        services.start(announcement, actor=None, now=NOW)
    if state in (State.PAUSED, State.CANCELLED, State.FINISHED):
        ServiceAnnouncement.objects.filter(pk=announcement.pk).update(state=state)
    announcement.refresh_from_db()
    assert announcement.state == state


def test_words_are_not_approved_with_the_statement_that_writes_them() -> None:
    announcement = written_by(make_staff())
    refused(
        f"UPDATE {TABLE} SET body_en = 'Kjøp', state = 'approved', approved_by_id = %(who)s, "
        "approved_at = now() WHERE id = %(id)s",
        "changes only as a draft",
        who=make_staff().pk,
        id=announcement.pk,
    )


def test_a_draft_is_written_freely_and_an_edit_takes_the_approval_back() -> None:
    editor = make_staff()
    announcement = approved()
    services.edited(announcement, actor=editor, now=NOW)
    announcement.body_en = "Something else."
    announcement.save(update_fields=["body_en"])
    announcement.refresh_from_db()
    assert (announcement.state, announcement.approved_by, announcement.approved_at) == (
        State.DRAFT,
        None,
        None,
    )
    assert (announcement.edited_by, announcement.edited_at) == (editor, NOW)
    assert announcement.body_en == "Something else."


def test_edited_leaves_new_words_that_are_not_saved_yet_alone() -> None:
    announcement = approved()
    announcement.body_en = "Not saved yet."
    services.edited(announcement, actor=make_staff(), now=NOW)
    assert announcement.body_en == "Not saved yet."


@pytest.mark.parametrize("state", ["sending", "paused", "cancelled", "finished"])
def test_what_was_started_never_becomes_a_draft_again(state: str) -> None:
    announcement = approved()
    move_to(announcement, state)
    campaign = make_campaign(state=state)
    for table, mailing in ((TABLE, announcement), ("messaging_campaign", campaign)):
        refused(
            f"UPDATE {table} SET state = 'draft' WHERE id = %(id)s",
            "no draft any more",
            id=mailing.pk,
        )


def test_an_edit_after_the_start_changes_nothing() -> None:
    announcement = approved()
    services.start(announcement, actor=None, now=NOW)
    services.edited(announcement, actor=make_staff(), now=NOW)
    assert (announcement.state, announcement.edited_by) == (State.SENDING, None)


def test_a_campaign_is_not_sent_to_others_than_those_it_was_approved_for() -> None:
    campaign = make_campaign(state=State.APPROVED)
    other = make_campaign("special_offers").topic_id
    refused(
        "UPDATE messaging_campaign SET topic_id = %(topic)s WHERE id = %(id)s",
        "changes only as a draft",
        topic=other,
        id=campaign.pk,
    )
    assert Campaign.objects.get(pk=campaign.pk).topic_id == campaign.topic_id


def test_what_was_sent_stays_to_be_counted() -> None:
    announcement = approved()
    services.start(announcement, actor=None, now=NOW)
    for role in ("portal_app", KEEPER):
        with as_role(role):
            refused(f"DELETE FROM {TABLE}", "kept and counted")
            refused(f"UPDATE {TABLE} SET resolved_at = NULL", "stays as it was")
    draft = make_announcement()
    assert run(f"DELETE FROM {TABLE} WHERE id = %(id)s", id=draft.pk) == 1


@pytest.mark.parametrize("state", ["approved", "sending", "paused", "cancelled", "finished"])
def test_a_campaign_that_is_no_draft_any_more_is_not_deleted(state: str) -> None:
    """Somebody approves and starts it while another confirms that the draft may go."""
    campaign = make_campaign(state=state)
    for role in ("portal_app", KEEPER):
        with as_role(role):
            refused("DELETE FROM messaging_campaign", "only a draft goes")
    draft = make_campaign()
    assert run("DELETE FROM messaging_campaign WHERE id = %(id)s", id=draft.pk) == 1
    assert list(Campaign.objects.all()) == [campaign]


# --- what it may say, and under which name -------------------------------------------------------


def test_advertising_is_not_approved_and_the_passage_is_named() -> None:
    announcement = written_by(make_staff(), body_en="The service is down. Buy more credits now.")
    with pytest.raises(Unfit, match="Buy more") as refusal:
        services.approve(announcement, actor=make_staff(), now=NOW)
    assert "asks the reader to buy" in str(refusal.value)
    announcement.refresh_from_db()
    assert announcement.state == State.DRAFT


@pytest.mark.parametrize("field", ["subject_nb", "preheader_nb", "body_nb"])
def test_every_text_is_looked_at(field: str) -> None:
    announcement = written_by(make_staff(), **{field: "Se https://bit.ly/x"})
    with pytest.raises(Unfit):
        services.approve(announcement, actor=make_staff(), now=NOW)


def test_what_slipped_through_before_is_stopped_at_the_start() -> None:
    """The list of words has grown since the approval."""
    announcement = make_announcement(
        state=State.APPROVED, body_en="Buy more credits now.", send_at=NOW
    )
    with pytest.raises(Unfit):
        services.start(announcement, actor=make_staff(), now=NOW)
    announcement.refresh_from_db()
    assert announcement.state == State.APPROVED


def test_what_no_longer_passes_at_its_hour_goes_back_and_its_people_are_told(
    mailbox: Mailbox, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    author, approver = make_staff(language="en"), make_staff(language="nb")
    announcement = written_by(author, send_at=NOW + timedelta(hours=1))
    services.approve(announcement, actor=approver, now=NOW)
    settings.SERVICE_FROM = settings.NEWS_FROM
    with as_role(SENDER):
        services.run_mailings(now=NOW)
        services.run_mailings(now=NOW + timedelta(hours=1))
        services.run_mailings(now=NOW + timedelta(hours=1, seconds=5))
    announcement.refresh_from_db()
    assert (announcement.state, announcement.approved_by) == (State.DRAFT, None)
    assert (announcement.approved_at, announcement.resolved_at) == (None, None)
    assert caplog.text.count("did not leave at its time") == 1
    assert "SERVICE_FROM" in caplog.text
    services.deliver_pending()
    for person, subject in ((author, "Not sent:"), (approver, announcement.subject_nb)):
        [delivery] = mailbox.to(person.email)
        assert subject in delivery.message["Subject"]
        for kind in ("plain", "html"):
            body = delivery.message.get_body((kind,)).get_content()
            assert "SERVICE_FROM" in body
            assert str(announcement.pk) in body


def test_what_lost_its_approver_does_not_wait_for_its_hour_for_ever() -> None:
    announcement = approved(send_at=NOW)
    ServiceAnnouncement.objects.update(approved_by=None)
    services.run_mailings(now=NOW)
    announcement.refresh_from_db()
    assert announcement.state == State.DRAFT


def test_a_timed_campaign_whose_picture_is_gone_goes_back_too() -> None:
    author = make_staff(language="en")
    campaign = make_campaign(author=author, send_at=NOW + timedelta(hours=1))
    services.approve(campaign, actor=author, now=NOW)
    services.edited(campaign, actor=author, now=NOW)
    campaign.body_en = "![Map](picture:0123456789ab)"
    campaign.save(update_fields=["body_en"])
    # As it stood when the picture was still there.
    Campaign.objects.update(state=State.APPROVED, approved_by=author, approved_at=NOW)
    with as_role(SENDER):
        services.run_mailings(now=NOW + timedelta(hours=1))
    campaign.refresh_from_db()
    assert (campaign.state, campaign.approved_by, campaign.approved_at) == (State.DRAFT, None, None)
    assert "is gone" in Message.objects.get(purpose="mailing_taken_back").text


def test_what_was_only_cancelled_in_that_moment_is_not_taken_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    announcement = approved(send_at=NOW)
    services.cancel(announcement, actor=make_staff(), now=NOW)
    stale = ServiceAnnouncement.objects.filter(pk=announcement.pk)
    monkeypatch.setattr(MailingQuerySet, "due", lambda self, now: stale.all())
    services.run_mailings(now=NOW)
    announcement.refresh_from_db()
    assert announcement.state == State.CANCELLED
    assert not take_back(announcement, look=lambda _mailing: check_start(announcement))
    assert not Message.objects.exists()


def test_the_newsletters_name_is_no_name_for_service(settings: Any) -> None:
    announcement = written_by(make_staff())
    settings.SERVICE_FROM = "Service <NEWS@portal.example>"
    settings.NEWS_FROM = "News <news@portal.example>"
    with pytest.raises(Unfit, match="NEWS_FROM"):
        services.approve(announcement, actor=make_staff(), now=NOW)
    assert [error.id for error in check_own_sender(None)] == ["messaging.E001"]
    settings.SERVICE_FROM = "Service <service@portal.example>"
    assert check_own_sender(None) == []
    services.approve(announcement, actor=make_staff(), now=NOW)


def test_every_process_looks_at_the_sender_before_it_starts() -> None:
    names = {getattr(check, "__name__", "") for check in registry.get_checks()}
    assert check_own_sender.__name__ in names


def test_the_mail_says_why_it_came_and_how_it_stops(mailbox: Mailbox) -> None:
    reader = make_customer(language="en")
    services.start(approved(), actor=None, now=NOW)
    services.run_mailings(now=timezone.now())
    services.deliver_pending()
    [delivery] = mailbox.to(reader.email)
    assert delivery.message["From"] == settings.SERVICE_FROM
    assert delivery.message["List-Unsubscribe"] is None
    for kind in ("plain", "html"):
        text = " ".join(delivery.message.get_body((kind,)).get_content().split())
        assert "This is a service message about your account." in text
        assert "Deactivating the account stops service messages." in text
