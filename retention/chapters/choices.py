"""Choices, their history, and the log that proves them."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from retention import policy
from retention.entries import DataClass, Entry, OnErasure, Removal, Rule, kinds

CHOICES: Final[tuple[Entry, ...]] = (
    Entry(
        model="consent.Preference",
        data_class=DataClass.CHOICES,
        title=_("Your yes or no to each topic"),
        purpose=_("to send you what you asked for, and nothing else"),
        clause="asked-for-mail",
        fields=kinds(
            content="state paused_until source since",
            technical="id person topic version",
            hidden="person",
        ),
        subject="person_id",
        erasure=OnErasure.DELETE,
        no_clock=_("has no clock: a choice stands until you change it, and a no never runs out"),
        begins="since",
        exported=True,
    ),
    Entry(
        model="consent.ConsentDetail",
        data_class=DataClass.CHOICES,
        title=_("When and how you made each choice"),
        purpose=_("to show you, and to prove, what you chose"),
        clause="offers-optional",
        fields=kinds(
            identity="person_id actor",
            content="state_before state paused_until paused_until_before undone source reason "
            "language wording_version at received_at",
            technical="id topic_id version mailing salt",
            hidden="person_id actor salt",
        ),
        subject="person_id",
        erasure=OnErasure.DELETE,
        rules=(
            Rule(
                name="superseded_choices",
                title=_("Choices that a newer one replaced"),
                since=_("a newer choice replaced it"),
                clock="at",
                period=policy.SUPERSEDED_CHOICES,
                removal=Removal.SUPERSEDED_CHOICES,
            ),
        ),
        no_clock=_(
            "the choice that stands has no clock; all of them go at once when your account is "
            "deleted"
        ),
        begins="at",
        exported=True,
    ),
    Entry(
        model="consent.Suppression",
        data_class=DataClass.PROOF,
        title=_("Fingerprint of an address that gets nothing optional"),
        purpose=_("to send nothing optional to an address whose owner is gone or said no"),
        clause="erased-on-request",
        fields=kinds(
            contact="address_hash",
            technical="id key_id reason since review_on",
            hidden="address_hash key_id",
        ),
        erasure=OnErasure.KEEP,
        why_kept=_(
            "a keyed fingerprint of your email address, from which nobody can read the address: "
            "it is what keeps optional email from reaching you again, from a list or an import. "
            "Our journal outside the database holds it too, so that a restored backup brings "
            "neither your data nor our email back"
        ),
        law=_("GDPR Art. 21 (3): who says no to marketing must not be written to again"),
        no_clock=_("has no clock, for a no must not run out; we review it every 3 years"),
        exported=True,
    ),
    Entry(
        model="consent.Leaf",
        data_class=DataClass.PROOF,
        title=_("Log of fingerprints of choices"),
        purpose=_("to prove that no choice was changed or lost afterwards"),
        clause="obeyed-in-minutes",
        fields=kinds(technical="index kind event_id hash sealed_at"),
        erasure=OnErasure.NOBODY,
        no_clock=_("kept: without the choice itself it says nothing about anybody"),
    ),
    *(
        Entry(
            model=f"consent.{model}",
            data_class=DataClass.PROOF,
            title=_("Log of fingerprints of choices"),
            purpose=_("to prove that no choice was changed or lost afterwards"),
            clause="obeyed-in-minutes",
            fields=kinds(technical=columns),
            erasure=OnErasure.NOBODY,
            no_clock=_("kept: without the choice itself it says nothing about anybody"),
        )
        for model, columns in (
            ("Node", "number hash"),
            ("LogKey", "number public origin since"),
            ("Head", "size root signed_at key signature"),
        )
    ),
)
