"""Dashboards: what they count, that a table says what a chart draws, and that they name nobody."""

import pickle
import re
import uuid
from dataclasses import asdict
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import translation
from django.utils.html import escape

from accounts.models import User
from clicksend_portal.dashboards.drawing import LOWEST, bar, columns, lines
from clicksend_portal.dashboards.figures import DAYS, WEEKS, Figures, TopicFigures, collect
from clicksend_portal.dashboards.keeping import COUNTING, FRESH, KEY, newest_figures
from clicksend_portal.dashboards.sections import sections
from consent import services
from consent.models import Source
from foundation.ids import uuid7_from
from messaging.models import Message, ProviderEvent
from retention.schedule import RULES
from tests.factories import NOW, make_customer, make_staff, topic
from tests.staff.sign_in import sign_in

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
ADDRESS = "/admin/dashboards/"


@pytest.fixture(autouse=True)
def counted_anew() -> None:
    cache.delete_many([KEY, COUNTING])


def mailed(number: int = 1, **fields: object) -> None:
    for _each in range(number):
        Message.objects.create(
            kind="account",
            priority=1,
            purpose="welcome",
            language="nb",
            not_before=NOW,
            queued_at=NOW,
            **fields,
        )


def came_back(kind: str) -> None:
    ProviderEvent.objects.create(
        id=uuid7_from(NOW, kind, str(uuid.uuid4())),
        kind=kind,
        outcome="applied",
        happened_at=NOW,
        received_at=NOW,
    )


def counted() -> Figures:
    return collect(NOW + timedelta(minutes=1))


def newsletter(found: Figures) -> TopicFigures:
    return next(each for each in found.topics if each.topic.slug == "newsletter")


# --- what is counted -----------------------------------------------------------------------------


def test_standing_yeses_are_counted_back_week_by_week() -> None:
    long_ago, weeks_ago = NOW - timedelta(weeks=20), NOW - timedelta(weeks=2)
    make_customer(yes=("newsletter",), now=long_ago)
    make_customer(yes=("newsletter",), now=weeks_ago)
    gone = make_customer(yes=("newsletter",), now=long_ago)
    services.record_opt_out(
        gone.pk, [topic().pk], source=Source.PREFERENCES, now=NOW - timedelta(weeks=4)
    )
    found = newsletter(counted())
    assert list(found.standing) == [2] * 8 + [1, 1, 2, 2, 2]
    assert (sum(found.yes), sum(found.no)) == (1, 1)
    assert len(found.standing) == WEEKS


def test_a_no_taken_back_stands_as_yes() -> None:
    person = make_customer(yes=("newsletter",), now=NOW - timedelta(weeks=20))
    way = Source.PREFERENCES
    services.record_opt_out(person.pk, [topic().pk], source=way, now=NOW - timedelta(days=2))
    assert newsletter(counted()).standing[-1] == 0
    services.undo_last(person.pk, topic().pk, source=way, now=NOW - timedelta(days=2, hours=-1))
    assert newsletter(counted()).standing[-1] == 1


def test_the_time_of_an_opt_out_is_that_of_the_promise() -> None:
    person = make_customer(yes=("newsletter",))
    services.record_opt_out(
        person.pk,
        [topic().pk],
        source=Source.ONE_CLICK,
        now=NOW,
        received_at=NOW - timedelta(seconds=1),
    )
    overall = counted().all_opt_outs
    assert overall is not None
    assert overall.number == 1
    assert overall.median >= 1


def test_sending_is_counted_by_day_and_outcome() -> None:
    mailed(2, state="sent", handed_at=NOW, finished_at=NOW)
    mailed(1, state="withheld", finished_at=NOW)
    mailed(1, state="queued")
    found = counted()
    assert {name: sum(days.values()) for name, days in found.sending.items()} == {
        "sent": 2,
        "withheld": 1,
    }


def test_what_came_back_is_counted_by_kind() -> None:
    for kind in ("hard_bounce", "hard_bounce", "complaint", "auto_reply"):
        came_back(kind)
    found = counted().came_back
    assert {name: sum(days.values()) for name, days in found.items()} == {
        "hard_bounce": 2,
        "complaint": 1,
    }


def test_every_rule_of_the_schedule_is_there() -> None:
    assert {each.name for each in counted().rules} == set(RULES)


def test_a_rule_that_is_late_stands_first_and_says_so() -> None:
    make_customer(email_confirmed_at=None, signed_up_at=NOW - timedelta(days=60))
    found = counted()
    assert any(each.overdue for each in found.rules)
    section = sections(found)[-1]
    assert section.rows[0].cells[2] != "0"


# --- how it is drawn -----------------------------------------------------------------------------


def test_columns_stand_on_each_other_and_stay_inside() -> None:
    chart = columns(("filled", [0, 6, 1000]), ("second", [0, 6, 0]))
    assert chart.highest == 1000
    tops = [
        float(top)
        for shape in chart.shapes
        for top in re.findall(r"M[\d.]+ (-?[\d.]+)", shape.path)
    ]
    assert len(tops) == 3
    assert all(0 <= top <= 160 - LOWEST for top in tops)


def test_a_line_pauses_where_nothing_is_known() -> None:
    (shape,) = lines(("line", [1, 2, None, 4, None])).shapes
    assert shape.path.count("M") == 2
    assert shape.path.endswith("h6"), "a value alone is still seen"


def test_charts_of_nothing_are_drawn() -> None:
    assert columns(("filled", [0, 0])).highest == 0
    assert lines(("line", [None, None])).shapes[0].path == ""
    assert lines(("line", [0, 0])).shapes[0].path


@pytest.mark.parametrize(("share", "width"), [(0.5, "360.0"), (3.0, "720.0"), (-1.0, "0.0")])
def test_a_bar_never_leaves_its_ground(share: float, width: str) -> None:
    assert f"h{width}v" in bar(share, is_late=False).shapes[1].path


# --- the page ------------------------------------------------------------------------------------


def test_nobody_but_staff_at_work_may_look(client: Client) -> None:
    """Every role may: tests/staff/matrix.py."""
    assert client.get(ADDRESS).status_code == 302
    client.force_login(make_customer())
    assert client.get(ADDRESS).status_code == 302
    assert sign_in(make_staff(), "password").get(ADDRESS).status_code == 302


@pytest.mark.parametrize(
    ("language", "word"), [("nb", "Hvem som har sagt ja"), ("en", "Who said yes")]
)
def test_each_chart_has_words_and_a_table(
    staff: Client, boss: User, language: str, word: str
) -> None:
    User.objects.filter(pk=boss.pk).update(language=language)
    mailed(3, state="sent", handed_at=NOW, finished_at=NOW)
    # The list of models beside it is made of tables too.
    html = staff.get(ADDRESS).text.partition("portal-dashboards")[2]
    assert word in html
    assert html.count("<table>") == 5
    assert html.count('role="img"') == html.count("<figure")
    assert html.count('aria-label=""') == 0
    assert html.count('scope="row"') >= WEEKS + 3 * DAYS + 1
    with translation.override(language):
        titles = {escape(str(rule.title)) for _entry, rule in RULES.values()}
    assert {title for title in titles if title not in html} == set()


def test_the_page_names_nobody(staff: Client) -> None:
    make_customer(yes=("newsletter",), first_name="Ragnhild", email="ragnhild@example.test")
    assert "ragnhild" not in staff.get(ADDRESS).text.lower()


def test_it_is_counted_once_however_often_somebody_looks(
    staff: Client, django_assert_num_queries: object
) -> None:
    first = newest_figures()
    mailed(3, state="sent", handed_at=NOW, finished_at=NOW)
    assert newest_figures() == first
    cache.delete(KEY)
    assert newest_figures() != first


def long_ago(found: Figures) -> dict[str, object]:
    return asdict(found) | {"counted_at": found.counted_at - FRESH}


def test_one_counts_and_the_others_are_shown_the_figures_before() -> None:
    first = newest_figures()
    cache.set(KEY, long_ago(first))
    cache.set(COUNTING, 1)
    assert newest_figures().counted_at == first.counted_at - FRESH
    cache.delete(COUNTING)
    assert newest_figures().counted_at > first.counted_at
    assert cache.get(COUNTING) is None


def test_what_is_kept_is_plain() -> None:
    """No class of ours is named in it: its bytes are read by any release."""
    make_customer(yes=("newsletter",))
    newest_figures()
    assert b"clicksend_portal" not in pickle.dumps(cache.get(KEY))
    assert b"consent" not in pickle.dumps(cache.get(KEY)["topics"])


@pytest.mark.parametrize("kept", [{}, {"topics": [{}]}, [1], "x", {"more": 1}])
def test_what_another_release_kept_is_counted_anew(staff: Client, kept: object) -> None:
    cache.set(KEY, kept)
    assert staff.get(ADDRESS).status_code == 200


def test_it_is_only_looked_at(staff: Client) -> None:
    assert staff.post(ADDRESS).status_code == 405


def test_the_first_page_leads_there(staff: Client) -> None:
    assert ADDRESS in staff.get(reverse("admin:index")).text
