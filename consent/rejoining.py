"""Whether a person has said yes again since: news of an older no must not undo it.

A complaint or a provider's event may come in late or twice, days after its owner rejoined by an act
of their own. A yes speaks for the one topic it was said to: whoever ticks the newsletter anew, or
tailoring, has not taken back their no to the offers. What lifts a suppression stands in
`consent.services` and `consent.suppression`.
"""

import uuid
from collections.abc import Iterable
from datetime import datetime

from django.db.models import Max

from consent.models import OWN_ACTS, ConsentDetail, Preference, State, Topic


def own_yeses_after(person_id: uuid.UUID, moment: datetime) -> set[uuid.UUID]:
    """The topics to which the person has since turned what was no yes into one; a pause is none."""
    own = ConsentDetail.objects.of(person_id).filter(state=State.GRANTED, source__in=OWN_ACTS)
    newest = (
        own.exclude(state_before=State.GRANTED)
        .order_by()
        .values("topic_id")
        .annotate(newest=Max("at"))
    )
    return set(newest.filter(newest__gt=moment).values_list("topic_id", flat=True))


def without_later_yes(
    person_id: uuid.UUID, topics: Iterable[uuid.UUID], moment: datetime
) -> list[uuid.UUID]:
    """Those of the topics for which a no of that moment is still the person's own newest word."""
    later = own_yeses_after(person_id, moment)
    return [topic for topic in topics if topic not in later]


def wants_mail_since(person_id: uuid.UUID, moment: datetime) -> bool:
    """Whether a later own yes is one to mail; only such a yes ends what bars an address."""
    later = own_yeses_after(person_id, moment)
    return Topic.objects.filter(pk__in=later, kind=Topic.Kind.MAIL).exists()


def older_yeses_to_mail(person_id: uuid.UUID, moment: datetime) -> list[uuid.UUID]:
    """Topics of mail that stand at yes, but not by an own act after that moment."""
    standing = Preference.objects.of(person_id).filter(
        state=State.GRANTED, topic__kind=Topic.Kind.MAIL
    )
    return without_later_yes(person_id, standing.values_list("topic_id", flat=True), moment)
