"""A receiver that runs, and a webhook that leads to it."""

from collections.abc import Iterator

import pytest

from consent.models import Webhook
from consent.webhooks.services import create_webhook
from tests.webhooks.receiver import Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    receiver.start()
    yield receiver
    receiver.stop()


@pytest.fixture
def webhook(db: None, receiver: Receiver) -> Webhook:
    made, secret = create_webhook(
        name="The CRM", url=receiver.url, events=[each.value for each in Webhook.Event]
    )
    made.shown_secret = secret  # type: ignore[attr-defined]
    return made
