"""The 23 promises of the policy, and what may be said of each."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from clicksend_portal.promises.policy_text import CHAPTERS
from clicksend_portal.promises.promise import Chapter, Finding, Promise, State
from clicksend_portal.promises.registry import BY_ID, PROMISES
from clicksend_portal.promises.services import look

THE_POLICY = """
explicit-ask purpose-bound aggregate-only asked-for-mail lists-untouched way-out-in-every-mail
obeyed-in-minutes few-see seven-years erased-on-request de-identified gone-when-needless
content-private content-scanned reference-by-will welcome-confirms offers-optional
service-is-service your-channel ip-apart pages-not-people apart-and-safe reachable
"""


def test_the_registry_holds_the_promises_of_the_policy_and_no_other() -> None:
    assert sorted(BY_ID) == sorted(THE_POLICY.split())
    assert len(PROMISES) == 23


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.id)
def test_each_promise_says_what_how_and_where_to_check(promise: Promise) -> None:
    for text in (promise.sentence, promise.clause, promise.how, promise.check):
        assert str(text).strip()
    assert promise.interval > timedelta(hours=1), "readings are taken once an hour"


@pytest.mark.parametrize("chapter", Chapter)
def test_no_chapter_is_empty(chapter: Chapter) -> None:
    assert any(promise.chapter == chapter for promise in PROMISES)


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.id)
def test_a_promise_in_force_is_looked_at_and_one_that_is_not_says_what_is_missing(
    promise: Promise,
) -> None:
    if promise.is_in_force:
        assert promise.read is not None
        assert promise.tell is not None
    else:
        assert str(promise.missing).strip()


@pytest.mark.django_db
def test_a_good_look_at_half_a_mechanism_is_not_a_kept_promise() -> None:
    half = replace(BY_ID["few-see"], missing="the other half")
    reading = look(half, now=timezone.now())
    assert reading.value
    assert reading.state == State.NOT_IN_FORCE


@pytest.mark.django_db
def test_a_promise_that_cannot_be_looked_at_is_unknown() -> None:
    def fail(_now: datetime) -> Finding:
        raise RuntimeError("the table is gone")

    broken = replace(BY_ID["ip-apart"], read=fail)
    reading = look(broken, now=timezone.now())
    assert (reading.state, reading.value) == (State.UNKNOWN, {})


def test_every_promise_stands_once_in_the_plain_policy() -> None:
    named = [p for chapter in CHAPTERS for clause in chapter.clauses for p in clause.promise_ids]
    assert sorted(named) == sorted(BY_ID)


@pytest.mark.django_db
def test_the_plain_policy_says_how_we_read_the_odd_sentence_and_names_the_referral_program(
    client: Client,
) -> None:
    page = client.get(reverse("privacy"), headers={"accept-language": "en"}).content.decode()
    assert "we read it as “can be de-identified”" in page
    assert page.count("customer reference (referral) program") == 1
    for promise in PROMISES:
        assert reverse("promise", args=[promise.id]) in page


@pytest.mark.django_db
@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.id)
def test_each_promise_has_a_page_in_norwegian_with_the_words_of_the_policy(
    promise: Promise, client: Client
) -> None:
    answer = client.get(reverse("promise", args=[promise.id]), headers={"accept-language": "nb"})
    assert answer.status_code == 200
    with translation.override("nb"):
        assert str(promise.sentence) in answer.content.decode()


@pytest.mark.django_db
def test_a_promise_that_was_never_made_has_no_page(client: Client) -> None:
    assert client.get(reverse("promise", args=["free-lunch"])).status_code == 404
