"""How far a deletion is, on its page: a big one shows numbers that grow, without JavaScript."""

import re
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from foundation.roles import APP, KEEPER, as_role
from retention import deleting, services
from retention.models import DeletionRequest, LegalHold, Source
from retention.views.deletion import progress_of
from tests.factories import NOW, make_customer
from tests.retention.belongings import give_lists, give_message

pytestmark = pytest.mark.django_db
BATCH = 5


def test_a_big_deletion_shows_more_rows_gone_at_each_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is done is saved with each transaction; in life one takes so many rows that only a
    customer with hundreds of thousands sees a number between the first and the last."""
    person = make_customer(yes=("newsletter",))
    with as_role(KEEPER):
        give_lists(person, now=NOW)
        for number in range(6 * BATCH):
            give_message(person, f"m{number}", now=NOW)
    wish = services.request_deletion(person.pk, source=Source.CUSTOMER, actor="self", now=NOW)
    address = reverse("deletion_status", args=[wish.reference])
    pages: list[str] = [look(address)]
    run_together = deleting.run_together

    def run_and_look(*args: Any, **kwargs: Any) -> bool:
        is_more = run_together(*args, **kwargs)
        with as_role(APP):
            pages.append(look(address))
        return is_more

    monkeypatch.setattr(deleting, "run_together", run_and_look)
    with as_role(KEEPER):
        assert services.run_deletions(NOW, batch=BATCH) == 1
    numbers = [rows_gone(page) for page in pages]
    assert numbers == sorted(numbers)
    assert len(set(numbers)) >= 5
    assert max(b - a for a, b in pairwise(numbers)) < numbers[-1] / 2
    *under_way, done = pages
    # A plain link to the page itself: whoever has no JavaScript looks again by it.
    assert all(
        f'<p><a href="{address}">See how far it is now</a></p>' in page for page in under_way
    )
    assert "The deletion is done" in done
    assert "See how far it is now" not in done


def under_way(due: date, **fields: Any) -> DeletionRequest:
    person = make_customer(**fields)
    wish = services.request_deletion(person.pk, source=Source.CUSTOMER, actor="self", now=NOW)
    with as_role(KEEPER):
        DeletionRequest.objects.filter(pk=wish.pk).update(due_on=due)
    wish.refresh_from_db()
    return wish


@pytest.mark.parametrize(
    ("zone", "moment", "is_over"),
    [
        ("Europe/Oslo", "2026-03-12T22:59:59Z", False),
        ("Europe/Oslo", "2026-03-12T23:00:00Z", True),
        ("America/New_York", "2026-03-13T03:59:59Z", False),
        ("America/New_York", "2026-03-13T04:00:00Z", True),
    ],
)
def test_its_last_day_is_over_where_the_customer_is(zone: str, moment: str, is_over: bool) -> None:
    wish = under_way(date(2026, 3, 12), timezone=zone)
    assert progress_of(wish, now=datetime.fromisoformat(moment))["late"] == is_over


@pytest.mark.parametrize("is_held", [False, True], ids=["free", "held"])
@pytest.mark.parametrize(
    ("days", "words"), [(2, "Done at the latest"), (-2, "Was due on")], ids=["ahead", "over"]
)
def test_the_page_promises_no_day_that_is_over_and_none_while_a_hold_keeps_it(
    days: int, words: str, is_held: bool
) -> None:
    wish = under_way(NOW.date() + timedelta(days=days))
    if is_held:
        with as_role(KEEPER):
            LegalHold.objects.create(
                customer_id=wish.person_id, reason="Dispute", placed_at=NOW, review_on=NOW.date()
            )
            services.run_deletions(NOW)
    page = look(reverse("deletion_status", args=[wish.reference]))
    assert ("held back for now" in page) == is_held
    shown = [told for told in ("Done at the latest", "Was due on") if told in page]
    assert shown == ([] if is_held else [words])


def look(address: str) -> str:
    return Client().get(address, headers={"accept-language": "en"}).content.decode()


def rows_gone(page: str) -> int:
    found = re.search(r"<dt>Rows gone</dt><dd>(\d+)</dd>", page)
    assert found is not None
    return int(found[1])
