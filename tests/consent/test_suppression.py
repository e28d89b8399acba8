"""What bars an address, and what its owner's own act takes back."""

import pytest
from django.db import connection
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.fingerprints import renew_address_hashes
from accounts.models import User
from accounts.signals import address_confirmed
from consent import services, suppression
from consent.models import Source, State, Suppression
from consent.services import NOTHING_SHOWN
from consent.tokens import Purpose, RecipientToken, sign_token
from foundation.addresses import address_hashes
from messaging.models import Message
from tests.factories import NOW, make_customer, retire_topic, topic

pytestmark = pytest.mark.django_db

Reason = Suppression.Reason
# A provider would refuse the mail whatever we think; the rest ends with the owner's own act.
ENDED_BY_YES = {Reason.COMPLAINT, Reason.REPLAYED}
ENDED_BY_CONFIRMING = ENDED_BY_YES | {Reason.ERASED, Reason.HARD_BOUNCE}


@pytest.fixture
def person() -> User:
    return make_customer(no=("newsletter",))


def bar(person: User, reason: Suppression.Reason) -> None:
    suppression.suppress(person.email.upper(), reason=reason, now=NOW)


def withheld(person: User) -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT consent_withheld_reason(%s, %s, %s, %s)",
            [person.pk, topic().pk, person.email, NOW],
        )
        return str(cursor.fetchone()[0])


def test_a_bounce_under_a_new_key_bars_those_whose_hashes_are_older(
    person: User, settings: Settings
) -> None:
    confirm(person)
    settings.SUPPRESSION_KEYS = {3: bytes([3]) * 32} | settings.SUPPRESSION_KEYS
    bar(person, Reason.HARD_BOUNCE)
    assert withheld(person) == "suppressed"


def test_after_a_new_key_everyone_gets_the_hash_under_it_once(
    person: User, settings: Settings
) -> None:
    settings.SUPPRESSION_KEYS = {3: bytes([3]) * 32} | settings.SUPPRESSION_KEYS
    assert renew_address_hashes() == User.objects.count()
    person.refresh_from_db()
    assert [bytes(each) for each in person.address_hashes] == address_hashes(person.email)
    assert renew_address_hashes() == 0


def confirm(person: User, *, version: int = 1) -> bool:
    return services.confirm_yes(
        person.pk, topic().pk, version=version, now=NOW, shown=NOTHING_SHOWN
    )


@pytest.mark.parametrize("reason", Reason)
def test_a_yes_confirmed_by_mail_ends_all_but_the_providers_own_list(
    person: User, reason: Suppression.Reason
) -> None:
    bar(person, reason)
    assert confirm(person)
    assert withheld(person) == ("" if reason in ENDED_BY_CONFIRMING else "suppressed")


@pytest.mark.parametrize("reason", Reason)
def test_a_confirmed_address_ends_all_but_the_providers_own_list_and_says_no_yes(
    person: User, reason: Suppression.Reason
) -> None:
    bar(person, reason)
    address_confirmed.send(sender=User, user=person, now=NOW)
    assert suppression.is_suppressed(person.email) is (reason not in ENDED_BY_CONFIRMING)
    assert withheld(person) == State.REFUSED


@pytest.mark.parametrize("source", [Source.PREFERENCES, Source.API_SIGNED_IN])
@pytest.mark.parametrize("reason", Reason)
def test_a_yes_said_signed_in_ends_a_complaint_but_proves_no_address(
    person: User, reason: Suppression.Reason, source: Source
) -> None:
    bar(person, reason)
    services.record_choices(person.pk, {topic().pk: True}, source=source, now=NOW)
    assert withheld(person) == ("" if reason in ENDED_BY_YES else "suppressed")


@pytest.mark.parametrize("source", [Source.PREFERENCES, Source.API_SIGNED_IN])
def test_a_complaint_taken_back_signed_in_lets_mail_come_again(
    person: User, source: Source
) -> None:
    services.record_choices(person.pk, {topic().pk: True}, source=Source.SIGNUP, now=NOW)
    bar(person, Reason.COMPLAINT)
    services.record_opt_out(person.pk, [topic().pk], source=Source.COMPLAINT, now=NOW)
    assert services.undo_last(person.pk, topic().pk, source=source, now=NOW)
    assert withheld(person) == ""


def test_a_yes_that_stood_already_said_again_signed_in_ends_a_complaint(person: User) -> None:
    services.record_choices(person.pk, {topic().pk: True}, source=Source.PREFERENCES, now=NOW)
    bar(person, Reason.COMPLAINT)
    assert not services.record_choices(
        person.pk, {topic().pk: True}, source=Source.PREFERENCES, now=NOW
    )
    assert withheld(person) == ""


@pytest.mark.parametrize("slug", ["tailoring", "reference_name", "product_news"])
def test_a_yes_that_brings_no_mail_ends_no_complaint(person: User, slug: str) -> None:
    retire_topic(topic("product_news"), now=NOW)
    bar(person, Reason.COMPLAINT)
    key = topic(slug).pk
    for yes in (True, False):
        services.record_choices(person.pk, {key: yes}, source=Source.PREFERENCES, now=NOW)
    services.undo_last(person.pk, key, source=Source.PREFERENCES, now=NOW)
    assert suppression.is_suppressed(person.email)


@pytest.mark.parametrize("reason", Reason)
def test_no_other_act_ends_anything(person: User, reason: Suppression.Reason) -> None:
    bar(person, reason)
    key = topic().pk
    services.record_choices(person.pk, {key: False}, source=Source.PREFERENCES, now=NOW)
    services.record_choices(person.pk, {key: True}, source=Source.SIGNUP, now=NOW)
    services.record_pause(person.pk, [key], months=1, source=Source.PREFERENCES, now=NOW)
    services.undo_last(person.pk, key, source=Source.PREFERENCES, now=NOW)
    assert withheld(person) == "suppressed"


@pytest.mark.parametrize("reason", Reason)
def test_a_stale_confirmation_ends_nothing(person: User, reason: Suppression.Reason) -> None:
    services.record_choices(person.pk, {topic().pk: True}, source=Source.PREFERENCES, now=NOW)
    services.record_opt_out(person.pk, [topic().pk], source=Source.COMPLAINT, now=NOW)
    bar(person, reason)
    assert not confirm(person, version=1)
    assert withheld(person) == State.WITHDRAWN
    assert suppression.is_suppressed(person.email)


def test_a_confirmation_is_asked_by_mail_whatever_bars_the_address(person: User) -> None:
    """Account mail to whoever asked for it; only its answer lets optional mail come again."""
    bar(person, Reason.COMPLAINT)
    services.ask_to_confirm_yes(person.pk, topic(), now=NOW)
    assert Message.objects.of_person(person.pk).filter(purpose="confirm_choice").count() == 1


def test_a_retired_topic_is_neither_asked_nor_confirmed(client: Client, person: User) -> None:
    retire_topic(topic(), now=NOW)
    services.ask_to_confirm_yes(person.pk, topic(), now=NOW)
    assert not Message.objects.of_person(person.pk).exists()
    assert not confirm(person)
    token = RecipientToken(
        person_id=person.pk, topic=1, choice_version=1, issued_at=NOW, purpose=Purpose.CONFIRM_YES
    )
    url = f"/preferences/confirm/{sign_token(token)}/"
    for answer in (client.get(url), client.post(url)):
        assert answer.status_code == 200
        assert "consent/broken_link.html" in [used.name for used in answer.templates]
    assert services.current_preferences(person.pk)[topic().pk].state == State.REFUSED


def test_a_confirmation_link_used_twice_is_one_yes(person: User) -> None:
    assert confirm(person)
    assert confirm(person)
    assert services.current_preferences(person.pk)[topic().pk].version == 2


def test_a_confirmation_of_somebody_erased_changes_nothing(person: User) -> None:
    person.pk = make_customer().pk
    assert not confirm(person, version=5)
