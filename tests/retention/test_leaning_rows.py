"""A row that a held one refers to stays with it, whoever would let it go."""

from datetime import timedelta
from typing import Any

import pytest

from foundation.roles import KEEPER, as_role
from messaging.models import Contact, ContactList, ListUpload, UploadProblem
from retention import services
from retention.models import DeletionRequest, LegalHold, Scope, Source
from tests.factories import NOW, make_customer
from tests.retention.belongings import give_lists

pytestmark = pytest.mark.django_db


def held_list(**dates: Any) -> tuple[ContactList, DeletionRequest, LegalHold]:
    """A list made long ago, of which a hold over yesterday and today names something."""
    person = make_customer()
    long_ago = NOW - timedelta(days=100)
    with as_role(KEEPER):
        own = give_lists(person, now=long_ago)
        ContactList.objects.update(made_at=long_ago)
        Contact.objects.update(added_at=long_ago)
        for model in (Contact, ListUpload):
            if model.__name__ in dates:
                model.objects.update(**dates[model.__name__])
        hold = LegalHold.objects.create(
            customer_id=person.pk,
            data_class="content",
            since=NOW.date() - timedelta(days=1),
            reason="x",
            reference="1",
            review_on=NOW.date(),
            placed_at=NOW,
        )
        UploadProblem.objects.all().delete()
    wish = services.request_deletion(
        person.pk,
        source=Source.CUSTOMER,
        actor="self",
        now=NOW,
        scope=Scope.LIST,
        contact_list_id=own.pk,
    )
    return own, wish, hold


@pytest.mark.parametrize(
    "recent", [{"Contact": {"added_at": NOW}}, {"ListUpload": {"made_at": NOW}}]
)
def test_a_part_waits_for_what_is_held_of_its_list(recent: dict[str, Any]) -> None:
    own, wish, hold = held_list(**recent)
    with as_role(KEEPER):
        assert services.run_deletions(NOW) == 0
        wish.refresh_from_db()
        (waiting,) = {step.name for step in wish.steps.filter(finished_at=None)} - {
            "messaging.Contact",
            "messaging.ListUpload",
        }
        assert waiting == "messaging.ContactList"
        assert ContactList.objects.get() == own
        assert Contact.objects.count() == (3 if "Contact" in recent else 0)
        hold.released_at = NOW
        hold.save()
        assert services.run_deletions(NOW) == 1
        assert not ContactList.objects.exists()


def test_a_list_without_anything_held_goes_beside_one_that_has() -> None:
    own, _wish, _hold = held_list(Contact={"added_at": NOW})
    with as_role(KEEPER):
        ContactList.objects.create(
            customer=own.customer, list_name="Free", made_at=NOW - timedelta(days=100)
        )
        services.request_deletion(own.customer_id, source=Source.CUSTOMER, actor="self", now=NOW)
        services.run_deletions(NOW)
        assert ContactList.objects.get() == own


def test_a_nightly_rule_leaves_an_upload_with_a_held_line() -> None:
    person = make_customer()
    with as_role(KEEPER):
        give_lists(person, now=NOW - timedelta(days=400))
        hold = LegalHold.objects.create(
            customer_id=person.pk,
            since=NOW.date() - timedelta(days=1),
            reason="x",
            reference="1",
            review_on=NOW.date(),
            placed_at=NOW,
        )
        (run,) = services.enforce(NOW, "x", only=["list_uploads"])
        assert (run.removed, UploadProblem.objects.count()) == (0, 1)
        hold.released_at = NOW
        hold.save()
        (run,) = services.enforce(NOW, "x", only=["list_uploads"])
        assert (run.removed, UploadProblem.objects.count()) == (1, 0)
