"""What staff change about topics. Nobody is subscribed, and nobody's choice is touched, by any."""

import uuid
from dataclasses import asdict, dataclass
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Max
from django.utils.text import slugify

from consent.models import Preference, State, Topic, TopicWording
from consent.signals import topic_in_use

_LOCK = 0x746F70696373  # "topics"


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What people read when asked, in both languages."""

    name_nb: str
    name_en: str
    description_nb: str
    description_en: str


class StaleWordingError(Exception):
    """Somebody else gave the topic new words since this form was opened."""


class FixedTopicError(Exception):
    """Tailoring and the reference activities are named by the policy and stay."""


@transaction.atomic
def add_topic(words: Words, *, now: datetime) -> Topic:
    """A new kind of optional mail, asked of everybody from now on and granted by nobody.

    Its number follows the highest one ever given: topics are never deleted, so links of old mails
    never come to mean another.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    number = 1 + (Topic.objects.aggregate(Max("number"))["number__max"] or 0)
    topic = Topic(
        number=number, slug=free_slug(words.name_en), position=number, created_at=now, kind="mail"
    )
    topic.save(force_insert=True)
    TopicWording.objects.create(topic=topic, version=1, created_at=now, **asdict(words))
    return topic


def free_slug(name: str) -> str:
    """The short name in addresses of the API and in `List-Id`; it never changes either."""
    stem = slugify(name).replace("-", "_")[:40].strip("_") or "topic"
    taken = set(Topic.objects.filter(slug__startswith=stem).values_list("slug", flat=True))
    slug, number = stem, 2
    while slug in taken:
        slug, number = f"{stem}_{number}", number + 1
    return slug


@transaction.atomic
def reword_topic(topic_id: uuid.UUID, words: Words, *, seen: int, now: datetime) -> bool:
    """A new version of the wording; False when it says what stands there already.

    Whoever said yes keeps that yes with the version they read; older versions stay.
    """
    topic = Topic.objects.select_for_update().get(pk=topic_id)
    standing = TopicWording.objects.get(topic=topic, version=topic.wording_version)
    if all(getattr(standing, name) == value for name, value in asdict(words).items()):
        return False
    if topic.wording_version != seen:
        raise StaleWordingError
    topic.wording_version += 1
    TopicWording.objects.create(
        topic=topic, version=topic.wording_version, created_at=now, **asdict(words)
    )
    topic.save(update_fields=["wording_version"])
    return True


@transaction.atomic
def retire_topic(topic_id: uuid.UUID, *, now: datetime) -> bool:
    """From the commit on the topic is neither asked nor sent, also not by a campaign under way.

    For good: a yes given years ago must not come back to life by a click of ours. Whoever wants
    the topic again makes a new one, and everybody is asked anew. Links of its old mails go on
    working. False when it was retired before.
    """
    topic = Topic.objects.select_for_update().get(pk=topic_id)
    if topic.kind != Topic.Kind.MAIL:
        raise FixedTopicError
    return bool(Topic.objects.filter(pk=topic_id, retired_at__isnull=True).update(retired_at=now))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What retiring a topic would stop."""

    people: int
    mailings: list[str]


def reach_of(topic_id: uuid.UUID) -> Reach:
    """How many said yes, and what of ours is under way or prepared."""
    answers = topic_in_use.send(sender=Topic, topic_id=topic_id)
    return Reach(
        people=Preference.objects.filter(topic_id=topic_id, state=State.GRANTED).count(),
        mailings=[name for _receiver, names in answers for name in names or ()],
    )
