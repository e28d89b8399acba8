"""The customer reference program: what is shown of whom, and what customers ask us."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from retention import policy
from retention.entries import DataClass, Entry, OnErasure, Rule, kinds

REFERENCE: Final[tuple[Entry, ...]] = (
    Entry(
        model="consent.SalesCall",
        data_class=DataClass.CHOICES,
        title=_("Sales calls we asked you for"),
        purpose=_("to ask before each call, and never more often than you want"),
        clause="reference-by-will",
        fields=kinds(
            identity="person asked_by with_whom",
            content="about answer",
            technical="id asked_at answer_until answered_at made_at",
            hidden="person asked_by",
        ),
        subject="person_id",
        mentions=("asked_by_id",),
        erasure=OnErasure.DELETE,
        rules=(
            Rule(
                name="sales_calls",
                title=_("Sales calls we asked you for"),
                since=_("we asked"),
                clock="asked_at",
                period=policy.SUPERSEDED_CHOICES,
            ),
        ),
        begins="asked_at",
        exported=True,
    ),
    Entry(
        model="consent.CallLimit",
        data_class=DataClass.CHOICES,
        title=_("How many sales calls you take a year"),
        purpose=_("to ask before each call, and never more often than you want"),
        clause="reference-by-will",
        fields=kinds(content="a_year", technical="person", hidden="person"),
        subject="person_id",
        erasure=OnErasure.DELETE,
        no_clock=_("has no clock: a choice stands until you change it, and a no never runs out"),
        exported=True,
    ),
    Entry(
        model="consent.ReferenceText",
        data_class=DataClass.CHOICES,
        title=_("Words about you that you approved or declined"),
        purpose=_("to show nothing of you in words you have not approved"),
        clause="reference-by-will",
        fields=kinds(
            content="text_nb text_en remark",
            identity="written_by staff_approved_by",
            technical="id use version by_customer written_at staff_approved_at "
            "customer_approved_at customer_declined_at",
            hidden="written_by staff_approved_by",
        ),
        subject="use__person_id",
        erasure=OnErasure.DELETE,
        no_clock=_("goes with the reference it belongs to"),
        begins="written_at",
        exported=True,
    ),
    Entry(
        model="consent.Takedown",
        data_class=DataClass.PROOF,
        title=_("Proof that references were taken down"),
        purpose=_(
            "to prove that what showed you as a customer is gone; what a colleague wrote of it "
            "goes with your account"
        ),
        clause="reference-by-will",
        fields=kinds(
            identity="owner checked_by",
            technical="id use opened_at due_at reminded_at checked checked_at was_there closed_at "
            "told_at",
        ),
        mentions=("owner_id",),
        erasure=OnErasure.NOBODY,
        no_clock=_("goes with the reference it belongs to"),
        begins="opened_at",
    ),
    Entry(
        model="consent.ReferenceUse",
        data_class=DataClass.CHOICES,
        title=_("Where we show you as a customer"),
        purpose=_("to know every place, so that all of it comes down when you leave"),
        clause="reference-by-will",
        fields=kinds(
            identity="person responsible",
            content="title url copies",
            technical="id topic place state planned_at published_at removed_at",
            hidden="person responsible",
        ),
        subject="person_id",
        mentions=("responsible_id",),
        erasure=OnErasure.BLANK,
        blanked=("person_id", "title"),
        why_kept=_(
            "where something about you still has to be taken down, until it is: the address or the "
            "copies as they were written down"
        ),
        law=_(
            "GDPR Art. 17 (2) and 5 (2): what was made public must come down, and we must be able "
            "to show that it did"
        ),
        rules=(
            Rule(
                name="reference_uses",
                title=_("Where we showed you as a customer"),
                since=_("it was removed"),
                clock="removed_at",
                period=policy.PROOF,
            ),
        ),
        no_clock=_("what is shown has no clock; you end it whenever you like"),
        begins="planned_at",
        exported=True,
    ),
)
