"""Campaigns, service announcements, the outbox every mail leaves by, and what comes back of it.

And, apart from all of these, what customers keep with us of their own.
"""

from messaging.models.content import (
    Contact,
    ContactList,
    ContactOptOut,
    ListUpload,
    MessageContent,
    MessageRecord,
    Report,
    UploadPart,
    UploadProblem,
)
from messaging.models.deeds import OwnDeed
from messaging.models.incoming import ProviderEvent, SuppressionComparison
from messaging.models.mailings import Campaign, Mailing, ServiceAnnouncement
from messaging.models.outbox import Kind, Message, SendingLimit
from messaging.models.tombstones import DeidentifiedStretch, Tombstone
from messaging.models.writing import MailImage, Segment

__all__ = [
    "Campaign",
    "Contact",
    "ContactList",
    "ContactOptOut",
    "DeidentifiedStretch",
    "Kind",
    "ListUpload",
    "MailImage",
    "Mailing",
    "Message",
    "MessageContent",
    "MessageRecord",
    "OwnDeed",
    "ProviderEvent",
    "Report",
    "Segment",
    "SendingLimit",
    "ServiceAnnouncement",
    "SuppressionComparison",
    "Tombstone",
    "UploadPart",
    "UploadProblem",
]
