"""What staff saw is told for three years, or until its person leaves; the leaf stays."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts.models import AccessEvent, AccessGrant, User
from consent.models import Leaf
from consent.proof.sealer import seal_pending
from foundation.roles import APP, as_role
from retention.models import DeletionRequest, LegalHold, Source
from retention.services import enforce, execute_deletion, request_deletion
from tests.consent.looked import look as look_as_app
from tests.factories import make_customer, make_staff

pytestmark = pytest.mark.usefixtures("keeper")

# Past, for the database lets nothing go that is not old by its own clock too.
NOW = datetime(2023, 2, 28, 2, 15, tzinfo=UTC)
# The last day of which nothing is told any more: 3 years after 29 February are over on the 28th.
# All of the day after still is.
OVER = datetime(2020, 2, 29, 23, 59, 59, 999999, tzinfo=UTC)
FIRST_KEPT = OVER + timedelta(microseconds=1)


def look(person: User, **fields: Any) -> AccessEvent:
    with as_role(APP):
        return look_as_app(person, **fields)


def run(now: datetime = NOW) -> int:
    (done,) = enforce(now, "beat", only=["access_events"], batch=2)
    return done.removed


def test_both_sides_of_three_years() -> None:
    person, staff = make_customer(), make_staff()
    for _ in range(3):
        look(person, staff=staff, at=OVER)
    kept = look(person, staff=staff, at=FIRST_KEPT)
    assert run() == 3
    assert list(AccessEvent.objects.all()) == [kept]
    assert run() == 0


def test_the_leaf_stays_when_the_look_is_over() -> None:
    event = look(make_customer(), at=OVER)
    seal_pending(now=NOW)
    assert run() == 1
    assert Leaf.objects.filter(event_id=event.pk, kind="access").exists()


def test_what_a_hold_names_is_still_told() -> None:
    person, other, staff = make_customer(), make_customer(), make_staff()
    held = look(person, staff=staff, at=OVER)
    look(other, staff=staff, at=OVER)
    LegalHold.objects.create(
        customer_id=person.pk,
        reason="A claim",
        reference="7/27",
        placed_by=staff,
        placed_at=NOW,
        approved_by=make_staff(),
        approved_at=NOW,
        review_on=NOW.date() + timedelta(days=90),
    )
    assert run() == 1
    assert list(AccessEvent.objects.all()) == [held]


def test_an_erasure_takes_every_look_at_the_person_and_nobody_elses() -> None:
    person, other, staff = make_customer(), make_customer(), make_staff()
    events = [look(person, staff=staff) for _ in range(5)]
    kept = look(other, staff=staff)
    seal_pending(now=NOW)
    request = request_deletion(person.pk, source=Source.CUSTOMER, actor="self", now=NOW)
    assert execute_deletion(request, now=NOW, batch=2)
    assert list(AccessEvent.objects.all()) == [kept]
    assert not AccessGrant.objects.filter(person_id=person.pk).exists()
    done = DeletionRequest.objects.get(pk=request.pk)
    assert done.removed["accounts.AccessEvent"] == 5
    assert Leaf.objects.filter(event_id__in=[each.pk for each in events]).count() == 5


def test_an_erased_colleague_leaves_what_they_saw_told() -> None:
    person, staff = make_customer(), make_staff()
    event = look(person, staff=staff)
    User.objects.filter(pk=staff.pk).update(is_staff=False, is_superuser=False)
    request = request_deletion(staff.pk, source=Source.CUSTOMER, actor="self", now=NOW)
    assert execute_deletion(request, now=NOW)
    assert AccessEvent.objects.get() == event
    assert AccessGrant.objects.get().staff_id is None
