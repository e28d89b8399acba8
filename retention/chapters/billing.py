"""Bills and transactions (policy: up to 7 years)."""

from typing import Final

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from retention import policy
from retention.entries import DataClass, Entry, OnErasure, Rule, kinds

BOOKKEEPING = _(
    "Bookkeeping Act section 13 (Norway) or Corporations Act 2001 section 286 (Australia), "
    "whichever binds the company that sent the bill; GDPR Art. 17 (3) (b)"
)

BILLING: Final[tuple[Entry, ...]] = (
    Entry(
        model="accounts.Invoice",
        data_class=DataClass.BILLING,
        title=_("Invoices"),
        purpose=_("to bill you, and to keep accounts as the law on book-keeping demands"),
        clause="seven-years",
        fields=kinds(
            financial="invoice_number billed_to amount currency date settled_on",
            technical="id customer legal_entity",
            hidden="customer",
        ),
        subject="customer_id",
        erasure=OnErasure.KEEP,
        blanked=("customer_id",),
        why_kept=_(
            "the law on book-keeping demands them; they are no longer tied to an account, and hold "
            "nothing but what was billed to whom"
        ),
        law=BOOKKEEPING,
        rules=(
            Rule(
                name="invoices",
                title=_("Invoices"),
                since=_("the invoice was settled"),
                clock="settled_on",
                period=policy.BILLING,
                entity="legal_entity",
            ),
            # Nobody may be left to settle it: then the policy's seven years count from its date.
            Rule(
                name="open_invoices_of_nobody",
                title=_("Open invoices of deleted accounts"),
                since=_("the date of an invoice that was never settled and whose account is gone"),
                clock="date",
                period=policy.BILLING,
                only=Q(customer=None, settled_on=None),
            ),
        ),
        no_clock=_("an invoice that is not settled has no clock yet"),
        begins="date",
        exported=True,
    ),
    Entry(
        model="accounts.Transaction",
        data_class=DataClass.BILLING,
        title=_("Payments and charges"),
        purpose=_("to bill you, and to keep accounts as the law on book-keeping demands"),
        clause="seven-years",
        fields=kinds(
            financial="transaction_id invoice_number kind amount currency date ended_on",
            technical="id customer legal_entity",
            hidden="customer",
        ),
        subject="customer_id",
        erasure=OnErasure.KEEP,
        blanked=("customer_id",),
        why_kept=_(
            "the law on book-keeping demands them; they are no longer tied to an account, and hold "
            "nothing but what was paid"
        ),
        law=BOOKKEEPING,
        rules=(
            Rule(
                name="transactions",
                title=_("Payments and charges"),
                since=_("the transaction ended"),
                clock="ended_on",
                period=policy.BILLING,
                entity="legal_entity",
            ),
            Rule(
                name="open_transactions_of_nobody",
                title=_("Open payments of deleted accounts"),
                since=_("the date of a transaction that never ended and whose account is gone"),
                clock="date",
                period=policy.BILLING,
                only=Q(customer=None, ended_on=None),
            ),
        ),
        no_clock=_("a transaction under way has no clock yet"),
        begins="date",
        exported=True,
    ),
)
