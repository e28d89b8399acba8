"""The staff pages of topics, and what they leave in the log of staff."""

from html import unescape
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from accounts.models import User
from consent.models import Preference, Topic
from consent.topic_services import reword_topic
from tests.consent.test_topics import TIPS, reworded
from tests.factories import NOW, make_campaign, make_customer, set_rights, topic
from tests.staff.conftest import boss, staff
from tests.staff.sign_in import sign_in

pytestmark = pytest.mark.django_db
__all__ = ["boss", "staff"]

ADD = "/admin/consent/topic/add/"
FORM = {name: getattr(TIPS, name) for name in TIPS.__dataclass_fields__}


def page_of(named: Topic, page: str = "change") -> str:
    return reverse(f"admin:consent_topic_{page}", args=[named.pk])


def text(answer: Any) -> str:
    return unescape(answer.content.decode())


def logged() -> list[tuple[str, str, str]]:
    return [
        (str(entry.user.username), entry.object_repr, entry.get_change_message())
        for entry in LogEntry.objects.order_by("action_time")
    ]


def test_staff_add_a_topic_with_words_in_both_languages(staff: Client, boss: User) -> None:
    make_customer(yes=("newsletter",))
    assert staff.post(ADD, FORM).status_code == 302
    added = Topic.objects.with_wording().get(slug="good_advice")
    assert (added.kind, added.wording_version, added.wording.name_nb) == ("mail", 1, "Gode råd")
    assert Preference.objects.count() == 1
    assert logged() == [("sjefen", "good_advice", "Added.")]


@pytest.mark.parametrize("missing", sorted(FORM))
def test_no_topic_without_all_its_words(staff: Client, missing: str) -> None:
    assert staff.post(ADD, {**FORM, missing: " "}).status_code == 200
    assert not Topic.objects.filter(slug="good_advice").exists()


def test_new_words_are_logged_by_field_and_the_old_ones_are_shown(staff: Client) -> None:
    page = page_of(topic("newsletter"))
    form = staff.get(page).context["adminform"].form
    values = {name: form.initial[name] for name in (*FORM, "seen")}
    answer = staff.post(page, {**values, "name_en": "The letter"}, follow=True)
    assert "The new words are shown from now on." in text(answer)
    assert topic("newsletter").wording_version == 2
    again = text(staff.get(page))
    assert "Newsletter" in again
    assert "The letter" in again
    assert logged()[-1][1:] == ("newsletter", "Changed Name in English.")


def test_two_who_give_new_words_at_once_do_not_overwrite_each_other(staff: Client) -> None:
    page = page_of(topic("newsletter"))
    form = staff.get(page).context["adminform"].form
    values = {name: form.initial[name] for name in (*FORM, "seen")}
    reword_topic(topic("newsletter").pk, reworded(), seen=1, now=NOW)
    answer = staff.post(page, {**values, "name_en": "The letter"})
    assert "somebody else has changed this topic" in text(answer)
    assert topic("newsletter").wording_version == 2


def test_before_retiring_one_reads_what_would_stop(staff: Client) -> None:
    for _ in range(2):
        make_customer(yes=("special_offers",))
    make_campaign("special_offers", subject_en="Autumn sale", subject_nb="Høstsalg")
    page = text(staff.get(page_of(topic("special_offers"), "retire")))
    assert "2 people have said yes" in page
    assert "Autumn sale" in page
    assert topic("special_offers").retired_at is None


def test_retiring_is_a_post_is_logged_and_holds_for_good(staff: Client) -> None:
    offers = topic("special_offers")
    answer = staff.post(page_of(offers, "retire"), follow=True)
    assert "The topic is retired" in text(answer)
    assert topic("special_offers").retired_at is not None
    assert logged()[-1] == ("sjefen", "special_offers", "Retired the topic.")
    staff.post(page_of(offers, "retire"))
    assert len(logged()) == 1
    page = text(staff.get(page_of(offers)))
    assert "Retire the topic" not in page
    assert 'name="name_nb"' not in page
    assert staff.post(page_of(offers), {**FORM, "seen": 1}).status_code == 403


def test_a_new_campaign_cannot_choose_a_retired_topic(staff: Client) -> None:
    staff.post(page_of(topic("special_offers"), "retire"))
    form = staff.get("/admin/messaging/campaign/add/").context["adminform"].form
    offered = {each.slug for each in form.fields["topic"].queryset}
    assert offered == {"newsletter", "product_news"}


@pytest.mark.parametrize("slug", ["tailoring", "reference_logo"])
def test_what_the_policy_names_beside_mail_cannot_be_retired(staff: Client, slug: str) -> None:
    assert "Retire the topic" not in text(staff.get(page_of(topic(slug))))
    assert staff.post(page_of(topic(slug), "retire")).status_code == 403


def test_no_topic_can_be_deleted(staff: Client) -> None:
    assert (
        staff.post(page_of(topic("special_offers"), "delete"), {"post": "yes"}).status_code == 403
    )


def test_whoever_may_only_look_changes_nothing(boss: User) -> None:
    set_rights(boss, "view_topic")
    looker = sign_in(boss, "password", "mfa")
    assert looker.get(page_of(topic("newsletter"))).status_code == 200
    assert looker.get(ADD).status_code == 403
    assert looker.get(page_of(topic("newsletter"), "retire")).status_code == 403
    assert looker.post(page_of(topic("newsletter"), "retire")).status_code == 403
    assert topic("newsletter").retired_at is None
