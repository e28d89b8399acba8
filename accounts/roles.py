"""The roles of staff, each with least rights; what each may do stands in `clicksend_portal.roles`.

A role is one of Django's groups under this slug. Customers read who looked at their data by role.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from foundation.roles import OWNER, as_role


class Role(TextChoices):
    SUPPORT = "support", _("Customer support")
    EDITOR = "editor", _("Marketing editor")
    APPROVER = "approver", _("Approver of announcements")
    REVIEWER = "reviewer", _("Content reviewer")
    PRIVACY = "privacy", _("Privacy officer")
    BILLING = "billing", _("Billing")
    AUDITOR = "auditor", _("Auditor")
    ADMINISTRATOR = "administrator", _("Administrator of roles")


def begin_with_roles(person: Any, roles: Collection[str], *, now: datetime) -> None:
    """Give roles that no colleague confirms: to the first account, which has none.

    Only the role that migrates the database may: the command line can, the portal's pages cannot.
    """
    with transaction.atomic(), as_role(OWNER):
        person.confirmations.create(roles=sorted(roles), confirmed_at=now)
        person.groups.set(Group.objects.filter(name__in=roles))
