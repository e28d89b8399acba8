"""Two customers who let us show them, and a third who no longer does: a takedown to see to."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from accounts.models import User
from consent.models import ReferenceUse, Source, Topic
from consent.reference.services import approve_text, plan_use, write_text
from consent.services import SELF, Shown, record_choices, record_opt_out

CALLED = (
    "Før ringte vi når trykksakene var klare. Nå får kundene en SMS, og de fleste henter i dag.",
    "We used to call when prints were ready. Now people get a text, and most come the same day.",
)
REMINDED = (
    "Påminnelsen dagen før halverte tallet på timer som ingen møtte til.",
    "The reminder the day before halved the number of appointments nobody came to.",
)
FILLED = (
    "Slik fylte vi de ledige timene: én SMS til ventelisten, og den som svarer først, får timen.",
    "How we filled the free hours: one text to the waiting list; whoever answers first gets it.",
)


def make_references(customers: Sequence[User], staff: User, *, now: datetime) -> None:
    """As in life: a yes, words of theirs, an approval of ours; all of yesterday and today."""
    first, second, leaver = [each for each in customers if each.is_confirmed][:3]
    topics = {topic.slug: topic for topic in Topic.objects.live()}
    quote, name, story = (
        topics[f"reference_{each}"] for each in ("quote", "name", "success_story")
    )
    show(first, quote, CALLED, staff, place="references", now=now)
    show(second, quote, REMINDED, staff, place="references", now=now)
    show(first, name, None, staff, place="references", now=now)
    show(
        leaver,
        story,
        FILLED,
        staff,
        place="print",
        copies="200 foldere, messen i Lillestrøm",
        now=now,
    )
    record_opt_out(
        leaver.pk, [story.pk], source=Source.PREFERENCES, now=now, shown=shown_to(leaver)
    )


def show(
    customer: User,
    activity: Topic,
    words: tuple[str, str] | None,
    staff: User,
    *,
    place: str,
    copies: str = "",
    now: datetime,
) -> None:
    def hours_ago(hours: int) -> datetime:
        return now - timedelta(hours=hours)

    record_choices(
        customer.pk,
        {activity.pk: True},
        source=Source.PREFERENCES,
        now=hours_ago(20),
        shown=shown_to(customer),
    )
    use = plan_use(
        customer,
        activity,
        place=place,
        title=customer.company,
        copies=copies,
        responsible=staff,
        now=hours_ago(19),
    )
    if words is not None:
        nb, en = words
        text = write_text(use, nb=nb, en=en, by_customer=True, actor=SELF, now=hours_ago(18))
        approve_text(text, by_customer=False, actor=f"staff:{staff.pk}", now=hours_ago(17))
    # Past the service, which would tell them by mail: nobody gets any because of a demo.
    ReferenceUse.objects.filter(pk=use.pk).update(
        state=ReferenceUse.State.PUBLISHED, published_at=hours_ago(16)
    )


def shown_to(customer: User) -> Shown:
    return Shown(language=customer.language)
