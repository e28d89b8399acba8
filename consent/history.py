"""A person's choices as sentences, for the person and for staff alike."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.utils import formats, timezone, translation
from django.utils.translation import gettext as _

from consent.models import ConsentDetail, Preference, Source, State, Topic


def human_date(moment: datetime) -> str:
    """12. mars 2026 · 12 March 2026."""
    norwegian = (translation.get_language() or "nb").startswith("nb")
    return str(formats.date_format(timezone.localtime(moment), "j. F Y" if norwegian else "j F Y"))


def human_moment(moment: datetime) -> str:
    """With the time of day, where minutes matter."""
    norwegian = (translation.get_language() or "nb").startswith("nb")
    pattern = r"j. F Y \k\l. H.i" if norwegian else r"j F Y, H:i"
    return str(formats.date_format(timezone.localtime(moment), pattern))


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One event: when, and a sentence that says who did what and how."""

    at: datetime
    when: str
    sentence: str
    detail: ConsentDetail


def readable_history(person_id: uuid.UUID) -> list[HistoryRow]:
    """Newest first; the same words for the person and for staff."""
    topics = {topic.pk: topic for topic in Topic.objects.with_wording()}
    return [
        HistoryRow(
            at=detail.at,
            when=human_moment(detail.at),
            sentence=sentence(detail, topics[detail.topic_id].name),
            detail=detail,
        )
        for detail in ConsentDetail.objects.of(person_id)
    ]


def sentence(detail: ConsentDetail, topic: str) -> str:
    """What happened to a topic, and by which way."""
    values = {"topic": topic, "way": way(detail.source)}
    if detail.paused_until is not None:
        values["date"] = human_date(detail.paused_until)
        return _("Paused “%(topic)s” until %(date)s, %(way)s.") % values
    if detail.undone:
        return _("Undid the last change of “%(topic)s”, %(way)s.") % values
    if detail.state == State.GRANTED:
        if detail.paused_until_before is not None:
            return _("Ended the pause of “%(topic)s”, %(way)s.") % values
        return _("Yes to “%(topic)s”, %(way)s.") % values
    if detail.state == State.WITHDRAWN and detail.state_before:
        return _("Stopped “%(topic)s”, %(way)s.") % values
    return _("No to “%(topic)s”, %(way)s.") % values


def way(source: str) -> str:
    """How a choice came in, as the end of a sentence."""
    return str(Source(source).label)


def since(preference: Preference) -> str:
    """`since 12 March 2026. You chose it when you signed up.`"""
    closing = {
        Source.SIGNUP: _("You chose it when you signed up."),
        Source.PREFERENCES: _("You chose it here."),
        Source.ONE_CLICK: _("You used the unsubscribe button in your mail program."),
        Source.LINK: _("You used the link in an email."),
        Source.MAIL_PREFERENCES: _("You chose it here, from an email."),
        Source.CONFIRMED: _("You confirmed it by email."),
        Source.MAILTO: _("You unsubscribed by email."),
        Source.COMPLAINT: _("You reported an email as unwanted."),
        Source.PROVIDER: _("It came from our mail provider."),
        Source.STAFF: _("Our staff recorded it at your request."),
        Source.API: _("Another system recorded it for you."),
        Source.IMPORT: _("Imported; the words you saw then are not known to us."),
    }[Source(preference.source)]
    return _("since %(date)s. %(closing)s") % {
        "date": human_date(preference.since),
        "closing": closing,
    }
