"""What a request for a part of the data covers: one list, messages of a period, the profile.

Archives that were made before the end hold copies of it, so they go with every part.
"""

import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any, Final

from django.db.models import Count, Max, Model, Q, QuerySet
from django.utils import timezone

from accounts.models import SupportChannel, User
from accounts.zones import zone_named
from foundation.calendar import day_after
from foundation.ids import uuid7_floor, uuid7_moment
from foundation.tenants import as_tenant
from messaging.models import Report
from retention.holding import count_held
from retention.holdings import PIECES, Holding, Preview
from retention.models import DeletionRequest, Export, Scope
from retention.policy import (
    DEIDENTIFIED_STRETCHES,
    MESSAGE_RECORDS,
    MESSAGE_TOMBSTONES,
    REPORTS,
)
from retention.schedule import ENTRIES, model_of
from retention.staying import Kept

ACCOUNT = "accounts.User"
LIST = "messaging.ContactList"
RECORDS, CONTENTS = "messaging.MessageRecord", "messaging.MessageContent"
REPORT, TRACES = "messaging.Report", "messaging.Tombstone"
STRETCH = "messaging.DeidentifiedStretch"
HELD = "retention.HeldRow"
ARCHIVE = "retention.Export"
COPIES: Final = ("retention.ExportPart", ARCHIVE)
OF_UPLOAD: Final = frozenset({"messaging.UploadProblem", "messaging.UploadPart"})

# What the profile says beyond who somebody is and how to sign in: gone with a request for it. Who
# has no number any more is answered by email.
PROFILE: Final[Mapping[str, str]] = {
    "phone": "",
    "company": "",
    "country": "",
    "timezone": "",
    "support_channel": SupportChannel.EMAIL,
}

PERIODS: Final = (Scope.MESSAGES, Scope.CONTENT)
EPOCH_YEAR = 1970

PART_STEPS: Final[Mapping[Scope, tuple[str, ...]]] = {
    Scope.PROFILE: (*COPIES, ACCOUNT),
    Scope.LIST: (
        *COPIES,
        "messaging.UploadProblem",
        "messaging.UploadPart",
        "messaging.ListUpload",
        "messaging.Contact",
        LIST,
    ),
    Scope.MESSAGES: (*COPIES, CONTENTS, RECORDS, HELD),
    Scope.CONTENT: (*COPIES, CONTENTS, HELD),
}


def part_rows(request: DeletionRequest, name: str, person_id: uuid.UUID) -> QuerySet[Any]:
    """The customer's rows of one class that the request covers."""
    entry = ENTRIES[name]
    rows: QuerySet[Model] = model_of(entry)._base_manager.filter(**{entry.subject: person_id})
    if name == ACCOUNT:
        return rows.filter(profile_says_more())
    if name in COPIES:
        return rows
    if request.scope == Scope.LIST:
        if name == LIST:
            return rows.filter(pk=request.contact_list_id)
        path = "upload__contact_list" if name in OF_UPLOAD else "contact_list"
        return rows.filter(**{path: request.contact_list_id})
    begin, end = span(request, person_id)
    if name == HELD:
        models = [CONTENTS] if request.scope == Scope.CONTENT else [CONTENTS, RECORDS]
        rows = rows.filter(model__in=models, dated__lt=end)
        return rows if begin is None else rows.filter(dated__gte=begin)
    rows = rows.filter(pk__lt=uuid7_floor(end))
    return rows if begin is None else rows.filter(pk__gte=uuid7_floor(begin))


def packed_copies(request: DeletionRequest, name: str, person_id: uuid.UUID) -> QuerySet[Any]:
    """Those of the customer's archives that may hold something: all that a worker has begun."""
    rows = part_rows(request, name, person_id)
    return rows.exclude(state=Export.State.REQUESTED) if name == ARCHIVE else rows


def profile_says_more() -> Q:
    """Accounts whose profile still says what a request for it blanks."""
    told = Q()
    for name, value in PROFILE.items():
        told |= ~Q(**{name: value})
    return told


def span(request: DeletionRequest, person_id: uuid.UUID) -> tuple[datetime | None, datetime]:
    """From when until before when: whole days of the customer, and nothing dated
    after they asked. What is reported later of an earlier date goes too, while the work lasts;
    words of it do not come in any more from its beginning on (`retention.burying`).

    By the zone of their profile when they asked: it may change, or be deleted, before the work is
    done.
    """
    if request.covers_before is not None:
        return request.covers_from, request.covers_before
    name = User.objects.filter(pk=person_id).values_list("timezone", flat=True).first()
    zone = zone_named(name or "") or timezone.get_default_timezone()

    def midnight(day: date) -> datetime:
        return datetime.combine(day, time.min, zone).astimezone(UTC)

    begin = None
    # No key of a message is older (RFC 9562); the first day of year 1 fits no column.
    if request.since is not None and request.since.year >= EPOCH_YEAR:
        begin = midnight(request.since)
    end = request.requested_at
    after = None if request.until is None else day_after(request.until)
    if after is not None:
        end = min(end, midnight(after))
    return begin, end


def kept_after_part(request: DeletionRequest, person_id: uuid.UUID, *, now: datetime) -> list[Kept]:
    """What stays of that very list or period; everything else stays as it is anyway.

    Records of months drop as a whole, when the first day of the month has had its period. That a
    period was closed stays also where nothing stood in it, unless the coming night takes it.
    """
    found = []
    with as_tenant(person_id):
        if request.scope == Scope.LIST:
            lists = part_rows(request, LIST, person_id)
            if traces := lists.filter(list_id__isnull=False).count():
                found.append(_staying(TRACES, traces, None))
        elif request.scope in PERIODS:
            records = part_rows(request, RECORDS, person_id)
            number, newest = records.count(), records.order_by("-pk").values_list("pk", flat=True)
            if number and request.scope == Scope.MESSAGES:
                found.append(_staying(TRACES, number, MESSAGE_TOMBSTONES.end(now.date())))
            elif number:
                month = uuid7_moment(newest[0]).date().replace(day=1)
                found.append(_staying(RECORDS, number, MESSAGE_RECORDS.end(month)))
            begin, end = span(request, person_id)
            reports = Report.objects.filter(customer_id=person_id, date__lt=end)
            if begin is not None:
                reports = reports.filter(date__gte=begin)
            told = reports.aggregate(number=Count("pk"), last=Max("date"))
            if told["number"]:
                until = REPORTS.end(told["last"].astimezone(UTC).date())
                found.append(_staying(REPORT, told["number"], until))
            closed_until = DEIDENTIFIED_STRETCHES.end(end.astimezone(UTC).date())
            if closed_until > now.astimezone(UTC).date():
                found.append(_staying(STRETCH, 1, closed_until))
    return found


def _staying(model: str, count: int, until: date | None) -> Kept:
    return Kept(entry=ENTRIES[model], count=count, until=until, of_part=True)


def preview_part(request: DeletionRequest, person_id: uuid.UUID, *, now: datetime) -> Preview:
    """What a request would do, not saved yet: of the account only columns are emptied."""
    kept = kept_after_part(request, person_id, now=now)
    told = Preview(deleted=[], blanked=[], kept=kept, held=[])
    with as_tenant(person_id):
        for name in PART_STEPS[Scope(request.scope)]:
            entry = ENTRIES[name]
            rows = part_rows(request, name, person_id)
            count = rows.count()
            if not count or name in PIECES:
                continue
            stays = 0 if name in COPIES else count_held(entry, rows, person_id, now=now)
            if stays:
                told.held.append(Holding(entry=entry, count=stays, since=None))
            if count == stays:
                continue
            goes = Holding(entry=entry, count=count - stays, since=None)
            if name == ACCOUNT:
                told.blanked.append(replace(goes, fields=profile_words()))
            else:
                told.deleted.append(goes)
    return told


def profile_words() -> tuple[str, ...]:
    return tuple(str(field.verbose_name) for field in User._meta.fields if field.name in PROFILE)
