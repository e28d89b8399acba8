"""Questions to us (policy, "Kundeservice")."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from retention import policy
from retention.entries import DataClass, Entry, OnErasure, Rule, kinds

SUPPORT: Final[tuple[Entry, ...]] = (
    Entry(
        model="accounts.SupportEntry",
        data_class=DataClass.ACCOUNT,
        title=_("What you asked us, and what we answered"),
        purpose=_("to answer you, by the way you chose"),
        clause="your-channel",
        fields=kinds(
            content="text",
            identity="written_by",
            technical="id question kind at form",
            hidden="written_by form",
        ),
        subject="question__customer_id",
        mentions=("written_by_id",),
        erasure=OnErasure.DELETE,
        no_clock=_("goes with the question it belongs to"),
        begins="at",
        exported=True,
    ),
    Entry(
        model="accounts.SupportQuestion",
        data_class=DataClass.ACCOUNT,
        title=_("Your questions to us"),
        purpose=_("to answer you, by the way you chose"),
        clause="your-channel",
        fields=kinds(
            identity="name",
            contact="email phone call_when channel",
            content="topic",
            technical="id reference customer language state assigned_to asked_at moved_at "
            "closed_at",
            hidden="customer assigned_to",
        ),
        subject="customer_id",
        mentions=("assigned_to_id",),
        erasure=OnErasure.DELETE,
        rules=(
            Rule(
                name="support_questions",
                title=_("Your questions to us"),
                since=_("the question was closed"),
                clock="closed_at",
                period=policy.SUPPORT,
            ),
        ),
        no_clock=_("an open question has no clock yet"),
        begins="asked_at",
        exported=True,
    ),
)
