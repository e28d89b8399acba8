"""Who has looked at a customer's data, as the customer reads it: role, what, when, why.

GDPR art. 15 (1) gives the customer that much; which employee it was it does not, unless they need
it to use their rights (CJEU C-579/21, Pankki S, 22 June 2023). So a look is told by role.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import AccessEvent, Basis, Seen, SupportQuestion
from accounts.roles import Role
from consent.history import human_date, human_moment
from retention.models import PrivacyRequest

# A customer finds the look they wonder about without a search.
LOOKS_ON_A_PAGE = 25
# As the beginning of a sentence.
WHO: Mapping[str, str | Promise] = {
    Role.SUPPORT: gettext_lazy("Customer support"),
    Role.EDITOR: gettext_lazy("A marketing editor"),
    Role.APPROVER: gettext_lazy("An approver of announcements"),
    Role.REVIEWER: gettext_lazy("A content reviewer"),
    Role.PRIVACY: gettext_lazy("The privacy officer"),
    Role.BILLING: gettext_lazy("Accounting"),
    Role.AUDITOR: gettext_lazy("An auditor"),
    Role.ADMINISTRATOR: gettext_lazy("An administrator of roles"),
}
WHY: Mapping[str, str | Promise] = {
    Basis.QUESTION: gettext_lazy("your question to us"),
    Basis.DELETION: gettext_lazy("your request to delete data"),
    Basis.REQUEST: gettext_lazy("your request to our privacy officer"),
    Basis.REFERENCE: gettext_lazy("your part in the customer reference program"),
    Basis.REVIEW: gettext_lazy("a review of content against our terms"),
}


@dataclass(frozen=True, slots=True)
class Look:
    """One event in words, where its reason leads to, and the customer's objection if there is."""

    event: AccessEvent
    sentence: str
    when: str
    thread: str
    objection: PrivacyRequest | None


def looks_at(person_id: uuid.UUID) -> QuerySet[AccessEvent]:
    """Newest first; those of one moment in the order in which they were written."""
    return AccessEvent.objects.filter(person_id=person_id).order_by("-at", "-pk")


def told(events: Sequence[AccessEvent], person_id: uuid.UUID) -> list[Look]:
    """A page of them, with what belongs to them read at once."""
    questions = {
        str(question.reference): question
        for question in SupportQuestion.objects.filter(customer_id=person_id)
    }
    keys = [event.pk for event in events]
    objections = {
        wish.access_event_id: wish
        for wish in PrivacyRequest.objects.filter(person_id=person_id, access_event_id__in=keys)
    }
    looks = []
    for event in events:
        question = questions.get(event.reference) if event.basis == Basis.QUESTION else None
        looks.append(
            Look(
                event=event,
                sentence=sentence(event, question),
                when=human_moment(event.at),
                thread=reverse("account_support_thread", args=[question.reference])
                if question
                else "",
                objection=objections.get(event.pk),
            )
        )
    return looks


def sentence(event: AccessEvent, question: SupportQuestion | None = None) -> str:
    """`Customer support looked at your contact details on 12 March 2026: your question about …`."""
    words = {
        # A role that is no more keeps the word it had.
        "role": str(WHO.get(event.role, event.role)),
        "day": human_date(event.at),
    }
    if event.what == Seen.SEARCH:
        return _("%(role)s searched for you on %(day)s and saw that you are a customer.") % words
    return _("%(role)s looked at %(what)s on %(day)s: %(why)s.") % {
        **words,
        "what": str(Seen(event.what).label),
        "why": why(event, question),
    }


def why(event: AccessEvent, question: SupportQuestion | None) -> str:
    if event.basis == Basis.REASON:
        return _("“%(reason)s”") % {"reason": event.reason.rstrip(".")}
    if question is not None:
        return _("your question about “%(topic)s”") % {"topic": question.get_topic_display()}
    return str(WHY[event.basis])
