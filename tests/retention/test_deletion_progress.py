"""How far a deletion is, on its page: a big one shows numbers that grow, without JavaScript."""

import re
from itertools import pairwise
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from foundation.roles import APP, KEEPER, as_role
from retention import deleting, services
from retention.models import Source
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


def look(address: str) -> str:
    return Client().get(address, headers={"accept-language": "en"}).content.decode()


def rows_gone(page: str) -> int:
    found = re.search(r"<dt>Rows gone</dt><dd>(\d+)</dd>", page)
    assert found is not None
    return int(found[1])
