"""The first page of the staff site: what waits, for the roles of whoever looks.

Each `ModelAdmin` says what waits by its `work_list`; which role works it stands here. Rights stand
elsewhere (`clicksend_portal.roles`): a list whose page somebody may not open is never shown.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import Model
from django.http import HttpRequest

from accounts.models import User
from accounts.roles import Role
from clicksend_portal.standstill import is_about_customers
from foundation import standstill
from foundation.staff import WorkItem, WorkList

# In the order in which they are worked: what has a legal term first.
PRIVACY: Final = (
    "retention.breach",
    "retention.promisealert",
    "retention.privacyrequest",
    "retention.deletionrequest",
    "consent.takedown",
    "accounts.accessalarm",
    "accounts.supportquestion",
    "retention.legalhold",
    "retention.retentionrun",
    "retention.physicalitem",
    "retention.processor",
    "retention.declaredaccess",
)
WORK: Final[Mapping[Role, Sequence[str]]] = {
    Role.SUPPORT: ("accounts.supportquestion", "retention.deletionrequest"),
    Role.EDITOR: (
        "consent.takedown",
        "consent.referenceuse",
        "consent.salescall",
        "messaging.campaign",
        "messaging.serviceannouncement",
    ),
    Role.APPROVER: ("messaging.serviceannouncement", "messaging.campaign"),
    Role.REVIEWER: (),
    Role.PRIVACY: PRIVACY,
    Role.BILLING: ("accounts.supportquestion",),
    Role.AUDITOR: (),
    Role.ADMINISTRATOR: (
        "accounts.staffaccount",
        "accounts.staffinvitation",
        "retention.promisealert",
        "consent.delivery",
    ),
}
# Whoever looks after all of it, without working any.
LOOKS_AT_ALL: Final = frozenset({Role.AUDITOR})


@dataclass(frozen=True, slots=True)
class Work:
    """One list as it is shown: the late first, then what is mine, then by the day it is due."""

    list: WorkList
    items: Sequence[tuple[WorkItem, bool]]

    @property
    def late(self) -> int:
        return sum(is_late for _item, is_late in self.items)


def roles_of(user: Any) -> set[str]:
    return set(user.groups.values_list("name", flat=True)) if isinstance(user, User) else set()


def labels_for(roles: Iterable[str]) -> list[str]:
    """Which lists these roles work, each once, in the order of the first that has it."""
    mine = set(roles)
    looks = mine & LOOKS_AT_ALL
    found = [label for role, labels in WORK.items() if role in mine or looks for label in labels]
    return list(dict.fromkeys(found))


def work_of(request: HttpRequest, pages: Mapping[type[Model], Any], *, now: datetime) -> list[Work]:
    """What waits for whoever asks; what is empty last. In standstill nothing of customers."""
    is_closed = bool(standstill.why(pages=True))
    by_label = {model._meta.label_lower: page for model, page in pages.items()}
    found: list[Work] = []
    for label in labels_for(roles_of(request.user)):
        page = by_label.get(label)
        work_list = getattr(page, "work_list", None)
        if page is None or work_list is None or not page.has_view_permission(request):
            continue
        if is_closed and is_about_customers(page.model):
            continue
        if (told := work_list(request)) is not None:
            found.append(Work(told, in_order(told.items, now)))
    return sorted(found, key=lambda work: not work.list.number)


def in_order(items: Sequence[WorkItem], now: datetime) -> list[tuple[WorkItem, bool]]:
    """A page's own order stands among equals."""
    marked = [(item, item.is_late(now)) for item in items]
    return sorted(marked, key=lambda each: (not each[1], not each[0].is_mine))
