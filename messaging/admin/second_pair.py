"""What the page of an announcement says to its second reader: who, what is in it, how many."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst

from accounts.models import User
from accounts.services import display_name
from messaging import announcing
from messaging.admin.checking import Row
from messaging.checklist import Problem
from messaging.contents import as_typed
from messaging.marketing_check import Passage
from messaging.models import Mailing, ServiceAnnouncement
from messaging.policy import RARE_ANNOUNCEMENTS_A_MONTH

State = Mailing.State


@dataclass(frozen=True, slots=True)
class Finding:
    """The lines of one text in which something advertises, with the passages marked."""

    label: str
    field: str
    language: str
    lines: Sequence[SafeString]
    passages: Sequence[Passage]


def pair_context(announcement: ServiceAnnouncement, user: User, *, now: datetime) -> dict[str, Any]:
    """For the panel, before anything of it is sent."""
    if announcement.state not in (State.DRAFT, State.APPROVED):
        return {}
    number = announcing.sent_this_month(now).count() + 1
    return {
        "findings": list(find(announcement)),
        "own_sender": announcing.has_own_sender(),
        "author": name_of(announcement.author),
        "editor": name_of(announcement.edited_by),
        "approver": name_of(announcement.approved_by),
        "why_not_approve": announcing.why_not_approve(announcement, user),
        "number_this_month": number,
        "most_a_month": RARE_ANNOUNCEMENTS_A_MONTH,
        "breaks_promise": number > RARE_ANNOUNCEMENTS_A_MONTH,
        "may_send_standing": user.has_perm(announcing.SEND_STANDING),
    }


def review_context(
    announcement: ServiceAnnouncement, user: User, *, now: datetime
) -> dict[str, Any]:
    """For the section about what one person sent alone."""
    assert announcement.resolved_at is not None
    return {
        "sent_on_call": True,
        "sender": name_of(announcement.sent_by),
        "reviewer": name_of(announcement.reviewed_by),
        "review_until": announcing.review_until(announcement.resolved_at),
        "review_overdue": announcing.is_overdue(announcement, now=now),
        "why_not_review": announcing.why_not_review(announcement, user),
    }


def name_of(person: User | None) -> str:
    return display_name(person) if person else "–"


def find(announcement: ServiceAnnouncement) -> list[Finding]:
    return [
        Finding(
            label=label_of(announcement, f"{field}_{language}"),
            field=field,
            language=language,
            lines=marked_lines(as_typed(announcement.text(field, language)), passages),
            passages=passages,
        )
        for field, language, passages in announcing.marketing_in(announcement)
    ]


def marketing_rows(findings: Iterable[Finding]) -> list[Row]:
    """The same passages as lines of the checklist, each leading to its place in the form."""
    return [
        Row(
            finding.label,
            Problem(
                field=finding.field,
                language=finding.language,
                words=f"{passage.words} – {passage.why}",
                blocking=True,
                start=passage.start,
                end=passage.end,
            ),
        )
        for finding in findings
        for passage in finding.passages
    ]


def label_of(announcement: ServiceAnnouncement, name: str) -> str:
    field = announcement._meta.get_field(name)
    return str(capfirst(getattr(field, "verbose_name", name)))


def marked_lines(text: str, passages: Sequence[Passage]) -> list[SafeString]:
    """Only the lines in which something was found; all of the text is escaped."""
    lines = []
    start = 0
    for line in text.splitlines(keepends=True):
        end = start + len(line)
        inside = [each for each in passages if each.start < end and start < each.end]
        if inside:
            lines.append(marked(text, start, end, inside))
        start = end
    return lines


def marked(text: str, start: int, end: int, passages: Sequence[Passage]) -> SafeString:
    pieces = []
    at = start
    for passage in passages:
        first, last = max(passage.start, start), min(passage.end, end)
        pieces += [escape(text[at:first]), "<mark>", escape(text[first:last]), "</mark>"]
        at = last
    pieces.append(escape(text[at:end].rstrip("\r\n")))
    # Every piece of the text has been escaped above.
    return mark_safe("".join(pieces))  # noqa: S308
