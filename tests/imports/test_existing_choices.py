"""What people chose in the portal outlasts every file; a file's newer no is heard."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from accounts.models import User
from consent.models import ConsentDetail, Preference, Source, Suppression, Topic
from consent.services import record_choices, record_opt_out, record_pause
from consent.suppression import is_suppressed, suppress
from tests.imports.files import record, run_import, write_file
from tests.imports.snapshot import snapshot

pytestmark = pytest.mark.django_db

IMPORTED = datetime(2022, 1, 4, 22, 24, 59, tzinfo=UTC)
EARLIER = "2021-12-31T00:00:00+00:00"
LATER = "2026-01-01T00:00:00+00:00"
IN_PORTAL = datetime(2025, 6, 1, tzinfo=UTC)


def topic() -> Topic:
    found: Topic = Topic.objects.get(slug="newsletter")
    return found


@pytest.fixture
def person(tmp_path: Path) -> User:
    """Here since an earlier file, with a yes to the newsletter and a no to product news."""
    run_import(write_file(tmp_path / "first.csv", record(1)))
    found: User = User.objects.get()
    return found


def again(tmp_path: Path, **changes: str) -> None:
    summary, rejections = run_import(write_file(tmp_path / "again.csv", record(1, **changes)))
    assert (summary.new, summary.known, rejections) == (0, 1, [])


def newsletter(person: User) -> Preference:
    found: Preference = Preference.objects.get(person=person, topic=topic())
    return found


def test_an_opt_out_in_the_portal_is_never_revived(person: User, tmp_path: Path) -> None:
    record_opt_out(person.pk, [topic().pk], source=Source.ONE_CLICK, now=IN_PORTAL)
    before = snapshot()
    again(tmp_path, choice_at=LATER)
    assert snapshot() == before
    assert newsletter(person).state == "withdrawn"


def test_a_yes_given_in_the_portal_is_not_overwritten_by_an_older_no(
    person: User, tmp_path: Path
) -> None:
    special = Topic.objects.get(slug="special_offers")
    record_choices(person.pk, {special.pk: True}, source=Source.PREFERENCES, now=IN_PORTAL)
    again(tmp_path, topic_special_offers="refused", choice_at="2024-01-01T00:00:00+00:00")
    assert Preference.objects.get(topic=special).state == "granted"


@pytest.mark.parametrize("state", ["refused", "withdrawn"])
def test_a_newer_no_of_the_file_ends_a_yes(person: User, tmp_path: Path, state: str) -> None:
    again(tmp_path, topic_newsletter=state, choice_at=LATER, choice_source="support")
    standing = newsletter(person)
    assert (standing.state, standing.version) == ("withdrawn", 2)
    assert standing.since.isoformat() == LATER
    event = ConsentDetail.objects.get(person_id=person.pk, topic_id=topic().pk, version=2)
    assert (event.state_before, event.state, event.reason) == ("granted", "withdrawn", "support")
    assert (event.wording_version, event.source) == (None, "import")


def test_a_newer_no_ends_a_resting_yes_and_tells_of_the_rest(person: User, tmp_path: Path) -> None:
    record_pause(person.pk, [topic().pk], months=6, source=Source.PREFERENCES, now=IN_PORTAL)
    resting_until = newsletter(person).paused_until
    again(tmp_path, topic_newsletter="refused", choice_at=LATER)
    assert newsletter(person).paused_until is None
    event = ConsentDetail.objects.get(topic_id=topic().pk, version=3)
    assert event.paused_until_before == resting_until


@pytest.mark.parametrize("at", [EARLIER, IMPORTED.isoformat()])
def test_a_no_that_is_not_newer_changes_nothing(person: User, tmp_path: Path, at: str) -> None:
    before = snapshot()
    again(tmp_path, topic_newsletter="refused", choice_at=at)
    assert snapshot() == before


def test_a_file_never_brings_a_yes_to_someone_who_is_here(person: User, tmp_path: Path) -> None:
    before = snapshot()
    again(tmp_path, topic_product_news="granted", topic_special_offers="granted", choice_at=LATER)
    assert snapshot() == before


def test_a_no_to_what_was_never_asked_is_kept(person: User, tmp_path: Path) -> None:
    again(tmp_path, topic_special_offers="refused")
    assert Preference.objects.get(topic__slug="special_offers").state == "refused"


def test_the_profile_of_someone_who_is_here_stays(person: User, tmp_path: Path) -> None:
    User.objects.filter(pk=person.pk).update(deactivated_at=IN_PORTAL, company="New AS")
    before = snapshot()
    again(tmp_path, username="other", user_first_name="Other", active="1")
    assert snapshot() == before


def test_a_suppressed_address_comes_in_without_any_yes_and_stays_suppressed(
    tmp_path: Path,
) -> None:
    suppress("KARI1@shop.test", reason=Suppression.Reason.HARD_BOUNCE, now=IN_PORTAL)
    path = write_file(tmp_path / "a.csv", record(1), record(2))
    summary, _ = run_import(path)
    assert (summary.new, summary.suppressed) == (2, 1)
    assert is_suppressed("kari1@shop.test")
    stored = Preference.objects.values_list("person__username", "state")
    assert set(stored) == {("kari1", "refused"), ("kari2", "granted"), ("kari2", "refused")}


def test_no_file_brings_back_whoever_was_erased_on_request(tmp_path: Path) -> None:
    suppress("KARI1@shop.test", reason=Suppression.Reason.ERASED, now=IN_PORTAL)
    path = write_file(tmp_path / "a.csv", record(1), record(2))
    summary, rejections = run_import(path)
    assert (summary.new, summary.rejected) == (1, 1)
    assert [fault.problem for each in rejections for fault in each.faults] == ["erased on request"]
    assert set(User.objects.values_list("username", flat=True)) == {"kari2"}


def test_lifting_a_suppression_brings_no_yes_of_a_file_back(tmp_path: Path) -> None:
    suppress("kari1@shop.test", reason=Suppression.Reason.HARD_BOUNCE, now=IN_PORTAL)
    path = write_file(tmp_path / "a.csv", record(1))
    run_import(path)
    Suppression.objects.all().delete()
    run_import(path)
    assert not Preference.objects.filter(state="granted").exists()
