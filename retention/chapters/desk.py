"""The privacy officer's desk (GDPR art. 12, 28, 30, 33), and who else could reach the data."""

from typing import Final

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from retention import policy
from retention.entries import DataClass, Entry, OnErasure, Rule, kinds

DESK: Final[tuple[Entry, ...]] = (
    Entry(
        model="retention.PrivacyRequest",
        data_class=DataClass.PROOF,
        title=_("Your requests about your data"),
        purpose=_("to answer each in time, and to be able to show that we did"),
        clause="erased-on-request",
        fields=kinds(
            identity="person_id name list_owner passed_to assigned_to actor identity_by "
            "answered_by",
            contact="email",
            content="text answer identity_how extended_because",
            technical="id reference kind source state language legal_entity received_at "
            "received_on due_on extended_at identity_at deletion_reference access_event_id ground "
            "closed_at announced_at warned_at form",
            hidden="person_id passed_to assigned_to actor identity_by answered_by "
            "access_event_id form announced_at warned_at",
        ),
        subject="person_id",
        mentions=("assigned_to_id", "passed_to"),
        erasure=OnErasure.BLANK,
        blanked=(
            "person_id",
            "name",
            "email",
            "text",
            "answer",
            "list_owner",
            "identity_how",
            "extended_because",
            "access_event_id",
            "deletion_reference",
        ),
        why_kept=_(
            "that a request of its kind came and when it was answered; whose it was and what it "
            "said is blanked"
        ),
        law=_("GDPR Art. 12 (3) and 5 (2): we must be able to show that we answered, and in time"),
        rules=(
            Rule(
                name="privacy_requests",
                title=_("Requests about personal data"),
                since=_("it was answered"),
                clock="closed_at",
                period=policy.DESK,
            ),
        ),
        no_clock=_("an open request has no clock yet"),
        begins="received_at",
        exported=True,
    ),
    Entry(
        model="retention.Breach",
        data_class=DataClass.PROOF,
        title=_("Breaches of security, and what was done about them"),
        purpose=_("to document each, as GDPR art. 33 (5) wants it; it names no customer"),
        clause="content-private",
        fields=kinds(
            identity="registered_by closed_by",
            technical="id title what_happened confidentiality integrity availability began_at "
            "aware_at data_concerned people records consequences measures risk legal_entity "
            "registered_at notified_at notified_as late_because not_notified_because "
            "people_told_at people_told_how people_untold closed_at alarms",
        ),
        mentions=("registered_by_id", "closed_by_id"),
        erasure=OnErasure.NOBODY,
        rules=(
            Rule(
                name="breaches",
                title=_("Breaches of security"),
                since=_("the case was closed"),
                clock="closed_at",
                period=policy.DESK,
            ),
        ),
        no_clock=_("an open case has no clock yet"),
    ),
    Entry(
        model="retention.DeclaredAccess",
        data_class=DataClass.OPERATION,
        title=_("Who holds the database, the machines and the keys"),
        purpose=_("to let few see, and to say how many; it names nobody"),
        clause="few-see",
        fields=kinds(
            technical="id what people who_nb who_en why_nb why_en processor since until "
            "confirmed_on"
        ),
        erasure=OnErasure.NOBODY,
        rules=(
            Rule(
                name="declared_accesses",
                title=_("Who holds the database, the machines and the keys"),
                since=_("it ended"),
                clock="until",
                period=policy.DESK,
            ),
        ),
        no_clock=_("kept for as long as it lasts"),
    ),
    Entry(
        model="retention.Processor",
        data_class=DataClass.OPERATION,
        title=_("Companies that handle data for us"),
        purpose=_("to say who they are; they are companies, not people"),
        clause="few-see",
        fields=kinds(
            technical="id name country task_nb task_en data_nb data_en transfer agreement_on "
            "since until can_read confirmed_on"
        ),
        erasure=OnErasure.NOBODY,
        rules=(
            Rule(
                name="processors",
                title=_("Companies that handled data for us"),
                since=_("it ended"),
                clock="until",
                period=policy.DESK,
                # What is declared of their people goes first.
                only=Q(declaredaccess=None),
            ),
        ),
        no_clock=_("kept for as long as it lasts"),
    ),
    Entry(
        model="retention.PromiseAlert",
        data_class=DataClass.OPERATION,
        title=_("Alerts about promises that turned"),
        purpose=_("to tell who answers for a promise, once, when it is not kept"),
        clause="gone-when-needless",
        fields=kinds(technical="id promise state turned_at told over_at made_at"),
        erasure=OnErasure.NOBODY,
        rules=(
            Rule(
                name="promise_alerts",
                title=_("Alerts about promises that turned"),
                since=_("the alert was over"),
                clock="over_at",
                period=policy.READINGS,
            ),
        ),
        no_clock=_("one that is not over has no clock yet"),
    ),
)
