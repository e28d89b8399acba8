"""What customers do to their own content, on their pages; and a restore of what was before."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from accounts.models import User
from foundation.roles import KEEPER, as_role
from foundation.tenants import as_tenant
from messaging.content.files import Row
from messaging.content.taking_in import take_in_batch
from messaging.models import (
    Contact,
    ContactList,
    ContactOptOut,
    ListUpload,
    MessageContent,
    MessageRecord,
    Report,
    Tombstone,
)
from retention.journal import keeping
from tests.api.feeding import CUSTOMER, feed, message
from tests.factories import NOW, make_contact, make_customer, make_list
from tests.messaging.test_tombstones import (
    OTHER,
    a_contact,
    a_list,
    a_report,
    count,
)

LATER = NOW + timedelta(minutes=10)
# Whoever reads the journal must find none of these.
CANARIES = ("Kunder", "Egen", "kari@canary.test", "+4798765431", "4798765431", "m1-canary", "Uke 1")


def make_kari() -> User:
    """From the platform: two lists, three contacts, three messages, two reports; and a list of her
    own. Another customer has the same, under the same numbers."""
    for user_id in (CUSTOMER, OTHER):
        person = make_customer(platform_id=user_id)
        feed("contact-lists", *(a_list(user_id=user_id, list_id=n) for n in (61, 62)))
        feed("contacts", *(a_contact(n, user_id=user_id) for n in (1, 2)))
        feed("contacts", a_contact(3, user_id=user_id, list_id=62, email="kari@canary.test"))
        names = ("m1-canary", "m2", "m3")
        feed("message-records", *(message(user_id=user_id, message_id=name) for name in names))
        feed("reports", *(a_report(user_id=user_id, report_id=n) for n in (3, 4)))
        with as_tenant(person.pk):
            own = make_list(person, "Egen")
            make_contact(own, phone_number="+4790000001")
            make_contact(own, phone_number="+4790000002")
    rounds()
    kari: User = User.objects.get(platform_id=CUSTOMER)
    return kari


def rounds(minutes: int = 0) -> None:
    with as_role(KEEPER):
        keeping.keep_log(NOW + timedelta(minutes=minutes))


def run(*arguments: str) -> str:
    said = StringIO()
    call_command("replay_journal", *arguments, stdout=said)
    return said.getvalue()


def stock(person: User) -> dict[str, int]:
    models = (ContactList, Contact, ContactOptOut, MessageRecord, MessageContent, Report, Tombstone)
    return {model.__name__: count(person, model) for model in models}


def other() -> User:
    found: User = User.objects.get(platform_id=OTHER)
    return found


# --- what they do, on their pages ----------------------------------------------------------------


def press(person: User, name: str, data: dict[str, Any] | None = None, **where: Any) -> None:
    client = Client()
    client.force_login(person)
    answer = client.post(reverse(name, kwargs=where), data or {})
    assert answer.status_code == 302, answer.content[:500]


def mine(person: User, model: Any, **which: Any) -> Any:
    with as_tenant(person.pk):
        return model.objects.get(**which)


def delete_list(person: User, name: str = "") -> None:
    found = {"list_name": name} if name else {"list_id": 61}
    press(person, "list_delete", list_id=mine(person, ContactList, **found).pk)


def remove_contact(person: User, number: str = "+4798765431") -> None:
    found = mine(person, Contact, phone_number=number)
    press(person, "list_contact_remove", list_id=found.contact_list_id, contact_id=found.pk)


def delete_messages(person: User) -> None:
    with as_tenant(person.pk):
        newest, size = MessageRecord.objects.latest("pk"), MessageRecord.objects.count()
    press(person, "messages_delete", {"newest": newest.pk, "size": size})


def delete_report(person: User) -> None:
    press(person, "report_delete", report_id=mine(person, Report, report_id=3).pk)


def opt_out(person: User, contact: str = "+4798765431") -> None:
    press(person, "list_opt_outs", {"contact": contact})


def opt_in(person: User) -> None:
    found = mine(person, ContactOptOut)
    press(person, "list_opt_out_remove", opt_out_id=found.pk)


DONE: dict[str, Callable[[User], None]] = {
    "list": delete_list,
    "own list": lambda person: delete_list(person, "Egen"),
    "contact": remove_contact,
    "own contact": lambda person: remove_contact(person, "+4790000001"),
    "message": delete_messages,
    "report": delete_report,
    "opt_out": opt_out,
}


def upload(person: User, *rows: list[str]) -> ListUpload:
    with as_tenant(person.pk):
        made = ListUpload.objects.create(
            customer=person,
            contact_list=ContactList.objects.get(list_id=62),
            file_name="x.csv",
            state="running",
            mapping={"0": "phone_number", "1": "email"},
            country="NO",
            made_at=NOW,
        )
    lines = [Row(number, cells) for number, cells in enumerate(rows, start=2)]
    assert take_in_batch(made, lines, done=0, header=["tlf", "epost"], now=NOW)
    return made
