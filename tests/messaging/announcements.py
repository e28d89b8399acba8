"""Announcements as the services make them, and statements by another door than ours."""

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import User
from messaging import services
from messaging.announcing import COPIED
from messaging.models import Mailing, ServiceAnnouncement
from tests.factories import NOW, make_announcement, make_staff

State = Mailing.State
TABLE = "messaging_serviceannouncement"
WORDS = ("subject_nb", "subject_en", "preheader_nb", "preheader_en", "body_nb", "body_en")


def run(statement: str, **parameters: Any) -> int:
    """One statement by another door than ours: how many rows it changed."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.rowcount)


def refused(statement: str, why: str, **parameters: Any) -> None:
    with pytest.raises(IntegrityError, match=why):
        run(statement, **parameters)


def clerk(*permissions: str) -> User:
    """Staff with these permissions and no others."""
    person = make_staff(roles=(), rights=permissions)
    found: User = User.objects.get(pk=person.pk)
    return found


def written_by(author: User, **fields: Any) -> ServiceAnnouncement:
    return make_announcement(author=author, **fields)


def approved(**fields: Any) -> ServiceAnnouncement:
    """Written by one, approved by another, through the services."""
    announcement = written_by(make_staff(), **fields)
    services.approve(announcement, actor=make_staff(), now=NOW)
    return announcement


def standing(**fields: Any) -> ServiceAnnouncement:
    return approved(
        **(
            {
                "is_standing": True,
                "category": "incident",
                "subject_nb": "Meldinger er forsinket",
                "subject_en": "Messages are delayed",
                "body_nb": "Vi arbeider med det.\r\n\r\nNeste beskjed kommer innen en time.  ",
                "body_en": "We are working on it. The next notice comes within the hour.\n",
            }
            | fields
        )
    )


def copied(text: ServiceAnnouncement, **changes: Any) -> dict[str, Any]:
    return {
        **{name: getattr(text, name) for name in COPIED},
        "prepared_from": text,
        "sent_by": make_staff(),
        "state": State.SENDING,
        "resolved_at": NOW,
    } | changes
