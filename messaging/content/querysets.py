"""What a customer looks up among their own. Each call stands inside `as_tenant`; the customer is
named all the same, so that either alone does."""

import uuid
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import OperationalError, connection
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Lower
from django.utils.formats import number_format
from psycopg.errors import QueryCanceled

from foundation.addresses import small_letters
from foundation.ids import uuid7_floor
from foundation.tenants import as_tenant
from messaging import policy
from messaging.content.phones import as_number, terms_of
from messaging.content.words import STATUS_WORDS
from messaging.models import (
    Contact,
    ContactList,
    ContactOptOut,
    MessageContent,
    MessageRecord,
)

# Where a message's own words stand.
SAID = ("body", "custom_string")


class TooWide(Exception):
    """The search would read for too long; a shorter period is quicker."""


@dataclass(frozen=True, slots=True)
class MessageFilter:
    """What to look for: words or a number, a period, what became of it; nothing is everything."""

    words: str = ""
    since: datetime | None = None
    before: datetime | None = None
    status: str = ""
    country: str = ""
    # Messages dated after the newest that a page showed are not meant by what is done on it.
    newest: uuid.UUID | None = None


@dataclass(slots=True)
class Message:
    """A record beside what it said, as long as that is kept."""

    record: MessageRecord
    content: MessageContent | None

    @property
    def status_words(self) -> str:
        """What the platform said in the reader's language; as it said it where that is new."""
        said = self.record.status
        return str(STATUS_WORDS.get(said.lower(), said)) or "–"

    @property
    def price_words(self) -> str:
        """Two places, or four where it is a fraction of the smallest coin."""
        price = self.record.message_price
        places = 4 if price * 100 % 1 else 2
        return f"{number_format(price, places)} {self.record.currency}".strip()


def lists_of(customer_id: uuid.UUID) -> QuerySet[ContactList]:
    found: QuerySet[ContactList] = ContactList.objects.filter(customer_id=customer_id)
    return found.order_by(Lower("list_name"), "pk")


def with_sizes(lists: QuerySet[ContactList]) -> QuerySet[ContactList]:
    """Each list counted by itself, from an index alone."""
    inside = Contact.objects.filter(
        contact_list=OuterRef("pk"), customer_id=OuterRef("customer_id")
    )
    size = inside.order_by().values("contact_list").annotate(size=Count("pk")).values("size")
    return lists.annotate(size=Coalesce(Subquery(size), 0))


def lists_with(words: str, *, customer_id: uuid.UUID, country: str) -> QuerySet[ContactList] | None:
    """Which of their lists a whole number or address stands in; None where it is neither."""
    contact = words if "@" in words else as_number(words, country)
    if not contact:
        return None
    reached = contacts_reached_by([contact], customer_id=customer_id)
    return lists_of(customer_id).filter(pk__in=reached.values("contact_list"))


def find_contacts(contact_list: ContactList, words: str, *, country: str) -> QuerySet[Contact]:
    """Newest first. A number is found however it is written; words in names and addresses."""
    found: QuerySet[Contact] = Contact.objects.filter(
        contact_list=contact_list, customer_id=contact_list.customer_id
    )
    found = found.order_by("-pk")
    if not words:
        return found
    # With a word for telephone in front, too; the page of all lists leads here with the same words.
    if number := as_number(words, country):
        return found.filter(phone_number=number)
    names = ("first_name", "last_name", "organization_name", "email", "phone_number")
    for term, number in terms_of(words, country):
        some = ((f"{name}__icontains", term) for name in names)
        found = found.filter(Q(phone_number=number) if number else Q(*some, _connector=Q.OR))
    return found


def contacts_reached_by(
    contacts: Collection[str], *, customer_id: uuid.UUID, list_id: uuid.UUID | None = None
) -> QuerySet[Contact]:
    """Whoever has one of these numbers or addresses, in whatever letters: in one of their lists, or
    in any. Inside `as_tenant`.

    The database's own function asks the lists' indexes, which row-level security may not (migration
    0015).
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT messaging_find_contacts(%s, %s)",
            [list_id, [small_letters(each) for each in contacts if each]],
        )
        keys = [key for (key,) in cursor.fetchall()]
    found: QuerySet[Contact] = Contact.objects.filter(pk__in=keys, customer_id=customer_id)
    return found


def said_no(contacts: Collection[Contact], *, customer_id: uuid.UUID) -> set[uuid.UUID]:
    """Those of them who are on their customer's opt-outs, by key."""
    named = {each.pk: {each.phone_number, small_letters(each.email)} for each in contacts}
    opt_outs = ContactOptOut.objects.filter(
        customer_id=customer_id, contact__in=set().union(*named.values())
    )
    stopped = set(opt_outs.values_list("contact", flat=True))
    return {key for key, names in named.items() if names & stopped}


def opted_out() -> Q:
    """Contacts who said no to their customer and are still there: held, or reported so."""
    said = ContactOptOut.objects.filter(customer_id=OuterRef("customer_id"))
    by_number = said.filter(contact=OuterRef("phone_number"))
    by_email = said.filter(contact=Lower(OuterRef("email")))
    return Q(Exists(by_number)) | Q(Exists(by_email))


def find_messages(wanted: MessageFilter, *, customer_id: uuid.UUID) -> QuerySet[MessageRecord]:
    """By the key's own clock, so that a period touches its months only."""
    found: QuerySet[MessageRecord] = MessageRecord.objects.filter(customer_id=customer_id)
    bounds = {
        "pk__gte": wanted.since and uuid7_floor(wanted.since),
        "pk__lt": wanted.before and uuid7_floor(wanted.before),
        "pk__lte": wanted.newest,
    }
    found = found.filter(**{name: key for name, key in bounds.items() if key})
    if wanted.status:
        found = found.filter(status__iexact=wanted.status)
    if wanted.words:
        said = MessageContent.objects.filter(pk=OuterRef("pk"), customer_id=customer_id)
        for term, number in terms_of(wanted.words, wanted.country):
            said = said.filter(says_number(term, number) if number else says_word(term))
        found = found.filter(Exists(said))
    return found.order_by("-pk")


def says_number(written: str, number: str) -> Q:
    """To, from, or in the text: many a number of an order or a case could be a telephone's."""
    digits = {written, "".join(written.split())}
    inside = ((f"{name}__icontains", each) for name in SAID for each in digits)
    return Q(("sent_to", number), ("sent_from", number), *inside, _connector=Q.OR)


def says_word(word: str) -> Q:
    names = (*SAID, "sent_to", "sent_from", "first_name", "last_name")
    return Q(*((f"{name}__icontains", word) for name in names), _connector=Q.OR)


def with_content(records: list[MessageRecord]) -> list[Message]:
    theirs = MessageContent.objects.filter(customer_id__in={each.customer_id for each in records})
    contents = theirs.in_bulk([record.pk for record in records])
    return [Message(record, contents.get(record.pk)) for record in records]


def page_of[M: (Contact, MessageRecord)](
    found: QuerySet[M], before: uuid.UUID | None
) -> tuple[list[M], uuid.UUID | None]:
    """One page by key, and where the next begins: the thousandth page costs what the first does."""
    if before is not None:
        found = found.filter(pk__lt=before)
    rows = list(found[: policy.CONTENT_PAGE + 1])
    more = len(rows) > policy.CONTENT_PAGE
    rows = rows[: policy.CONTENT_PAGE]
    return rows, rows[-1].pk if more else None


def up_to(found: QuerySet[Any], bound: int) -> int:
    """How many, and one more than the bound where there are more: nobody waits for the rest."""
    return found[: bound + 1].count()


def patiently[T](ask: Callable[[], T]) -> T:
    """Ask, but not for ever; inside the transaction of `as_tenant`, which is lost when it is."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = '{policy.SEARCH_SECONDS}s'")
    try:
        return ask()
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise TooWide from error
        raise


def in_pieces[M: (Contact, MessageRecord), T](
    found: QuerySet[M], load: Callable[[list[M]], list[T]], *, customer_id: uuid.UUID
) -> Iterator[T]:
    """Everything, some thousand at a time, each in a short transaction of its own: a download takes
    as long as its reader's line, and must not keep one open meanwhile."""
    before: uuid.UUID | None = None
    while True:
        with as_tenant(customer_id):
            rows = list((found.filter(pk__lt=before) if before else found)[: policy.CONTENT_BATCH])
            loaded = load(rows)
        if not rows:
            return
        yield from loaded
        before = rows[-1].pk
