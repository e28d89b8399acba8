"""What our mail carries for a provider, so that its events find back and its blocks stay narrow."""

import uuid
from typing import Any

import pytest
from django.core.mail import EmailMultiAlternatives, get_connection

from clicksend_portal.addresses import ESP_KEYS, parse_mail
from messaging.providers.marking import MESSAGE_KEY, mark

KEY = uuid.uuid4()


def use(settings, esp, **more):
    settings.MAIL_TRANSPORT = parse_mail(f"anymail+{esp.replace('_', '-')}://KEY")
    settings.ANYMAIL = dict(settings.MAIL_TRANSPORT.esp_settings) | more


def mail(**headers):
    return EmailMultiAlternatives(
        "x",
        "x",
        "a@x.example",
        ["b@x.example"],
        headers={"Message-ID": f"<{KEY}@x.example>"} | headers,
    )


OPTIONAL = {"List-Unsubscribe": "<https://x.example/u/x/>"}


def test_an_event_finds_its_message_back(settings):
    use(settings, "postmark")
    marked = mail()
    mark(marked)
    assert marked.metadata == {MESSAGE_KEY: str(KEY)}


@pytest.mark.parametrize(
    ("esp", "more", "name", "value"),
    [
        ("mailgun", {}, "tags", ["optional"]),
        ("postmark", {"POSTMARK_OPTIONAL_STREAM": "news"}, "esp_extra", {"MessageStream": "news"}),
        ("sendgrid", {"SENDGRID_OPTIONAL_GROUP": "77"}, "esp_extra", {"asm": {"group_id": 77}}),
    ],
)
def test_only_optional_mail_goes_where_a_block_may_stop_it(settings, esp, more, name, value):
    use(settings, esp, **more)
    optional, account = mail(**OPTIONAL), mail()
    mark(optional)
    mark(account)
    assert getattr(optional, name) == value
    assert not hasattr(account, name)


@pytest.mark.parametrize("esp", ["mailgun", "mailjet", "postmark", "sendgrid", "sparkpost"])
def test_no_mail_tells_the_provider_to_count_openings_or_clicks(settings, esp):
    use(settings, esp)
    optional, account = mail(**OPTIONAL), mail()
    for each in (optional, account):
        mark(each)
        assert (each.track_opens, each.track_clicks) == (False, False)


@pytest.mark.filterwarnings("ignore:django-anymail has dropped official support for SendGrid")
@pytest.mark.parametrize("esp", sorted(ESP_KEYS.keys() - {"amazon_ses"}))
def test_no_provider_refuses_what_we_mark(settings, esp):
    use(settings, esp, MAILGUN_SENDER_DOMAIN="x.example", MAILJET_SECRET_KEY="s")
    settings.ANYMAIL |= {"POSTAL_API_URL": "https://x.example", "SCALEWAY_PROJECT_ID": "x"}
    settings.ANYMAIL |= {"SPARKPOST_API_KEY": "k", "UNISENDER_GO_API_URL": "https://x.example"}
    backend: Any = get_connection(settings.MAIL_TRANSPORT.esp_backend)
    optional = mail(**OPTIONAL)
    mark(optional)
    backend.build_message_payload(optional, backend.send_defaults)
