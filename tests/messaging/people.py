"""Many customers at once, with their choices, past the services: only what the audience reads."""

import itertools
from typing import Any

from accounts.models import User
from consent.models import Preference, Source
from foundation.roles import OWNER, as_role
from tests.factories import NOW, topic

_numbers = itertools.count(1)


def make_people(
    number: int, *, chose: dict[str, str] | None = None, paused_until: Any = None, **fields: Any
) -> list[User]:
    """`chose` names the state per topic; a pause is of the newsletter."""
    values: dict[str, Any] = {"language": "nb", "email_confirmed_at": NOW, "signed_up_at": NOW}
    people = []
    for _ in range(number):
        name = f"person{next(_numbers)}"
        person = User(username=name, email=f"{name}@shop.test", password="!", **(values | fields))
        person.set_address(person.email)
        people.append(person)
    User.objects.bulk_create(people)
    choices = {topic(slug): state for slug, state in (chose or {"newsletter": "granted"}).items()}
    with as_role(OWNER):
        Preference.objects.bulk_create(
            Preference(
                person=person,
                topic=chosen,
                state=state,
                paused_until=paused_until if chosen.slug == "newsletter" else None,
                source=Source.SIGNUP,
                since=NOW,
            )
            for person in people
            for chosen, state in choices.items()
        )
    return people


YES = {"newsletter": "granted", "tailoring": "granted"}
