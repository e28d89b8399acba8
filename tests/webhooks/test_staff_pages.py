"""Staff make a webhook, try it, pause it, give it a new secret, and see what was given up."""

import re
from html import unescape
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from accounts.models import User
from consent.models import Delivery, Webhook
from consent.proof.sealer import seal_pending
from consent.webhooks import secrets
from consent.webhooks.feed import make_deliveries
from tests.factories import NOW, make_customer, set_rights
from tests.staff.conftest import boss, staff
from tests.staff.door import let_in
from tests.staff.sign_in import sign_in
from tests.webhooks.receiver import Receiver
from tests.webhooks.telling import tell

pytestmark = pytest.mark.django_db
__all__ = ["boss", "staff"]

ADD = "/admin/consent/webhook/add/"
DELIVERIES = "/admin/consent/delivery/"
FORM = {"name": "The CRM", "url": "https://crm.example.com/hook", "events": ["consent.opted_out"]}


def text(answer: Any) -> str:
    return unescape(answer.content.decode())


def secret_in(page: str) -> str:
    (found,) = re.findall(r"whsec_[A-Za-z0-9+/=]+", page)
    return str(found)


def step(staff: Client, webhook: Webhook, name: str) -> Any:
    url = reverse("admin:consent_webhook_step", args=[webhook.pk, name])
    answer = staff.post(url, follow=True)
    webhook.refresh_from_db()
    return answer


def dead(webhook: Webhook, number: int = 1) -> None:
    for _ in range(number):
        make_customer(yes=("newsletter",))
    seal_pending(now=NOW)
    make_deliveries(now=NOW)
    Delivery.objects.update(state="dead", answer="500 out of order", finished_at=NOW)


def test_a_webhook_is_made_and_its_secret_shown_once(staff: Client) -> None:
    answer = staff.post(ADD, FORM)
    made = Webhook.objects.get()
    assert (made.name, made.url, made.events) == ("The CRM", FORM["url"], FORM["events"])
    secret = secret_in(text(answer))
    assert secrets.decrypt(made.secret) == secret
    assert "no-store" in answer["Cache-Control"]
    for address in (
        reverse("admin:consent_webhook_change", args=[made.pk]),
        "/admin/consent/webhook/",
        reverse("admin:consent_webhook_history", args=[made.pk]),
    ):
        page = staff.get(address)
        assert page.status_code == 200
        assert "whsec_" not in text(page)
        assert made.secret not in text(page)


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "http://crm.example.com/"},
        {"url": "https://10.0.0.1/"},
        {"url": "javascript:alert(1)"},
        {"events": []},
        {"events": ["everything"]},
        {"name": ""},
    ],
)
def test_what_cannot_work_is_refused_with_a_reason(staff: Client, wrong: dict[str, Any]) -> None:
    answer = staff.post(ADD, {**FORM, **wrong})
    assert set(answer.context["adminform"].form.errors) == set(wrong)
    assert not Webhook.objects.exists()


def test_an_address_can_be_changed_and_the_cursor_stays(staff: Client, webhook: Webhook) -> None:
    make_customer(yes=("newsletter",))
    tell()
    cursor = Webhook.objects.get().cursor
    page = reverse("admin:consent_webhook_change", args=[webhook.pk])
    assert staff.post(page, {**FORM, "name": "New name"}).status_code == 302
    webhook.refresh_from_db()
    assert (webhook.name, webhook.url, webhook.cursor) == ("New name", FORM["url"], cursor)
    assert webhook.events == ["consent.opted_out"]


def test_a_new_secret_is_shown_once_and_the_former_signs_beside_it(
    staff: Client, webhook: Webhook
) -> None:
    new = secret_in(text(step(staff, webhook, "rotate")))
    assert secrets.decrypt(webhook.secret) == new
    assert secrets.decrypt(webhook.former_secret) == webhook.shown_secret  # type: ignore[attr-defined]
    page = text(staff.get(reverse("admin:consent_webhook_change", args=[webhook.pk])))
    assert "the former secret signs beside the new one" in page


def test_it_is_paused_and_resumed_and_both_are_logged(staff: Client, webhook: Webhook) -> None:
    assert "Paused" in text(step(staff, webhook, "pause"))
    assert webhook.paused_at
    step(staff, webhook, "pause")
    assert "Resumed" in text(step(staff, webhook, "resume"))
    assert not Webhook.objects.exclude(paused_at=None).exists()
    said = [(entry.object_repr, entry.get_change_message()) for entry in LogEntry.objects.all()]
    assert sorted(said) == [
        ("The CRM", "Paused. Nothing is sent."),
        ("The CRM", "Resumed. It is now told of what happened meanwhile."),
    ]


def test_a_test_message_is_sent_and_its_answer_shown(
    staff: Client, webhook: Webhook, receiver: Receiver
) -> None:
    step(staff, webhook, "test")
    Delivery.objects.update(not_before=NOW)
    assert tell() == 1
    assert receiver.messages[0]["type"] == "webhook.test"
    page = text(staff.get(reverse("admin:consent_webhook_change", args=[webhook.pk])))
    assert "200 thank you" in page


def test_steps_are_posts_and_unknown_ones_are_none(staff: Client, webhook: Webhook) -> None:
    for name, status in (("pause", 405), ("rotate", 405), ("explode", 404)):
        url = reverse("admin:consent_webhook_step", args=[webhook.pk, name])
        assert staff.get(url).status_code == status
    webhook.refresh_from_db()
    assert webhook.paused_at is None


def test_what_was_given_up_is_listed_with_the_reason(
    staff: Client, boss: User, webhook: Webhook
) -> None:
    dead(webhook)
    page = text(staff.get(f"{DELIVERIES}?state__exact=dead"))
    assert "500 out of order" in page
    assert "consent.opted_in" in page
    let_in(boss, User.objects.customers().get())
    one = reverse("admin:consent_delivery_change", args=[Delivery.objects.get().pk])
    assert '"topic": "newsletter"' in text(staff.get(one))


def test_chosen_ones_are_delivered_again(
    staff: Client, webhook: Webhook, receiver: Receiver
) -> None:
    dead(webhook, 3)
    chosen = [str(pk) for pk in Delivery.objects.values_list("pk", flat=True)[:2]]
    staff.post(DELIVERIES, {"action": "send_again", "_selected_action": chosen, "index": 0})
    assert Delivery.objects.filter(state="dead").count() == 1
    Delivery.objects.filter(state="waiting").update(not_before=NOW)
    assert tell() == 2


def test_all_are_delivered_again_at_once(staff: Client, webhook: Webhook) -> None:
    dead(webhook, 3)
    one = str(Delivery.objects.values_list("pk", flat=True)[0])
    answer = staff.post(
        f"{DELIVERIES}?state__exact=dead",
        {"action": "send_again", "_selected_action": [one], "select_across": "1", "index": 0},
        follow=True,
    )
    assert "3 messages are sent again." in text(answer)
    assert not Delivery.objects.filter(state="dead").exists()


def test_the_work_list_names_systems_that_were_not_told(staff: Client, webhook: Webhook) -> None:
    assert "Every system has been told of every choice." in text(staff.get("/admin/"))
    dead(webhook, 2)
    page = text(staff.get("/admin/"))
    assert "The CRM" in page
    assert "2 messages given up" in page


def test_a_webhook_is_deleted_with_its_deliveries(staff: Client, webhook: Webhook) -> None:
    dead(webhook)
    page = reverse("admin:consent_webhook_delete", args=[webhook.pk])
    assert staff.get(page).status_code == 200
    assert staff.post(page, {"post": "yes"}).status_code == 302
    assert not Webhook.objects.exists()
    assert not Delivery.objects.exists()


def test_whoever_may_only_look_changes_nothing(boss: User, webhook: Webhook) -> None:
    dead(webhook)
    set_rights(boss, "view_webhook", "view_delivery")
    looker = sign_in(boss, "password", "mfa")
    assert looker.get(reverse("admin:consent_webhook_change", args=[webhook.pk])).status_code == 200
    assert step(looker, webhook, "pause").status_code == 403
    chosen = [str(Delivery.objects.get().pk)]
    looker.post(DELIVERIES, {"action": "send_again", "_selected_action": chosen, "index": 0})
    assert Delivery.objects.get().state == "dead"
