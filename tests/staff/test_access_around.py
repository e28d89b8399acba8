"""Ways around the door that staff, or whoever sits at their machine, might try."""

import uuid
from typing import Any, cast

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import support
from accounts.admin.door import CustomerDoor
from accounts.models import AccessEvent, LookUp, Seen, User
from accounts.models.access import AccessGrant
from consent.models import Delivery, Webhook
from messaging.models import Message, ProviderEvent
from messaging.outbox import put_account_mail
from retention import services as retention
from retention.models import DeletionRequest, LegalHold
from tests.factories import NOW, make_customer, make_staff
from tests.staff.door import let_in
from tests.staff.sign_in import SECRET, sign_in

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
PERSONAL = ("kari", "nordmann", "fjell", "98765678", "987 65 678")


@pytest.fixture
def kari(db: None) -> User:
    return make_customer(
        username="kari-n",
        first_name="Kari",
        last_name="Nordmann",
        email="kari@fjell.test",
        phone="+4798765678",
        yes=("newsletter",),
    )


@pytest.fixture
def mail(kari: User) -> Message:
    put_account_mail(
        to=kari.email,
        person_id=kari.pk,
        purpose="welcome",
        language="nb",
        subject="Hei Kari",
        text="Hei Kari",
        html="<p>Hei Kari</p>",
        now=NOW,
    )
    return Message.objects.get()


def names_nobody(html: str) -> bool:
    return not [value for value in PERSONAL if value in html.lower()]


LISTS = (
    "accounts_user",
    "accounts_supportquestion",
    "accounts_accessevent",
    "accounts_accessalarm",
    "messaging_message",
    "messaging_providerevent",
    "consent_delivery",
    "retention_deletionrequest",
    "retention_legalhold",
)


@pytest.mark.parametrize("name", LISTS)
def test_lists_show_masked_values_only(
    staff: Client, boss: User, kari: User, mail: Message, name: str
) -> None:
    LegalHold.objects.create(
        customer_id=kari.pk,
        reason="x",
        reference="24-118",
        review_on=NOW.date(),
        placed_by=boss,
        placed_at=NOW,
    )
    let_in(boss, kari)
    staff.get(reverse("admin:accounts_user_change", args=[kari.pk]))
    answer = staff.get(reverse(f"admin:{name}_changelist"))
    assert answer.status_code == 200
    assert names_nobody(answer.content.decode())


def test_the_lists_say_enough_to_know_somebody_again(
    staff: Client, kari: User, mail: Message
) -> None:
    customers = staff.get(reverse("admin:accounts_user_changelist")).content.decode()
    assert "K. N." in customers
    assert "k•••@f••.test" in customers
    mails = staff.get(reverse("admin:messaging_message_changelist")).content.decode()
    assert "k•••@f••.test" in mails


# --- searching -----------------------------------------------------------------------------------


def searched(staff: Client, term: str, **more: str) -> str:
    query = {"q": term, **more}
    answer = staff.get(reverse("admin:accounts_user_changelist"), query, follow=True)
    return answer.content.decode()


def test_a_search_is_written_down_and_whoever_was_found_reads_of_it(
    staff: Client, boss: User, kari: User
) -> None:
    for term, by in (("kari@fjell.test", "email"), ("98765678", "phone"), (str(kari.pk), "key")):
        page = searched(staff, term)
        assert "K. N." in page
        assert LookUp.objects.filter(staff=boss, by=by, found=True).count() == 1
    events = AccessEvent.objects.filter(person_id=kari.pk)
    assert [event.what for event in events] == [Seen.SEARCH] * 3
    assert {event.grant_id for event in events} == {None}


def test_a_search_without_a_match_says_so_and_is_written_down_without_its_words(
    staff: Client, boss: User, kari: User
) -> None:
    page = searched(staff, "kari@fjell")
    assert "Nobody has exactly this e-mail address" in page
    assert "K. N." not in page
    look_up = LookUp.objects.get()
    assert (look_up.staff, look_up.by, look_up.found) == (boss, "email", False)
    assert not AccessEvent.objects.exists()


def test_a_search_beside_a_filter_tells_nothing_of_whom_it_finds(staff: Client, kari: User) -> None:
    assert "K. N." in searched(staff, kari.email, confirmed="no")
    assert LookUp.objects.count() == 1


@pytest.mark.parametrize(
    "query",
    [
        {"email__startswith": "k"},
        {"email": "kari@fjell.test"},
        {"first_name__gte": "K"},
        {"phone__contains": "9876"},
        {"address__startswith": "k"},
        {"id": str(uuid.uuid4())},
        {"platform_id__lt": "5"},
        {"country": "NO"},
        {"choice_newsletter": "yes"},
        {"preferences__topic": "x"},
        {"password__startswith": "pbkdf2"},
        {"confirmed__startswith": "y"},
    ],
)
def test_no_column_can_be_read_letter_by_letter_and_trying_is_counted(
    staff: Client, boss: User, kari: User, query: dict[str, str]
) -> None:
    answer = staff.get(reverse("admin:accounts_user_changelist"), query)
    assert answer.status_code == 400
    assert "kari-n" not in answer.content.decode()
    look_up = LookUp.objects.get()
    assert (look_up.staff, look_up.found) == (boss, False)


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("messaging_message", {"to_address__startswith": "k"}),
        ("messaging_message", {"person_id": str(uuid.uuid4())}),
        ("messaging_message", {"subject__contains": "Kari"}),
        ("messaging_providerevent", {"person_id": str(uuid.uuid4())}),
        ("accounts_supportquestion", {"customer__email__startswith": "k"}),
        ("accounts_supportquestion", {"customer": str(uuid.uuid4())}),
        ("accounts_supportquestion", {"email__startswith": "k"}),
        ("accounts_supportquestion", {"assigned_to__email__startswith": "k"}),
        ("accounts_accessevent", {"person_id": str(uuid.uuid4())}),
        ("accounts_accessevent", {"reason__contains": "x"}),
        ("retention_deletionrequest", {"person_id": str(uuid.uuid4())}),
        ("retention_legalhold", {"customer_id": str(uuid.uuid4())}),
        ("consent_delivery", {"body__contains": "kari"}),
        ("consent_delivery", {"webhook__secret__startswith": "x"}),
    ],
)
def test_no_list_takes_a_lookup_that_it_does_not_show_as_a_filter(
    staff: Client, name: str, query: dict[str, str]
) -> None:
    assert staff.get(reverse(f"admin:{name}_changelist"), query).status_code == 400


def test_filters_that_are_shown_still_work(staff: Client, kari: User, mail: Message) -> None:
    month = f"{NOW:%Y-%m}"
    for name, query in (
        ("messaging_message", {"state__exact": "queued", "month": month}),
        ("accounts_supportquestion", {"state__exact": "open"}),
        ("retention_legalhold", {"approved_at__isempty": "1"}),
        ("retention_deletionrequest", {"requested_at__year": str(NOW.year)}),
        ("consent_delivery", {"webhook__id__exact": str(uuid.uuid4())}),
    ):
        answer = staff.get(reverse(f"admin:{name}_changelist"), query)
        assert answer.status_code == 200, name


def test_no_order_of_a_list_tells_what_it_masks(staff: Client, kari: User) -> None:
    make_customer(username="abel", first_name="Abel", email="abel@a.test")
    for column in "123":
        orders = {
            tuple(
                person.pk
                for person in staff.get(
                    reverse("admin:accounts_user_changelist"), {"o": sign + column}
                )
                .context["cl"]
                .result_list
            )
            for sign in ("", "-")
        }
        if column in "12":
            assert len(orders) == 1, column


def test_no_other_column_names_an_object(staff: Client, boss: User, kari: User) -> None:
    let_in(boss, kari)
    address = reverse("admin:accounts_user_change", args=[kari.pk])
    for field in ("email", "username", "platform_id", "address"):
        assert staff.get(address, {"_to_field": field}).status_code == 400
        listed = reverse("admin:accounts_user_changelist")
        assert staff.get(listed, {"_to_field": field, "_popup": "1"}).status_code == 400


def test_no_field_completes_itself_with_customers(staff: Client, boss: User, kari: User) -> None:
    for app, model, field in (
        ("accounts", "supportquestion", "customer"),
        ("accounts", "accessgrant", "person"),
        ("consent", "preference", "person"),
    ):
        for term in ("", "kari", "kari@fjell.test"):
            answer = staff.get(
                reverse("admin:autocomplete"),
                {"app_label": app, "model_name": model, "field_name": field, "term": term},
            )
            assert answer.status_code == 403
            assert "kari-n" not in answer.content.decode()
    assert LookUp.objects.filter(staff=boss, by="key", found=False).count() == 9


# --- addresses -----------------------------------------------------------------------------------


@pytest.fixture
def about_kari(kari: User, mail: Message) -> dict[str, Any]:
    """One object behind each door, all about the same person."""
    hook = Webhook.objects.create(name="CRM", url="https://crm.example/", events=[])
    made = (
        kari,
        mail,
        ProviderEvent.objects.create(
            kind="bounced", outcome="done", person_id=kari.pk, happened_at=NOW, received_at=NOW
        ),
        Delivery.objects.create(
            webhook=hook,
            event_id=uuid.uuid4(),
            person_id=kari.pk,
            body='{"type": "preference.changed"}',
            not_before=NOW,
            made_at=NOW,
        ),
        support.ask(
            customer=kari,
            topic="other",
            channel="email",
            text="How?",
            language="nb",
            form=uuid.uuid4(),
            now=NOW,
        ),
        retention.request_for_customer(
            kari.pk, actor=make_staff(roles=("privacy",)), now=timezone.now()
        ),
    )
    return {each._meta.label_lower: each for each in made}


def test_a_page_about_a_person_stays_shut_by_every_address_of_it(
    staff: Client, boss: User, kari: User, about_kari: dict[str, Any]
) -> None:
    asks = reverse("admin:accounts_user_access", args=[kari.pk])
    tried = 0
    for label, obj in about_kari.items():
        page = cast("CustomerDoor", admin.site.get_model_admin(type(obj)))
        for pattern in page.get_urls():
            blanks = list(pattern.pattern.converters)
            if not blanks or not pattern.name or pattern.name in page.ungated:
                continue
            rest = dict.fromkeys(blanks[1:], "pause")
            address = reverse(f"admin:{pattern.name}", kwargs={blanks[0]: obj.pk, **rest})
            for method in (staff.get, staff.post):
                answer = method(address)
                assert answer.status_code == 302, (label, address)
                assert answer["Location"].startswith(asks), (label, address)
                tried += 1
    assert tried > 40
    assert not AccessEvent.objects.exists()
    assert LookUp.objects.filter(staff=boss, by="key", found=True).count() == tried


def test_no_admin_behind_the_door_makes_its_addresses_another_way() -> None:
    doors = [page for page in admin.site._registry.values() if isinstance(page, CustomerDoor)]
    assert len(doors) >= 6
    for page in doors:
        assert type(page).urls is CustomerDoor.urls
        assert page.seen
        assert page.ungated <= {pattern.name for pattern in page.get_urls()}


def test_a_key_of_nobody_is_told_so_and_counted(staff: Client, boss: User) -> None:
    address = reverse("admin:accounts_user_change", args=[uuid.uuid4()])
    assert "There is nothing under this address" in staff.get(address, follow=True).text
    assert LookUp.objects.get().found is False


def test_a_grant_of_mine_does_not_outlive_my_role(boss: User, kari: User) -> None:
    second = make_staff(roles=("editor",))
    TOTP.activate(second, SECRET)
    let_in(second, kari)
    client = sign_in(second, "password", "mfa")
    assert client.get(reverse("admin:accounts_user_change", args=[kari.pk])).status_code == 403
    assert not AccessEvent.objects.exists()
    assert AccessGrant.objects.count() == 1


def test_a_delivery_is_closed_to_whoever_only_keeps_the_machines(
    about_kari: dict[str, Any],
) -> None:
    keeper = make_staff(roles=("administrator",))
    TOTP.activate(keeper, SECRET)
    client = sign_in(keeper, "password", "mfa")
    address = reverse("admin:consent_delivery_change", args=[about_kari["consent.delivery"].pk])
    assert client.get(address, follow=True).status_code == 403
    assert client.get(reverse("admin:consent_delivery_changelist")).status_code == 200


# --- naming somebody in a form -------------------------------------------------------------------


def test_naming_a_customer_in_a_form_is_a_search_too(staff: Client, boss: User, kari: User) -> None:
    start = reverse("admin:retention_deletionrequest_start")
    hold = reverse("admin:retention_legalhold_add")
    for address in (start, hold):
        for named in ("kari-n", "Kari", "kari@fjell", "9876"):
            page = staff.post(address, {"customer": named, "scope": "everything"}).text
            assert "There is no such customer." in page
    assert LookUp.objects.filter(staff=boss, found=False).count() == 8
    assert not DeletionRequest.objects.exists()
    staff.post(start, {"customer": "kari@fjell.test", "scope": "everything"})
    assert DeletionRequest.objects.get().person_id == kari.pk
    assert AccessEvent.objects.filter(person_id=kari.pk, what=Seen.SEARCH).count() == 1


@pytest.mark.parametrize("month", ["9999-12", "0001-01", "1969-01", "2026-13", "x"])
@pytest.mark.parametrize("model", ["message", "providerevent"])
def test_a_month_that_is_not_offered_shows_nothing(
    staff: Client, mail: Message, model: str, month: str
) -> None:
    page = staff.get(f"/admin/messaging/{model}/", {"month": month})
    assert page.status_code == 200
    assert page.context["cl"].result_count == 0
