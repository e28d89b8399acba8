"""Campaigns, service announcements, the outbox every mail leaves by, and what comes back of it."""

from messaging.models.incoming import ProviderEvent, SuppressionComparison
from messaging.models.mailings import Campaign, Mailing, ServiceAnnouncement
from messaging.models.outbox import Kind, Message, SendingLimit
from messaging.models.writing import MailImage, Segment

__all__ = [
    "Campaign",
    "Kind",
    "MailImage",
    "Mailing",
    "Message",
    "ProviderEvent",
    "Segment",
    "SendingLimit",
    "ServiceAnnouncement",
    "SuppressionComparison",
]
