"""`few-see`: how many may see, that nothing lets one more in, and who else could."""

from datetime import datetime
from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.models import Group
from django.db.models import Exists, OuterRef, Q
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import AccessEvent, Seen, User
from accounts.policy import CONFIRMED_FOR, SECOND_FACTOR_WITHIN
from accounts.staff.standing import cap, staff_accounts
from clicksend_portal.promises.promise import Finding, Value
from clicksend_portal.promises.readings import DAYS, all_rows, since
from clicksend_portal.promises.words import count_text, shown_count
from clicksend_portal.roles import RIGHTS
from retention.desk import declared

# The doors of accounts/0008, as the database has them.
DOORS = (
    "accounts_staff_cap_new",
    "accounts_staff_cap_again",
    "accounts_invitation_checked",
    "accounts_confirmation_checked",
    "accounts_role_checked",
)
TRIGGERS = "SELECT tgname FROM pg_trigger WHERE tgenabled = 'O' AND tgname = ANY (%(doors)s)"


def wider_than_decided() -> int:
    """Rights the database gives that no role was given here: of roles, of single people."""
    held = Group.objects.filter(permissions__isnull=False).values_list(
        "name", "permissions__content_type__app_label", "permissions__codename"
    )
    decided = {(role.value, right) for role, rights in RIGHTS.items() for right in rights}
    beyond = {(name, f"{app}.{codename}") for name, app, codename in held} - decided
    beside = User.objects.filter(
        Q(user_permissions__isnull=False)
        | Q(is_superuser=True)
        | Q(is_staff=False, groups__isnull=False)
    )
    people: int = beside.distinct().count()
    return len(beyond) + people


def read_few_see(now: datetime) -> Finding:
    factors = Authenticator.objects.filter(
        user=OuterRef("pk"), type__in=[Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]
    )
    staff = staff_accounts()
    newcomer = Q(signed_up_at__gt=now - SECOND_FACTOR_WITHIN)
    # Who was found by a search was not looked at yet: that comes before any reason.
    events = AccessEvent.objects.filter(at__gt=since(now), at__lte=now)
    unconfirmed = Q(confirmed_at=None) | Q(confirmed_at__lte=now - CONFIRMED_FOR)
    value: dict[str, Any] = {
        "accounts": staff.count(),
        "cap": cap(),
        # They open no page; whoever never adds one should not have an account.
        "without_second_factor": staff.filter(~Exists(factors)).exclude(newcomer).count(),
        # Nor do these; but nobody says that they are still needed.
        "unconfirmed": staff.filter(unconfirmed).count(),
        "wider": wider_than_decided(),
        "doors_open": len(DOORS) - len(all_rows(TRIGGERS, {"doors": list(DOORS)})),
        "days": DAYS,
        "looks": shown_count(events.exclude(what=Seen.SEARCH).count()),
        "found": shown_count(events.filter(what=Seen.SEARCH).count()),
        "declared": declared.declared_people(now),
        "undeclared": len(declared.undeclared(now)),
        "overdue": declared.overdue_declarations(now),
        "processors_who_read": declared.processors_who_read(now),
        "mail_provider": settings.MAIL_TRANSPORT.esp,
    }
    return Finding(
        holds=value["accounts"] <= value["cap"]
        and not any(
            value[name]
            for name in (
                "without_second_factor",
                "unconfirmed",
                "wider",
                "doors_open",
                "overdue",
                "processors_who_read",
                "mail_provider",
            )
        ),
        value=value,
        known=not value["undeclared"],
    )


def tell_few_see(value: Value) -> str:
    """Old readings know less: what they lack is not told."""
    parts: list[str] = [
        format_html(
            _(
                "<b>{accounts}</b> staff accounts of at most {cap}, <b>{without}</b> without a "
                "second factor."
            ),
            accounts=value["accounts"],
            cap=value["cap"],
            without=value["without_second_factor"],
        )
    ]
    if value.get("unconfirmed"):
        number = value["unconfirmed"]
        parts.append(
            format_html(
                ngettext(
                    "<b>{number}</b> of them nobody confirmed within the year: it opens nothing.",
                    "<b>{number}</b> of them nobody confirmed within the year: they open nothing.",
                    number,
                ),
                number=number,
            )
        )
    if "looks" in value:
        parts.append(
            format_html(
                _(
                    "They looked at a customer <b>{looks}</b> times in {days} days, each for a "
                    "reason."
                ),
                looks=count_text(value["looks"]),
                days=value["days"],
            )
        )
    if "found" in value:
        parts.append(
            format_html(
                _(
                    "Before that they searched by an exact address or number, and found a customer "
                    "<b>{found}</b> times."
                ),
                found=count_text(value["found"]),
            )
        )
    if value.get("undeclared"):
        parts.append(_("Who runs the database and the machines is not declared yet."))
    elif "declared" in value:
        number = value["declared"]
        parts.append(
            format_html(
                ngettext(
                    "<b>{number}</b> person beside them can reach database, machines or keys.",
                    "<b>{number}</b> people beside them can reach database, machines or keys.",
                    number,
                ),
                number=number,
            )
        )
    if value.get("mail_provider") or value.get("processors_who_read"):
        parts.append(_("A third party can read some data: the list of processors says which."))
    return format_html(" ".join("{}" for _part in parts), *parts)
