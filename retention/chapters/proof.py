"""Proof that we keep our word."""

from typing import Final

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from retention import policy
from retention.chapters.standing import WHILE_IN_USE
from retention.entries import DataClass, Entry, Leaves, OnErasure, Rule, Then, kinds

PROOF: Final[tuple[Entry, ...]] = (
    Entry(
        model="retention.DeletionStep",
        data_class=DataClass.PROOF,
        title=_("Steps of deletions"),
        purpose=_("to finish a deletion whatever happens meanwhile"),
        clause="erased-on-request",
        fields=kinds(technical="id request position name removed blanked finished_at"),
        erasure=OnErasure.NOBODY,
        no_clock=_("goes with its deletion request"),
    ),
    Entry(
        model="retention.DeletionRequest",
        data_class=DataClass.PROOF,
        title=_("That a deletion was done"),
        purpose=_("to prove that we deleted what we were asked to delete"),
        clause="erased-on-request",
        fields=kinds(
            identity="person_id actor checked_by checked_again_by",
            content="check_note",
            technical="id reference scope contact_list_id since until covers_from covers_before "
            "state lapsed source requested_at due_on due_by_law begins_at deactivated warned_at "
            "held_at finished_at removed blanked kept journal_position journal_chain announcement "
            "announced answers",
            hidden="person_id actor checked_by checked_again_by covers_from covers_before lapsed "
            "warned_at held_at finished_at removed blanked kept journal_position journal_chain "
            "announcement announced answers",
        ),
        erasure=OnErasure.KEEP,
        why_kept=_("that a deletion was done, when, and how much of what; it names nobody"),
        law=_("GDPR Art. 5 (2): we must be able to show that we did it"),
        rules=(
            Rule(
                name="deletion_requests",
                title=_("That a deletion was done"),
                since=_("it was done"),
                clock="finished_at",
                period=policy.PROOF,
            ),
        ),
        exported=True,
        title_to_owner=_("Deletions that were asked for"),
    ),
    Entry(
        model="retention.LegalHold",
        data_class=DataClass.PROOF,
        title=_("Legal holds"),
        purpose=_("to keep what a dispute or an authority needs, with a reason and two people"),
        clause="gone-when-needless",
        fields=kinds(
            identity="customer_id placed_by approved_by released_by",
            content="reason release_reason",
            technical="id data_class since until reference review_on placed_at approved_at "
            "released_at",
        ),
        subject="customer_id",
        mentions=("placed_by_id", "approved_by_id", "released_by_id"),
        erasure=OnErasure.BLANK,
        blanked=("customer_id", "reason", "release_reason"),
        why_kept=_("that a hold was placed and released, and when; it no longer says about whom"),
        law=_(
            "GDPR Art. 17 (3) (e) and 5 (2): what a legal claim needs may be kept, and we must be "
            "able to show when it was"
        ),
        rules=(
            Rule(
                name="legal_holds",
                title=_("Legal holds"),
                since=_("the hold was released"),
                clock="released_at",
                period=policy.PROOF,
            ),
            Rule(
                name="lapsed_holds",
                title=_("Legal holds that nobody approved"),
                since=_("a hold was placed that nobody approved"),
                clock="placed_at",
                period=policy.PROOF,
                only=Q(approved_at=None, released_at=None),
            ),
        ),
        no_clock=_("a hold in force has no clock; a person looks at it again on a day it names"),
    ),
    Entry(
        model="retention.JournalMark",
        data_class=DataClass.PROOF,
        title=_("How far the journal is known"),
        purpose=_("to notice that an older state of the database was restored"),
        clause="obeyed-in-minutes",
        fields=kinds(technical="id position chain leaves head topics retired holds moved_at"),
        erasure=OnErasure.NOBODY,
        no_clock=WHILE_IN_USE,
    ),
    Entry(
        model="retention.RetentionRun",
        data_class=DataClass.PROOF,
        title=_("Runs of these rules"),
        purpose=_("to prove that data goes when its time is over"),
        clause="gone-when-needless",
        fields=kinds(
            identity="actor",
            technical="id rule cutoff removed partitions started_at duration longest_batch version "
            "companies refused",
        ),
        erasure=OnErasure.NOBODY,
        rules=(
            Rule(
                name="retention_runs",
                title=_("Runs of these rules"),
                since=_("the run"),
                clock="started_at",
                period=policy.PROOF,
            ),
        ),
    ),
    Entry(
        model="clicksend_portal.PromiseReading",
        data_class=DataClass.PROOF,
        title=_("Readings of our promises"),
        purpose=_("to show whether we keep our promises"),
        clause="gone-when-needless",
        fields=kinds(technical="id promise state evidence value measured_at"),
        erasure=OnErasure.NOBODY,
        rules=(
            Rule(
                name="readings",
                title=_("Readings of our promises"),
                since=_("the reading"),
                clock="measured_at",
                period=policy.READINGS,
                leaves=Leaves(
                    "clicksend_portal.PromiseDay", _("the worst of each day stays"), Then.TOTALS
                ),
            ),
        ),
    ),
    Entry(
        model="clicksend_portal.PromiseDay",
        data_class=DataClass.PROOF,
        title=_("Days on which our promises were kept"),
        purpose=_("to show whether we keep our promises"),
        clause="gone-when-needless",
        fields=kinds(technical="id promise day worst"),
        erasure=OnErasure.NOBODY,
        rules=(
            Rule(
                name="promise_days",
                title=_("Days on which our promises were kept"),
                since=_("the day"),
                clock="day",
                period=policy.PROMISE_DAYS,
            ),
        ),
    ),
)
