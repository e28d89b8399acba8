"""A portal with something in every corner, so that a page that changes a row has one to change."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from allauth.account.forms import default_token_generator
from allauth.account.models import EmailAddress
from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import Client
from django.utils import timezone
from fido2.cose import ES256
from fido2.utils import sha256, websafe_encode
from fido2.webauthn import (
    Aaguid,
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorData,
    CollectedClientData,
)

from accounts.models import Invoice, SupportQuestion, User
from accounts.reconfirming import make_token
from accounts.staff.inviting import invite, make_link_token
from accounts.support import ask
from accounts.tokens import make_welcome_token
from clicksend_portal.promises.services import take_readings
from clicksend_portal.traffic import add_views
from consent import services as consent
from consent.models import ConsentDetail, Source, Suppression
from consent.proof.heads import next_head, publish_head
from consent.proof.sealer import seal_pending
from consent.suppression import suppress
from consent.tokens import Purpose, RecipientToken, sign_token
from consent.webhooks.services import create_webhook, send_test
from foundation.roles import KEEPER, as_role
from foundation.tenants import as_tenant
from messaging import services as messaging
from messaging.models import ContactOptOut, ListUpload, Message, Report
from retention.desk import open_request
from retention.models import Breach, DeclaredAccess, DeletionRequest, Processor, PromiseAlert
from tests.consent.looked import look
from tests.factories import (
    make_announcement,
    make_campaign,
    make_contact,
    make_customer,
    make_list,
    make_picture,
    make_staff,
    topic,
)
from tests.references import ACTIVITIES, in_the_program
from tests.staff.door import let_in
from tests.staff.sign_in import SECRET, sign_in

ORIGIN = "http://localhost"


@dataclass(frozen=True, slots=True)
class World:
    """The browsers of three people, and a value for each blank of each address."""

    anonymous: Client
    customer: Client
    staff: Client
    arguments: Mapping[str, Mapping[str, Any]]


def make_world(*, language: str) -> World:
    now = timezone.now()
    person = make_customer(
        yes=("newsletter", "product_news"), no=("special_offers",), now=now, language=language
    )
    EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
    consent.record_opt_out(person.pk, [topic("product_news").pk], source=Source.LINK, now=now)
    boss = make_staff(now=now, language=language)
    newcomer = make_customer(now=now, language=language, email_confirmed_at=None)
    looked = look(person, staff=boss)
    let_in(boss, person)
    fill_corners(person, boss)
    invitation = invite(
        email="colleague@portal.example", roles=["support"], actor=boss, now=now, language=language
    )
    key = passkey(person)
    return World(
        anonymous=Client(headers={"accept-language": language}),
        customer=sign_in(person, "password"),
        staff=sign_in(boss, "password", "mfa"),
        arguments={
            "welcome": {"token": make_welcome_token(newcomer)},
            "staff_invitation": {"token": make_link_token(invitation)},
            "preferences_from_mail": {"token": link(person)},
            "reference_from_mail": {"token": link(person)},
            "reference_words": {"text_id": uuid.uuid4()},
            "reference_use": {"use_id": uuid.uuid4()},
            "reference_call": {"call_id": uuid.uuid4()},
            "unsubscribe": {"token": link(person)},
            "unsubscribe_bare": {"token": link(person)},
            "unsubscribe_broken": {"rest": "nonsense/>"},
            "confirm_choice": {"token": link(person, purpose=Purpose.CONFIRM_YES)},
            "account_confirm_email": {"key": "unknown-key"},
            "account_reset_password_from_key": {
                "uidb36": user_pk_to_url_str(person),
                "key": default_token_generator.make_token(person),
            },
            "deletion_withdraw": {"token": "unknown"},
            "deletion_confirm": {"token": "unknown"},
            "deletion_status": {"reference": DeletionRequest.objects.open().get().reference},
            "deletion_receipt": {
                "reference": DeletionRequest.objects.get(state="finished").reference
            },
            "deletion_receipt_pdf": {
                "reference": DeletionRequest.objects.get(state="finished").reference
            },
            "account_support_thread": {"reference": question(person).reference},
            "contact_thread": {"reference": question(None).reference},
            "privacy_request_take_back": {"reference": uuid.uuid4()},
            "admin:promise_handbook": {"promise_id": "few-see"},
            "api_preference": {"slug": "newsletter"},
            "export_download": {"export_id": uuid.uuid4()},
            "account_token_revoke": {"token_id": uuid.uuid4()},
            "access_objection": {"event_id": looked.pk},
            "access_receipt": {"event_id": looked.pk},
            "consent_receipt": {"event_id": ConsentDetail.objects.of(person.pk)[0].pk},
            "promise": {"promise_id": "obeyed-in-minutes"},
            "mail_image": {"digest": make_picture().digest, "extension": "png"},
            "provider_hook": {"what": "postmark/tracking/"},
            "inbound_hook": {"provider": "postmark"},
            "address_confirm_link": {"token": make_token(person, now=now)},
            "mfa_remove_webauthn": {"pk": key.pk},
            "mfa_edit_webauthn": {"pk": key.pk},
            **own_content(person),
        },
    )


def own_content(person: User) -> dict[str, dict[str, Any]]:
    """A list with a contact, an opt-out, an upload that is over, a report."""
    with as_tenant(person.pk):
        own = make_list(person)
        contact = make_contact(own, phone_number="+4798765432")
        upload = ListUpload.objects.create(customer=person, file_name="x.csv", state="finished")
        stopped = ContactOptOut.objects.create(customer=person, contact="no@example.test")
        report = Report.objects.create(
            customer=person, report_id=1, report_name="November", date=timezone.now()
        )
    upload_names = ("status", "discard", "untaken", "problems")
    return {
        **{name: {"list_id": own.pk} for name in ("list", "list_export", "list_delete")},
        "list_contact_remove": {"list_id": own.pk, "contact_id": contact.pk},
        "list_opt_out_remove": {"opt_out_id": stopped.pk},
        **{f"list_upload_{name}": {"upload_id": upload.pk} for name in upload_names},
        **{name: {"report_id": report.pk} for name in ("report", "report_delete")},
    }


def question(customer: User | None) -> SupportQuestion:
    return ask(
        customer=customer,
        email="ola@example.test",
        topic="other",
        channel="email",
        text="How do I begin?",
        language="nb",
        form=uuid.uuid4(),
        now=timezone.now(),
    )


def link(person: User, *, purpose: Purpose = Purpose.RECIPIENT) -> str:
    return sign_token(
        RecipientToken(person_id=person.pk, topic=1, issued_at=timezone.now(), purpose=purpose)
    )


def passkey(person: User) -> Authenticator:
    """A second factor, and a passkey as a browser registers it."""
    TOTP.activate(person, SECRET)
    identifier = b"a passkey of the tests"
    public_key = ES256.from_cryptography_key(ec.generate_private_key(ec.SECP256R1()).public_key())
    attested = AttestedCredentialData.create(Aaguid.NONE, identifier, public_key)
    flags = AuthenticatorData.FLAG.UP | AuthenticatorData.FLAG.AT
    data = AuthenticatorData.create(sha256(b"localhost"), flags, 0, attested)
    client = CollectedClientData.create(CollectedClientData.TYPE.CREATE, b"0" * 32, ORIGIN)
    credential = {
        "id": websafe_encode(identifier),
        "rawId": websafe_encode(identifier),
        "type": "public-key",
        "clientExtensionResults": {},
        "response": {
            "clientDataJSON": websafe_encode(client),
            "attestationObject": websafe_encode(AttestationObject.create("none", data, {})),
        },
    }
    made: Authenticator = Authenticator.objects.create(
        user=person,
        type=Authenticator.Type.WEBAUTHN,
        data={"name": "Key", "credential": credential},
    )
    return made


def fill_corners(person: User, boss: User) -> None:
    """A draft and a campaign that is due, invoices, queued mail, a deletion asked for, readings."""
    now = timezone.now()
    TOTP.activate(boss, SECRET)
    make_announcement()
    due = make_campaign(send_at=now)
    messaging.approve(due, actor=boss, now=now)
    messaging.start(due, actor=boss, now=now)
    messaging.run_mailings(now=now)
    Invoice.objects.create(
        customer=person,
        invoice_number="2026-1",
        billed_to="Kari Nordmann",
        amount=Decimal(100),
        currency="NOK",
        date=now.date(),
        settled_on=now.date() - timedelta(days=3000),
    )
    Message.objects.create(
        kind="account",
        priority=0,
        purpose="welcome",
        to_address=person.email,
        person_id=person.pk,
        language="nb",
        not_before=now,
        queued_at=now,
    )
    leaver = make_customer(now=now)
    with as_role(KEEPER):
        DeletionRequest.objects.create(
            person_id=leaver.pk,
            reference=uuid.uuid4(),
            source="customer",
            actor="self",
            requested_at=now,
        )
        DeletionRequest.objects.create(
            state="finished", source="customer", actor="self", requested_at=now, finished_at=now
        )
    in_the_program(make_customer(yes=ACTIVITIES, now=now), boss)
    fill_desk(boss)
    suppress("gone@example.test", reason=Suppression.Reason.ERASED, now=now)
    webhook, _secret = create_webhook(
        name="CRM", url="https://crm.example.com/", events=["consent.opted_out"]
    )
    send_test(webhook.pk, now=now)
    seal_pending(now=now)
    head = next_head(now=now)
    assert head is not None
    publish_head(head)
    add_views("home", now.date(), 7)
    take_readings(now=now - timedelta(days=2))
    take_readings(now=now)


def fill_desk(boss: User) -> None:
    """A stranger's request, a breach, a processor, somebody who holds the database."""
    now = timezone.now()
    today = now.date()
    open_request(
        kind="access",
        name="Ola",
        email="ola@example.test",
        text="What do you have?",
        source="page",
        actor="stranger",
        now=now,
    )
    Breach.objects.create(
        title="A lost phone", confidentiality=True, aware_at=now, registered_at=now
    )
    processor = Processor.objects.create(
        name="Vertskap AS",
        country="Norge",
        task_nb="drift",
        task_en="hosting",
        data_nb="alt",
        data_en="everything",
        transfer="none",
        agreement_on=today,
        since=today,
        confirmed_on=today,
    )
    DeclaredAccess.objects.create(
        what="database",
        people=2,
        who_nb="driftsavdelingen",
        who_en="the operations team",
        why_nb="drift",
        why_en="running it",
        processor=processor,
        since=today,
        confirmed_on=today,
    )
    PromiseAlert.objects.create(
        promise="few-see", state="broken", turned_at=now, told="privacy@portal.example"
    )
