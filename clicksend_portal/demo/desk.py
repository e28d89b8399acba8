"""The privacy officer's desk of the made-up company: a processor, two requests, an old breach."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from accounts.models import User
from retention.desk.requests import new_request
from retention.models import Breach, PrivacyRequest, Processor


def make_desk(customers: Sequence[User], staff: User, *, now: datetime) -> None:
    today = now.date()
    since = today - timedelta(days=400)
    Processor.objects.create(
        name="Fjordhall Datasenter AS",
        country="Norge",
        task_nb="leier ut maskinene portalen går på",
        task_en="rents out the machines the portal runs on",
        data_nb="alt, på krypterte disker",
        data_en="everything, on encrypted disks",
        transfer=Processor.Transfer.NONE,
        agreement_on=since,
        since=since,
        can_read=False,
        confirmed_on=today - timedelta(days=40),
    )
    asker = next(each for each in customers if each.is_confirmed)
    # Rows alone: nobody gets mail because of a demo.
    new_request(
        kind=PrivacyRequest.Kind.RECTIFICATION,
        person=asker,
        name="",
        email="",
        text="Firmanavnet på fakturaene er det gamle. Kan dere rette det?",
        source=PrivacyRequest.Source.PAGE,
        actor="self",
        received_at=now - timedelta(days=6),
        list_owner="",
        language="nb",
    ).save(force_insert=True)
    new_request(
        kind=PrivacyRequest.Kind.ERASURE,
        person=None,
        name="Ingrid Vik",
        email="ingrid.vik@epost.example",
        text="Jeg får SMS fra et bakeri jeg ikke kjenner. Slett nummeret mitt.",
        source=PrivacyRequest.Source.PAGE,
        actor="stranger",
        received_at=now - timedelta(days=24),
        list_owner="Et bakeri i Bergen",
        language="nb",
    ).save(force_insert=True)
    aware = now - timedelta(days=90)
    Breach.objects.create(
        title="Mistet telefon",
        what_happened="En telefon med innlogget e-post ble glemt på toget, og hentet neste dag.",
        confidentiality=True,
        aware_at=aware,
        registered_at=aware + timedelta(hours=1),
        registered_by=staff,
        data_concerned="e-postadresser",
        people=12,
        risk=Breach.Risk.UNLIKELY,
        measures="Fjernslettet etter 40 minutter; låst hele tiden.",
        not_notified_because="Telefonen var kryptert og låst, og ble slettet samme time.",
        people_untold=Breach.WhyUntold.NO_HIGH_RISK,
        closed_at=aware + timedelta(days=1),
        closed_by=staff,
    )
