"""Staff make a key for another system: shown once, never changed, revoked, never deleted."""

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from accounts.models import User
from consent.models import ServiceKey
from consent.service_keys import make_service_key
from tests.api.conftest import Caller, error
from tests.factories import NOW, set_rights
from tests.staff.conftest import boss, staff  # noqa: F401
from tests.staff.sign_in import sign_in

pytestmark = pytest.mark.django_db
ADD = "/admin/consent/servicekey/add/"


def make(staff: Client, **fields: object) -> str:  # noqa: F811
    answer = staff.post(ADD, {"name": "Web shop", "scopes": ["permission"], **fields})
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    (secret,) = re.findall(r"cs_[\w-]{43}", answer.content.decode())
    return str(secret)


def test_a_key_is_shown_once_and_works_with_its_scopes_only(staff: Client) -> None:  # noqa: F811
    caller = Caller(make(staff))
    asked = {"topic": "newsletter", "addresses": []}
    assert caller.send("post", "permission", asked).status_code == 200
    assert error(caller.send("get", "opt-outs")) == (403, "permission_denied")
    key = ServiceKey.objects.get()
    for page in ("changelist", "change", "history"):
        args = [] if page == "changelist" else [key.pk]
        html = staff.get(reverse(f"admin:consent_servicekey_{page}", args=args)).content.decode()
        assert "cs_" not in html
        assert "Web shop" in html


def test_a_page_loaded_again_makes_no_second_key(staff: Client) -> None:  # noqa: F811
    make(staff)
    again = staff.post(ADD, {"name": "Web shop", "scopes": ["permission"]})
    assert "cs_" not in again.content.decode()
    assert ServiceKey.objects.count() == 1


@pytest.mark.parametrize("fields", [{"scopes": []}, {"scopes": ["everything"]}, {"name": ""}])
def test_a_key_has_a_name_and_known_scopes(staff: Client, fields: dict[str, object]) -> None:  # noqa: F811
    answer = staff.post(ADD, {"name": "Web shop", "scopes": ["permission"], **fields})
    assert answer.status_code == 200
    assert not ServiceKey.objects.exists()


def test_a_revoked_key_opens_nothing_and_stays_to_be_looked_up(staff: Client) -> None:  # noqa: F811
    secret = make(staff)
    key = ServiceKey.objects.get()
    revoke = reverse("admin:consent_servicekey_revoke", args=[key.pk])
    assert staff.get(revoke).status_code == 405
    assert staff.post(revoke).status_code == 302
    assert staff.post(revoke).status_code == 302
    answer = Caller(secret).send("post", "permission", {"topic": "newsletter", "addresses": []})
    assert error(answer) == (401, "authentication_failed")
    assert LogEntry.objects.filter(object_id=str(key.pk)).count() == 2
    assert (
        "Revoke<"
        not in staff.get(reverse("admin:consent_servicekey_change", args=[key.pk])).content.decode()
    )


def test_nobody_changes_or_deletes_a_key(staff: Client) -> None:  # noqa: F811
    make(staff)
    key = ServiceKey.objects.get()
    for page in ("change", "delete"):
        address = reverse(f"admin:consent_servicekey_{page}", args=[key.pk])
        assert staff.post(address, {"name": "x", "post": "yes"}).status_code == 403
    assert ServiceKey.objects.get().scopes == ["permission"]


def test_staff_without_the_right_make_and_revoke_none(boss: User) -> None:  # noqa: F811
    key, _secret = make_service_key(name="shop", scopes=["permission"], now=NOW)
    set_rights(boss)
    helper = sign_in(User.objects.get(pk=boss.pk), "password", "mfa")
    assert helper.get(ADD).status_code == 403
    revoke = reverse("admin:consent_servicekey_revoke", args=[key.pk])
    assert helper.post(revoke).status_code in (403, 404, 302)
    assert ServiceKey.objects.get().revoked_at is None
