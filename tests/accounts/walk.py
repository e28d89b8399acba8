"""Steps that many tests of the account pages take: fill in the form, open the mail, follow it."""

import re

from django.conf import settings
from django.test import Client

from messaging.models import Message

PASSWORD = "lang-setning-med-blåbær"


def signup_form(**fields: str) -> dict[str, str]:
    """A filled-in form that is accepted as it stands."""
    values = {
        "username": "kari.nordmann",
        "first_name": "Kari",
        "email": "kari@example.test",
        "language": "nb",
        "topic_newsletter": "yes",
        "topic_product_news": "no",
        "topic_special_offers": "no",
    }
    return values | fields


def mails_to(address: str) -> list[Message]:
    return list(Message.objects.filter(to_address=address).order_by("queued_at", "id"))


def link_in(message: Message) -> str:
    """The path of the first link in the text part."""
    found = re.search(re.escape(settings.PORTAL_URL) + r"(/\S+)", message.text)
    assert found is not None, message.text
    return found.group(1)


def sign_up(client: Client, **fields: str) -> str:
    """Sign up and open the mail; where its link leads."""
    form = signup_form(**fields)
    answer = client.post("/signup/", form)
    assert answer.status_code == 302, answer.context["form"].errors
    return link_in(mails_to(form["email"])[-1])


def passwords(password: str = PASSWORD) -> dict[str, str]:
    return {"password1": password, "password2": password}


def person_in(client: Client) -> str | None:
    """The key of whoever the browser is signed in as."""
    key: str | None = client.session.get("_auth_user_id")
    return key
