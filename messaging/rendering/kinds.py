"""What sets the three kinds of mail apart on the wire: sender and headers.

No `Precedence`: RFC 3834 and RFC 5230 let List-Id and Auto-Submitted quiet answering machines.
Feedback-ID lets a provider tell complaints apart by campaign and topic, never by person.
"""

from dataclasses import dataclass

from django.conf import settings

from consent.models import Topic
from consent.tokens import unsubscribe_url
from messaging.models import Campaign, Kind

# Google's Feedback-ID wants a last part that stays the same for one sender, 5 to 15 characters.
SENDER_ID = "clicksend"


@dataclass(frozen=True, slots=True)
class Source:
    """The campaign a token names, so that a no tells what it was about."""

    topic: int
    slug: str
    campaign: int
    wording_version: int

    @classmethod
    def of(cls, campaign: Campaign) -> "Source":
        return cls.of_topic(campaign.topic, campaign=campaign.number)

    @classmethod
    def of_topic(cls, topic: Topic, *, campaign: int = 0) -> "Source":
        """A single mail has no campaign: 0, as in its token."""
        slug = topic.slug.replace("_", "-")
        return cls(topic.number, slug, campaign, topic.wording_version)


def sender_of(kind: str) -> str:
    by_kind = {Kind.OPTIONAL: settings.NEWS_FROM, Kind.SERVICE: settings.SERVICE_FROM}
    return str(by_kind.get(Kind(kind), settings.ACCOUNT_FROM))


def headers_of(source: Source | None, token: str) -> dict[str, str]:
    """RFC 2919: a List-Id per topic. RFC 2369 and RFC 8058: https first, mailto second.

    Mail without a source was not asked for, so it has nothing to unsubscribe from (RFC 3834).
    """
    if source is None:
        return {"Auto-Submitted": "auto-generated"}
    mailto = f"mailto:{settings.UNSUBSCRIBE_MAILBOX}?subject={token}"
    return {
        "List-Id": f"<{source.slug}.{settings.MAIL_DOMAIN}>",
        "List-Unsubscribe": f"<{unsubscribe_url(token)}>, <{mailto}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "Feedback-ID": f"{source.campaign}:{source.slug}:optional:{SENDER_ID}",
    }
