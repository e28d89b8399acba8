"""A person's choices as sentences, for the person and for staff alike."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.utils import formats, timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from consent.models import SHOW_WORDS, ConsentDetail, Preference, Source, State, Topic


def human_date(moment: datetime) -> str:
    """12. mars 2026 · 12 March 2026."""
    norwegian = (translation.get_language() or "nb").startswith("nb")
    return str(formats.date_format(timezone.localtime(moment), "j. F Y" if norwegian else "j F Y"))


def human_moment(moment: datetime) -> str:
    """With the time of day, where minutes matter."""
    norwegian = (translation.get_language() or "nb").startswith("nb")
    pattern = r"j. F Y \k\l. H.i" if norwegian else r"j F Y, H:i"
    return str(formats.date_format(timezone.localtime(moment), pattern))


# What the customer's page shows before it leads on to the whole list.
NEWEST = 20


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One event: when, what happened in words to the person and to staff, and what was read."""

    at: datetime
    when: str
    told: str
    sentence: str
    shown: str
    detail: ConsentDetail


@dataclass(frozen=True, slots=True)
class History:
    """The newest events, and whether there are older ones."""

    rows: list[HistoryRow]
    more: bool


def readable_history(
    person_id: uuid.UUID,
    *,
    newest: int | None = None,
    about: Collection[uuid.UUID] | None = None,
) -> list[HistoryRow]:
    """Newest first; the same facts for the person and for staff. `about` names topics, or all."""
    topics = {topic.pk: topic for topic in Topic.objects.with_wording()}
    events = ConsentDetail.objects.of(person_id)
    if about is not None:
        events = events.filter(topic_id__in=about)
    return [
        HistoryRow(
            at=detail.at,
            when=human_moment(detail.at),
            told=told(detail, topics[detail.topic_id].name),
            sentence=sentence(detail, topics[detail.topic_id].name),
            shown=shown(detail),
            detail=detail,
        )
        for detail in events[:newest]
    ]


def recent_history(person_id: uuid.UUID, *, about: Collection[uuid.UUID] | None = None) -> History:
    rows = readable_history(person_id, newest=NEWEST + 1, about=about)
    return History(rows=rows[:NEWEST], more=len(rows) > NEWEST)


def what(detail: ConsentDetail) -> str:
    """Which of seven things happened. An undo that brings a pause back is an undo."""
    if detail.undone:
        return "undo"
    if detail.paused_until is not None:
        return "pause"
    if detail.state == State.GRANTED:
        return "yes" if detail.paused_until_before is None else "resume"
    if detail.changed_nothing:
        return "again"
    return "stop" if detail.state == State.WITHDRAWN and detail.state_before else "no"


def values(detail: ConsentDetail, topic: str, way: str) -> dict[str, str]:
    until = "" if detail.paused_until is None else human_date(detail.paused_until)
    return {"topic": topic, "way": way, "date": until}


def told(detail: ConsentDetail, topic: str) -> str:
    """To the person, after the time and a colon: `you stopped “Newsletter” with …`."""
    source = Source(detail.source)
    if source in RECORDED_WAYS:
        form, by = RECORDED[what(detail)], RECORDED_WAYS[source]
    else:
        form, by = YOU[what(detail)], YOUR_WAYS[source]
    return str(form) % values(detail, topic, str(by))


YOU = {
    "yes": gettext_lazy("you said yes to “%(topic)s” %(way)s."),
    "no": gettext_lazy("you said no to “%(topic)s” %(way)s."),
    "stop": gettext_lazy("you stopped “%(topic)s” %(way)s."),
    "again": gettext_lazy("you said no to “%(topic)s” once more %(way)s."),
    "pause": gettext_lazy("you paused “%(topic)s” until %(date)s %(way)s."),
    "resume": gettext_lazy("you ended the pause of “%(topic)s” %(way)s."),
    "undo": gettext_lazy("you took back your last change of “%(topic)s” %(way)s."),
}
YOUR_WAYS = {
    Source.SIGNUP: gettext_lazy("when you signed up"),
    Source.PREFERENCES: gettext_lazy("on the page with your choices"),
    Source.ONE_CLICK: gettext_lazy("with the button in your mail program"),
    Source.LINK: gettext_lazy("with the link in an email"),
    Source.MAIL_PREFERENCES: gettext_lazy("on the page with your choices, opened from an email"),
    Source.CONFIRMED: gettext_lazy("with the link in our confirmation email"),
    Source.MAILTO: gettext_lazy("by sending us an email"),
    Source.COMPLAINT: gettext_lazy("by reporting an email as unwanted"),
    Source.API_SIGNED_IN: gettext_lazy("from an app with access to your account"),
    Source.APP: gettext_lazy("with an app of yours"),
}
# Somebody else wrote it down: the person's own voice would claim too much.
RECORDED = {
    "yes": gettext_lazy("your yes to “%(topic)s” was recorded %(way)s."),
    "no": gettext_lazy("your no to “%(topic)s” was recorded %(way)s."),
    "stop": gettext_lazy("“%(topic)s” was stopped %(way)s."),
    "again": gettext_lazy("your no to “%(topic)s” was recorded once more %(way)s."),
    "pause": gettext_lazy("“%(topic)s” was paused until %(date)s %(way)s."),
    "resume": gettext_lazy("the pause of “%(topic)s” was ended %(way)s."),
    "undo": gettext_lazy("the last change of “%(topic)s” was taken back %(way)s."),
}
RECORDED_WAYS = {
    Source.PROVIDER: gettext_lazy("at our mail provider"),
    Source.STAFF: gettext_lazy("by our staff, as you asked"),
    Source.API: gettext_lazy("by another system of ours"),
    Source.IMPORT: gettext_lazy("when your account was imported"),
    Source.REPLAY: gettext_lazy("from our journal, after a backup was restored"),
}


def shown(detail: ConsentDetail) -> str:
    """Which words were read, in which language, if any were, and why staff recorded it."""
    parts = []
    if detail.wording_version is None:
        parts.append(_("The words you read then are not known to us."))
    elif detail.language and detail.source in SHOW_WORDS:
        parts.append(
            _("You read wording %(version)s %(language)s.")
            % {"version": detail.wording_version, "language": read_in(detail.language)}
        )
    else:
        parts.append(_("Wording %(version)s was in force.") % {"version": detail.wording_version})
    if detail.reason:
        parts.append(_("Reason: %(reason)s") % {"reason": detail.reason})
    return " ".join(parts)


def read_in(language: str) -> str:
    return {"nb": _("in Norwegian"), "en": _("in English")}.get(language, f"({language})")


def sentence(detail: ConsentDetail, topic: str) -> str:
    """For staff: what happened to a topic, and by which way."""
    return str(NEUTRAL[what(detail)]) % values(detail, topic, way(detail.source))


NEUTRAL = {
    "yes": gettext_lazy("Yes to “%(topic)s”, %(way)s."),
    "no": gettext_lazy("No to “%(topic)s”, %(way)s."),
    "stop": gettext_lazy("Stopped “%(topic)s”, %(way)s."),
    "again": gettext_lazy("No to “%(topic)s” once more, %(way)s."),
    "pause": gettext_lazy("Paused “%(topic)s” until %(date)s, %(way)s."),
    "resume": gettext_lazy("Ended the pause of “%(topic)s”, %(way)s."),
    "undo": gettext_lazy("Undid the last change of “%(topic)s”, %(way)s."),
}


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
        Source.API_SIGNED_IN: _("You chose it in an app with access to your account."),
        Source.REPLAY: _("Our journal knew it when a backup was restored."),
        Source.APP: _("You chose it with an app of yours."),
    }[Source(preference.source)]
    return _("since %(date)s. %(closing)s") % {
        "date": human_date(preference.since),
        "closing": closing,
    }
