"""What a receiver can check: who sent it, that nothing was changed, and since when."""

from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from django.conf import LazySettings

from consent.models import Delivery, Webhook
from consent.webhooks import secrets
from consent.webhooks.messages import test_body as body_of_test
from consent.webhooks.services import rotate_secret, send_test
from tests.factories import NOW, make_customer
from tests.webhooks.receiver import Got, Receiver
from tests.webhooks.telling import tell

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def sent(receiver: Receiver, webhook: Webhook, *, now=NOW) -> Got:
    receiver.got.clear()
    send_test(webhook.pk, now=now)
    tell(now)
    (got,) = receiver.got
    return got


def test_the_signature_is_right_by_the_words_of_the_specification(
    webhook: Webhook, receiver: Receiver
) -> None:
    make_customer(yes=("newsletter",))
    tell()
    (got,) = receiver.got
    assert got.is_signed_with(webhook.shown_secret)  # type: ignore[attr-defined]
    assert got.headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    assert got.headers["content-type"] == "application/json"
    assert got.headers["webhook-id"] == f"msg_{Delivery.objects.get().pk.hex}"


@pytest.mark.parametrize("changed", ["body", "webhook-id", "webhook-timestamp", "secret"])
def test_a_changed_byte_anywhere_breaks_it(
    webhook: Webhook, receiver: Receiver, changed: str
) -> None:
    got = sent(receiver, webhook)
    secret = webhook.shown_secret  # type: ignore[attr-defined]
    if changed == "body":
        got = Got(got.path, got.headers, got.body.replace(b"test", b"tess"))
    elif changed == "secret":
        secret = secrets.new_secret()
    else:
        got = Got(got.path, {**got.headers, changed: got.headers[changed] + "0"}, got.body)
    assert not got.is_signed_with(secret)


def test_after_a_rotation_both_secrets_sign_for_a_day(webhook: Webhook, receiver: Receiver) -> None:
    former = webhook.shown_secret  # type: ignore[attr-defined]
    new = rotate_secret(webhook.pk, now=NOW)
    for moment, both in ((NOW, True), (NOW + DAY - timedelta(seconds=1), True), (NOW + DAY, False)):
        got = sent(receiver, webhook, now=moment)
        assert got.is_signed_with(new)
        assert got.is_signed_with(former) is both
        assert len(got.headers["webhook-signature"].split(" ")) == 1 + both


def test_the_secret_is_not_to_be_read_in_the_database(webhook: Webhook) -> None:
    stored = Webhook.objects.values_list("secret", flat=True).get()
    shown = webhook.shown_secret  # type: ignore[attr-defined]
    assert shown.startswith("whsec_")
    assert shown[6:] not in stored
    assert secrets.decrypt(stored) == shown


def test_a_secret_survives_a_rotation_of_the_key_and_moves_to_the_new_one(
    webhook: Webhook, receiver: Receiver, settings: LazySettings
) -> None:
    shown = webhook.shown_secret  # type: ignore[attr-defined]
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "a-new-key-of-this-installation-0123456789"
    make_customer(yes=("newsletter",))
    tell()
    assert receiver.got[0].is_signed_with(shown)
    settings.SECRET_KEY_FALLBACKS = []
    assert sent(receiver, webhook).is_signed_with(shown)


def test_a_secret_whose_key_is_lost_sends_nothing_and_says_so(
    webhook: Webhook, receiver: Receiver
) -> None:
    Webhook.objects.update(secret=Fernet(Fernet.generate_key()).encrypt(b"whsec_x").decode())
    send_test(webhook.pk, now=NOW)
    assert tell() == 0
    assert not receiver.got
    assert "rotate" in Delivery.objects.get().answer


def test_a_test_message_is_about_nobody() -> None:
    assert body_of_test(NOW).startswith('{"type":"webhook.test"')
    assert '"customer":null' in body_of_test(NOW)
