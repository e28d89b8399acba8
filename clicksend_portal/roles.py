"""What each role of staff may do, right by right. A page that no role was given is nobody's.

Every right of every staff page stands either in `RIGHTS` or in `NOBODYS`: a test fails on one that
nobody decided about. The database takes roles from here at each migration (`sync_roles`) and from
nowhere else: the portal itself may not change them (accounts/0008).
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from django.apps import apps as installed
from django.conf import settings
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.db.models import Q

from accounts.models import StaffCap
from accounts.roles import Role

ALL = ("view", "add", "change", "delete")


def on(model: str, *actions: str) -> frozenset[str]:
    """Django's rights on a model: `on("accounts.user", "view")` is `accounts.view_user`."""
    app, _dot, name = model.partition(".")
    return frozenset(f"{app}.{action}_{name}" for action in actions or ("view",))


def together(*parts: Iterable[str]) -> frozenset[str]:
    return frozenset(right for part in parts for right in part)


# Opening a customer's data, each time for a reason (`accounts.access`).
OPENS_CUSTOMERS: Final = together(on("accounts.user"), on("accounts.accessgrant", "add"))
# Without it a question shows to whoever works on invoices only if it is about them.
EVERY_QUESTION: Final = "accounts.view_every_question"

SUPPORT: Final = together(
    OPENS_CUSTOMERS,
    on("accounts.supportquestion", "view", "change"),
    {EVERY_QUESTION},
    # A customer's no, told on the phone.
    on("consent.preference", "view", "change"),
    on("consent.referenceuse"),
    on("consent.takedown"),
    on("messaging.message"),
    on("retention.deletionrequest"),
    on("retention.deletionstep"),
    # A question may turn out to be a request; the privacy officer answers it.
    on("retention.privacyrequest", "add"),
)
EDITOR: Final = together(
    on("messaging.campaign", *ALL),
    on("messaging.serviceannouncement", *ALL),
    on("messaging.segment", *ALL),
    on("messaging.mailimage", *ALL),
    on("consent.topic", "view", "add", "change"),
    # The reference program: opening a customer of it is for a reason too.
    on("accounts.accessgrant", "add"),
    on("consent.referenceuse", "view", "add", "change", "publish"),
    on("consent.referencetext"),
    on("consent.takedown", "view", "change"),
    on("consent.salescall", "view", "add", "change"),
)
APPROVER: Final = together(
    on("messaging.campaign"),
    on("messaging.serviceannouncement", "view", "approve"),
    {"messaging.send_standing_text"},
    on("messaging.mailimage"),
    on("messaging.segment"),
    on("consent.topic"),
)
# Customers' content opens inside a case, and there is no other page for it.
REVIEWER: Final[frozenset[str]] = frozenset()
PRIVACY: Final = together(
    on("accounts.accessalarm", "view", "change"),
    on("accounts.accessevent"),
    OPENS_CUSTOMERS,
    on("accounts.supportquestion", "view", "change"),
    {EVERY_QUESTION},
    on("consent.preference", "view", "change"),
    on("consent.topic"),
    on("consent.suppression"),
    on("consent.referenceuse", "view", "publish"),
    on("consent.referencetext"),
    on("consent.takedown", "view", "change"),
    on("consent.salescall"),
    on("messaging.message"),
    on("messaging.providerevent"),
    on("messaging.suppressioncomparison"),
    on("retention.deletionrequest", "view", "add", "change"),
    on("retention.deletionstep"),
    on("retention.legalhold", "view", "add", "change", "approve"),
    on("retention.physicalitem", "view", "add", "change"),
    on("retention.destruction", "add"),
    on("retention.privacyrequest", "view", "add", "change"),
    on("retention.breach", "view", "add", "change"),
    on("retention.processor", "view", "add", "change"),
    on("retention.declaredaccess", "view", "add", "change"),
    on("retention.promisealert"),
    on("retention.retentionrun"),
)
BILLING: Final = together(
    OPENS_CUSTOMERS,
    # Those about money; another right lets somebody see every question.
    on("accounts.supportquestion", "view", "change"),
    on("accounts.invoice"),
    on("accounts.transaction"),
)
# Reads what others do, and changes nothing. Money is billing's alone (`purpose-bound`).
AUDITOR: Final = together(
    on("accounts.accessalarm"),
    on("accounts.accessevent"),
    on("consent.preference"),
    OPENS_CUSTOMERS,
    on("accounts.supportquestion"),
    {EVERY_QUESTION},
    on("consent.topic"),
    on("consent.suppression"),
    on("consent.servicekey"),
    on("consent.webhook"),
    on("consent.delivery"),
    on("consent.referenceuse"),
    on("consent.referencetext"),
    on("consent.takedown"),
    on("consent.salescall"),
    on("messaging.campaign"),
    on("messaging.serviceannouncement"),
    on("messaging.segment"),
    on("messaging.mailimage"),
    on("messaging.message"),
    on("messaging.providerevent"),
    on("messaging.suppressioncomparison"),
    on("messaging.sendinglimit"),
    on("retention.deletionrequest"),
    on("retention.deletionstep"),
    on("retention.legalhold"),
    on("retention.physicalitem"),
    on("retention.retentionrun"),
    on("retention.privacyrequest"),
    on("retention.breach"),
    on("retention.processor"),
    on("retention.declaredaccess"),
    on("retention.promisealert"),
    on("django_celery_beat.periodictask"),
)
# Staff accounts and machinery; no customer's data.
ADMINISTRATOR: Final = together(
    on("accounts.staffaccount", "view", "change"),
    on("accounts.staffinvitation", "view", "add", "change"),
    on("consent.servicekey", *ALL),
    on("consent.webhook", *ALL),
    on("consent.delivery", "view", "change"),
    on("messaging.sendinglimit", *ALL),
    on("retention.retentionrun"),
    on("retention.promisealert"),
    on("django_celery_beat.periodictask", *ALL),
    on("django_celery_beat.crontabschedule", *ALL),
    on("django_celery_beat.intervalschedule", *ALL),
)

RIGHTS: Final[Mapping[Role, frozenset[str]]] = {
    Role.SUPPORT: SUPPORT,
    Role.EDITOR: EDITOR,
    Role.APPROVER: APPROVER,
    Role.REVIEWER: REVIEWER,
    Role.PRIVACY: PRIVACY,
    Role.BILLING: BILLING,
    Role.AUDITOR: AUDITOR,
    Role.ADMINISTRATOR: ADMINISTRATOR,
}

# What no form of the staff pages may do: services of ours change these rows, or nobody does.
NOBODYS: Final = together(
    on("accounts.staffaccount", "add", "delete"),
    on("accounts.staffinvitation", "delete"),
    on("accounts.accessalarm", "add", "delete"),
    on("accounts.accessevent", "add", "change", "delete"),
    on("accounts.user", "add", "change", "delete"),
    on("accounts.supportquestion", "add", "delete"),
    on("consent.topic", "delete"),
    on("consent.suppression", "add", "change", "delete"),
    on("consent.delivery", "add", "delete"),
    on("messaging.message", "add", "change", "delete"),
    on("messaging.providerevent", "add", "change", "delete"),
    on("messaging.suppressioncomparison", "add", "change", "delete"),
    on("consent.referenceuse", "delete"),
    on("consent.salescall", "delete"),
    on("consent.takedown", "add", "delete"),
    on("retention.deletionrequest", "delete"),
    on("retention.deletionstep", "add", "change", "delete"),
    on("retention.legalhold", "delete"),
    on("retention.physicalitem", "delete"),
    on("retention.retentionrun", "add", "change", "delete"),
    on("retention.privacyrequest", "delete"),
    on("retention.breach", "delete"),
    on("retention.processor", "delete"),
    on("retention.declaredaccess", "delete"),
    on("retention.promisealert", "add", "change", "delete"),
)


def sync_roles(apps: Any = installed) -> None:
    """Make the database's roles and cap those of this code; runs after migrations, as the owner.

    Rights of models that a partial migration has not made yet follow with the next one.
    """
    for config in installed.get_app_configs():
        create_permissions(config, verbosity=0, apps=apps)
    with transaction.atomic():
        for role, rights in RIGHTS.items():
            group, _created = Group.objects.get_or_create(name=role.value)
            group.permissions.set(_permissions(rights))
        Group.objects.exclude(name__in=Role.values).delete()
        StaffCap.objects.update_or_create(pk=1, defaults={"most": settings.PRIVILEGED_CAP})


def _permissions(rights: Iterable[str]) -> list[Permission]:
    named = Q(pk__in=[])
    for right in rights:
        app, _dot, codename = right.partition(".")
        named |= Q(content_type__app_label=app, codename=codename)
    return list(Permission.objects.filter(named))
