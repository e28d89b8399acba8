"""Words about a customer, version by version, and the mails that ask for them."""

from datetime import timedelta

import pytest
from django.utils import timezone

from consent.models import ReferenceText
from consent.reference import services
from consent.reference.program import part_of
from consent.reference.services import AlreadyDecidedError, NotApprovedError, NotGrantedError
from messaging.models import Message
from messaging.rendering import compose
from messaging.sending.claims import Claimed
from tests.consent.referring import NAME, QUOTE, STAFF, plan, publish, published, say_no, words
from tests.factories import NOW, make_customer

pytestmark = pytest.mark.django_db


@pytest.fixture
def use():
    return plan(make_customer(yes=(QUOTE,)), QUOTE)


def test_each_text_is_a_version_of_its_own_and_the_writer_has_approved_it(use):
    ours, theirs = words(use), words(use, by_customer=True)
    assert [ours.version, theirs.version] == [1, 2]
    assert (ours.staff_approved_by, ours.customer_approved_at) == (STAFF, None)
    assert (theirs.staff_approved_at, theirs.customer_approved_at) == (None, NOW)


def test_only_the_newest_version_can_be_decided(use):
    first = words(use)
    words(use)
    for decide in (
        lambda: services.approve_text(first, by_customer=True, actor="self", now=NOW),
        lambda: services.decline_text(first, now=NOW),
    ):
        with pytest.raises(AlreadyDecidedError):
            decide()


def test_what_was_declined_is_not_approved_any_more_and_the_other_way_round(use):
    text = words(use)
    services.decline_text(text, remark="Too loud, from 203.0.113.7", now=NOW)
    services.decline_text(text, now=NOW + timedelta(hours=1))
    assert (text.customer_declined_at, text.remark) == (NOW, "Too loud, from [ip]")
    with pytest.raises(AlreadyDecidedError):
        services.approve_text(text, by_customer=True, actor="self", now=NOW)
    approved = words(use)
    services.approve_text(approved, by_customer=True, actor="self", now=NOW)
    services.approve_text(approved, by_customer=True, actor="self", now=NOW + timedelta(hours=1))
    assert approved.customer_approved_at == NOW
    with pytest.raises(AlreadyDecidedError):
        services.decline_text(approved, now=NOW)


def test_a_text_without_words_is_none(use):
    with pytest.raises(NotApprovedError):
        services.write_text(use, nb=" ", en="", by_customer=False, actor=STAFF, now=NOW)
    assert not ReferenceText.objects.exists()


def test_after_a_no_nobody_writes_or_approves(use):
    text = words(use)
    say_no(use.person, QUOTE)
    with pytest.raises(NotGrantedError):
        words(use)
    with pytest.raises(NotGrantedError):
        services.approve_text(text, by_customer=True, actor="self", now=NOW)


def test_what_is_shown_stays_in_its_words_until_both_sides_approve_new_ones():
    person = make_customer(yes=(QUOTE,))
    text = words(published(person, QUOTE), nb="Nye ord.")
    (shown,) = part_of(person, now=NOW).uses
    assert (shown.newest, shown.is_asked) == (text, True)
    assert shown.standing is not None
    assert shown.standing.version == 1
    services.approve_text(text, by_customer=True, actor="self", now=NOW)
    (shown,) = part_of(person, now=NOW).uses
    assert (shown.standing, shown.is_asked) == (text, False)


# --- the mails of the program are optional ones -----------------------------------------------


def composed(message: Message) -> str:
    fields = set(Claimed.__dataclass_fields__) & {each.name for each in Message._meta.fields}
    claimed = Claimed(**{name: getattr(message, name) for name in fields})
    return compose(claimed, now=timezone.now()).body.decode()


def test_our_words_are_announced_by_an_optional_mail_of_that_activity(use):
    words(use, nb="Hemmelige ord.")
    words(use, by_customer=True)
    mail = Message.objects.get(purpose="reference_words")
    assert (mail.kind, mail.mailing_id) == ("optional", None)
    assert (mail.person_id, mail.topic_id) == (use.person_id, use.topic_id)
    body = composed(mail)
    assert "List-Unsubscribe-Post: List-Unsubscribe=One-Click" in body
    assert "List-Id: <reference-quote." in body
    assert "Hemmelige" not in body
    plain = body.replace("=\r\n", "")
    assert plain.count("/reference-program/") >= 3
    assert "/u/" in plain


def test_the_publication_is_told_by_an_optional_mail():
    use = published(make_customer(yes=(NAME,)))
    publish(use)
    assert Message.objects.get(purpose="reference_published").topic_id == use.topic_id


def test_a_title_does_not_become_markup_in_a_mail():
    use = plan(make_customer(yes=(QUOTE,), language="en"), QUOTE, title="<b>A & B</b>")
    words(use)
    mail = Message.objects.get(purpose="reference_words")
    assert "&lt;b&gt;A &amp; B&lt;/b&gt;" in mail.html
    assert "<b>A & B</b>" in mail.text
    assert mail.subject.endswith("<b>A & B</b>")
