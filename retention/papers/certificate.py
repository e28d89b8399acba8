"""The certificate that an item was destroyed: two people say how (NIST SP 800-88r2)."""

from django.conf import settings
from django.utils import translation
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from retention.models import Destruction
from retention.papers.pdf import Paper
from retention.words import human_day, utc_moment


class NotSignedYet(Exception):
    """One signature certifies nothing."""


def certificate(destruction: Destruction, *, language: str) -> bytes:
    """Says nothing of whose the item was: what proves its end may be shown to anybody."""
    if destruction.countersigned_at is None:
        raise NotSignedYet
    with translation.override(language):
        return drawn(destruction, language).as_bytes()


def drawn(destruction: Destruction, language: str) -> Paper:
    item, second_at = destruction.item, destruction.countersigned_at
    assert second_at is not None
    paper = Paper(
        _("Certificate of destruction"),
        lead=_("This item held data of customers. It was destroyed, and two people sign for it."),
        issuer=settings.LEGAL_NAME,
        language=language,
        made_at=second_at,
        running_title=_("Certificate %(number)s") % {"number": destruction.pk},
    )
    paper.heading(_("The item"))
    paper.facts(
        [
            (_("What"), item.name),
            (_("Kind"), capfirst(item.get_kind_display())),
            (_("Serial or box number"), item.serial),
            (_("What was on it"), item.contains),
            (_("Kept at"), item.place),
            (_("Kept since"), human_day(item.kept_since)),
            (_("Had to be destroyed by"), human_day(item.due_on)),
        ]
    )
    paper.heading(_("Its destruction"))
    paper.facts(
        [
            (_("Method"), capfirst(destruction.get_method_display())),
            (_("With what"), destruction.tool),
            (_("Where"), destruction.place),
            (_("On"), human_day(destruction.destroyed_on)),
            (_("How it was verified"), destruction.verified_how),
            (
                _("Standard"),
                _("NIST SP 800-88r2, category %(name)s")
                % {"name": destruction.method.capitalize()},
            ),
        ]
    )
    paper.heading(_("Signatures"))
    paper.paragraph(
        _(
            "Each signed in to our staff site under an account of their own, with a second factor. "
            "The database refuses a second signature by the same person, and any change after it."
        )
    )
    paper.signatures(
        [
            (destruction.performed_by, _("Destroyed it"), utc_moment(destruction.signed_at)),
            (destruction.verified_by, _("Verified it"), utc_moment(second_at)),
        ]
    )
    paper.space(4)
    paper.paragraph(f"{settings.LEGAL_NAME}, {settings.POSTAL_ADDRESS}", quiet=True)
    return paper
