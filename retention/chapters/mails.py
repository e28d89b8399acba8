"""Mails to people, what came back, and what we write."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from retention import policy
from retention.entries import DataClass, Entry, OnErasure, Removal, Rule, kinds

MAILS: Final[tuple[Entry, ...]] = (
    Entry(
        model="messaging.Message",
        data_class=DataClass.MAIL,
        title=_("Emails we sent you or are about to send"),
        purpose=_("to send each email once, and to answer whether and when you got it"),
        clause="asked-for-mail",
        fields=kinds(
            contact="to_address",
            content="subject text html",
            technical="id kind purpose mailing_id topic_id person_id language state reason "
            "queued_at handed_at finished_at delivered_at priority sender attempts not_before "
            "lease lease_until",
            hidden="text html person_id priority sender attempts not_before lease lease_until",
        ),
        subject="person_id",
        erasure=OnErasure.DELETE,
        rules=(
            Rule(
                name="outbox",
                title=_("Emails we sent"),
                since=_("the email was written"),
                clock="id",
                period=policy.OUTBOX,
                removal=Removal.PARTITIONS,
            ),
            Rule(
                name="mail_to_nobody",
                title=_("Emails to people who are gone"),
                since=_("the account is gone"),
                clock="queued_at",
                period=policy.Period(),
                removal=Removal.MAIL_TO_NOBODY,
            ),
        ),
        begins="queued_at",
        exported=True,
    ),
    Entry(
        model="messaging.ProviderEvent",
        data_class=DataClass.MAIL,
        title=_("What came back about our emails"),
        purpose=_("to obey a request to stop by every way, and to stop writing to dead addresses"),
        clause="obeyed-in-minutes",
        fields=kinds(
            content="kind outcome why status about",
            technical="id provider person_id topic_id message_id mailing_id happened_at "
            "received_at",
            hidden="person_id",
        ),
        subject="person_id",
        erasure=OnErasure.DELETE,
        rules=(
            Rule(
                name="provider_events",
                title=_("What came back about our emails"),
                since=_("it came in"),
                clock="id",
                period=policy.PROVIDER_EVENTS,
                removal=Removal.PARTITIONS,
            ),
        ),
        begins="received_at",
        exported=True,
    ),
    Entry(
        model="messaging.SuppressionComparison",
        data_class=DataClass.PROOF,
        title=_("Comparisons with the mail provider's list"),
        purpose=_("to obey a no that was said to our mail provider"),
        clause="obeyed-in-minutes",
        fields=kinds(
            technical="id compared_at provider theirs same added_here added_there removed_there "
            "lifted_here not_added_there failed error differences"
        ),
        erasure=OnErasure.NOBODY,
        rules=(
            Rule(
                name="suppression_comparisons",
                title=_("Comparisons with the mail provider's list"),
                since=_("the comparison"),
                clock="compared_at",
                period=policy.PROVIDER_EVENTS,
            ),
        ),
    ),
    Entry(
        model="messaging.Campaign",
        data_class=DataClass.OWN,
        title=_("Newsletters and other optional emails we write"),
        purpose=_("to send them, and to know which email a choice was made from"),
        clause="offers-optional",
        fields=kinds(
            content="subject_nb subject_en preheader_nb preheader_en body_nb body_en",
            identity="author approved_by edited_by",
            technical="id state send_at created_at approved_at resolved_at resolved_through "
            "resolved finished_at number topic segment in_customers_zone edited_at stop_reason",
        ),
        mentions=("author_id", "approved_by_id", "edited_by_id"),
        erasure=OnErasure.NOBODY,
        no_clock=_("kept, for the history of your choices refers to it; it names no customer"),
    ),
    Entry(
        model="messaging.ServiceAnnouncement",
        data_class=DataClass.OWN,
        title=_("Service announcements we write"),
        purpose=_("to send them, and to show that they are rare and never marketing"),
        clause="service-is-service",
        fields=kinds(
            content="subject_nb subject_en preheader_nb preheader_en body_nb body_en review_note",
            identity="author approved_by edited_by sent_by reviewed_by writers",
            technical="id state send_at created_at approved_at resolved_at resolved_through "
            "resolved finished_at category is_standing prepared_from edited_at reviewed_at "
            "stop_reason",
        ),
        mentions=(
            "author_id",
            "approved_by_id",
            "edited_by_id",
            "sent_by_id",
            "reviewed_by_id",
            "writers",
        ),
        erasure=OnErasure.NOBODY,
        no_clock=_("kept, to show what we announced; it names no customer"),
    ),
    Entry(
        model="messaging.Segment",
        data_class=DataClass.OWN,
        title=_("Segments we write to"),
        purpose=_("to tailor optional emails to those who chose tailoring"),
        clause="purpose-bound",
        fields=kinds(
            content="name",
            demographic="countries languages since_from since_until",
            identity="created_by",
            technical="id created_at",
        ),
        mentions=("created_by_id",),
        erasure=OnErasure.NOBODY,
        no_clock=_("kept, for campaigns refer to it; it names no customer"),
    ),
    Entry(
        model="messaging.MailImage",
        data_class=DataClass.OWN,
        title=_("Pictures in our emails"),
        purpose=_("to show them to the reader, at one address for everybody"),
        clause="offers-optional",
        fields=kinds(
            content="name data",
            identity="uploaded_by",
            technical="id digest content_type width height size uploaded_at",
        ),
        mentions=("uploaded_by_id",),
        erasure=OnErasure.NOBODY,
        no_clock=_("kept, for emails already delivered show it; it names no customer"),
    ),
    Entry(
        model="messaging.SendingLimit",
        data_class=DataClass.OWN,
        title=_("How fast our emails may leave"),
        purpose=_("to send no faster than mail providers accept"),
        clause="asked-for-mail",
        fields=kinds(technical="id domain per_minute burst next_at"),
        erasure=OnErasure.NOBODY,
        no_clock=_("a setting; it names no customer"),
    ),
)
