"""What our mail carries for the provider: its key, and that it is optional.

Both come back or are asked about: an event names the message it is about, and a block that a
provider keeps for optional mail leaves account mail alone.
"""

from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives

MESSAGE_KEY = "portal_message"
OPTIONAL_TAG = "optional"
# Those whose anymail backend takes metadata; the others would refuse the mail.
_TAKE_METADATA = frozenset(
    {
        "amazon_ses",
        "brevo",
        "mailgun",
        "mailjet",
        "mailtrap",
        "mandrill",
        "postmark",
        "resend",
        "scaleway",
        "sendgrid",
        "sparkpost",
        "unisender_go",
    }
)


# Those whose anymail backend can be told to count no openings and no clicks.
_TAKE_NO_TRACKING = frozenset(
    {"mailersend", "mailgun", "mailjet", "mandrill", "postmark", "sendgrid", "sparkpost"}
    | {"unisender_go"}
)


def mark(mail: EmailMultiAlternatives, *, is_optional: bool | None = None) -> None:
    """Attributes that anymail reads off a mail; nobody is watched reading it."""
    esp = settings.MAIL_TRANSPORT.esp
    headers = mail.extra_headers
    if esp in _TAKE_NO_TRACKING:
        mail.track_opens = mail.track_clicks = False  # type: ignore[attr-defined]
    if esp in _TAKE_METADATA:
        key = parseaddr(headers.get("Message-ID", ""))[1].partition("@")[0]
        mail.metadata = {MESSAGE_KEY: key}  # type: ignore[attr-defined]
    if "List-Unsubscribe" in headers if is_optional is None else is_optional:
        for name, value in _optional(esp).items():
            setattr(mail, name, value)


def _optional(esp: str) -> dict[str, Any]:
    """The provider's own place for optional mail, where EMAIL_URL names one."""
    known = settings.ANYMAIL
    if esp == "mailgun":
        return {"tags": [OPTIONAL_TAG]}
    if esp == "postmark" and (stream := known.get("POSTMARK_OPTIONAL_STREAM")):
        return {"esp_extra": {"MessageStream": stream}}
    if esp == "sendgrid" and (group := known.get("SENDGRID_OPTIONAL_GROUP")):
        return {"esp_extra": {"asm": {"group_id": int(group)}}}
    return {}
