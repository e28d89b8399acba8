"""What a request for a part lets go is not brought back by the platform either.

The journal gets to know the numbers, too: after a restore the request is done again, and finds
nothing of what came in after the backup. Of what messages said no number is needed: the request
itself says of which time nothing more comes in, and says it again when it is done again. So it is
where the records go with the words: of a message that was not here yet nobody knows the number.
"""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from foundation.tenants import as_tenant
from messaging.content.deeds import What, note_deleted
from messaging.content.tombstones import bury, close_stretch
from messaging.models import ContactList, Tombstone
from retention.models import DeletionRequest, Scope, Source
from retention.parts import LIST, PERIODS, span
from retention.policy import BURY_BATCH

RECORDS = "messaging.MessageRecord"


def batch_size(request: DeletionRequest, name: str, batch: int) -> int:
    """How many rows of a class go at a time: fewer where their numbers are read first."""
    return min(batch, BURY_BATCH) if _is_buried(request, name) else batch


def _is_buried(request: DeletionRequest, name: str) -> bool:
    return request.scope == Scope.MESSAGES and name == RECORDS


def bury_part(
    request: DeletionRequest, name: str, rows: QuerySet[Any], *, limit: int, now: datetime
) -> QuerySet[Any]:
    """Those of the rows that may go now: at most `limit`, whose numbers the feed knows to refuse.

    Called with the account's row in hand, which keeps the feed out, and before a batch of a class
    goes. Of a list its own number is enough: nobody brings in a contact of a list that is refused.
    Words of a closed stretch stay out also while a hold keeps those that are here.
    """
    person_id = request.person_id
    if person_id is None:
        return rows
    is_said = request.source == Source.REPLAY
    if request.scope == Scope.LIST and request.contact_list_id is not None:
        with as_tenant(person_id):
            lists = ContactList.objects.filter(pk=request.contact_list_id, customer_id=person_id)
            one = dict(lists.values_list("pk", "list_id"))
            bury(Tombstone.Kind.LIST, one.values(), customer_id=person_id, now=now)
            # One that was made here goes by the request alone: nobody sends it again.
            if name == LIST and rows.filter(list_id__isnull=False).exists():
                note_deleted(What.LIST, one, customer_id=person_id, now=now, is_said=is_said)
    elif request.scope in PERIODS:
        first, before = span(request, person_id)
        close_stretch(first, before, customer_id=person_id, now=now)
    if _is_buried(request, name):
        found = dict(rows.order_by().values_list("pk", "message_id")[:limit])
        with as_tenant(person_id):
            bury(Tombstone.Kind.MESSAGE, found.values(), customer_id=person_id, now=now)
            note_deleted(What.MESSAGE, found, customer_id=person_id, now=now, is_said=is_said)
        # All of them are known: what is left beside stands in a detached month, too old to come in.
        return rows if len(found) < limit else rows.filter(pk__in=list(found))
    return rows
