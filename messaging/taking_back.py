"""A timed mailing that no longer passes at its hour goes back to its writers, and they are told.

Between approval and hour the list of words may grow, the sender's name change, a picture or the
approver's account go. Left approved it would neither leave nor say why.
"""

import logging
from collections.abc import Callable

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import translation

from accounts.models import User
from foundation.mail import write_mail
from messaging.models import Mailing
from messaging.refusals import NotAllowed, Unfit

logger = logging.getLogger(__name__)
type Look = Callable[[Mailing], None]


@transaction.atomic
def take_back(mailing: Mailing, *, look: Look) -> bool:
    """Whether it was approved until now and is a draft again; the sender's role may do this.

    `look` refuses what may not go out. The database takes the approval away with the state.
    """
    model = type(mailing)
    rows = model.objects.select_for_update(of=("self",))
    found = rows.filter(pk=mailing.pk, state=Mailing.State.APPROVED).first()
    # Edited or mended since it was refused: another approval, or the next round, decides.
    if found is None or not (why := _why_not(found, look, "en")):
        return False
    model.objects.filter(pk=found.pk).update(state=Mailing.State.DRAFT)
    logger.warning("mailing %s did not leave at its time: %s", found.pk, why)
    _tell(found, look)
    return True


def _why_not(mailing: Mailing, look: Look, language: str) -> str:
    with translation.override(language):
        try:
            look(mailing)
        except (NotAllowed, Unfit) as refusal:
            return str(refusal)
    return ""


def _tell(mailing: Mailing, look: Look) -> None:
    """Those who wrote and approved it learn why it did not leave."""
    keys = {mailing.author_id, mailing.edited_by_id, mailing.approved_by_id}
    people = User.objects.filter(pk__in=keys - {None}, is_active=True)
    url = reverse(f"admin:messaging_{mailing._meta.model_name}_change", args=[mailing.pk])
    # The sender's role reads no other columns.
    for person in people.order_by("pk").only("pk", "email", "language"):
        language = person.language or settings.LANGUAGE_CODE
        write_mail(
            "messaging/mail/mailing_taken_back",
            to=person.email,
            person_id=person.pk,
            language=language,
            context={
                "mailing_subject": mailing.text("subject", language),
                "reason": _why_not(mailing, look, language),
                "url": settings.PORTAL_URL + url,
            },
        )
