"""The list of the provider that EMAIL_URL names, if it has one that we can read."""

from django.conf import settings

from messaging.providers.entry import SuppressionList
from messaging.providers.mailgun import MailgunList
from messaging.providers.postmark import PostmarkList
from messaging.providers.sendgrid import SendGridList


def open_list() -> SuppressionList | None:
    """The addresses of the APIs are those anymail sends to (`…?api_url=` moves both)."""
    known = settings.ANYMAIL
    match settings.MAIL_TRANSPORT.esp:
        case "postmark":
            return PostmarkList(
                key=known["POSTMARK_SERVER_TOKEN"],
                base=known.get("POSTMARK_API_URL", "https://api.postmarkapp.com"),
                stream=known.get("POSTMARK_MESSAGE_STREAM", "outbound"),
                optional_stream=known.get("POSTMARK_OPTIONAL_STREAM", ""),
            )
        case "sendgrid":
            return SendGridList(
                key=known["SENDGRID_API_KEY"],
                base=known.get("SENDGRID_API_URL", "https://api.sendgrid.com/v3"),
                group=known.get("SENDGRID_OPTIONAL_GROUP", ""),
            )
        case "mailgun":
            return MailgunList(
                key=known["MAILGUN_API_KEY"],
                base=known.get("MAILGUN_API_URL", "https://api.mailgun.net/v3"),
                domain=known.get("MAILGUN_SENDER_DOMAIN", settings.MAIL_DOMAIN),
            )
    return None
