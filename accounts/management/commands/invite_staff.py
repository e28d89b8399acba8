"""`manage.py invite_staff EMAIL --role ROLE`: how the first staff account of a portal begins."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email
from django.urls import reverse
from django.utils import timezone

from accounts.roles import Role
from accounts.staff.inviting import invite, make_link_token
from accounts.staff.refusals import StaffRefusedError


class Command(BaseCommand):
    help = (
        "Invite somebody to a staff account: for the first one, and for when no administrator of "
        "roles is left. Everybody else is invited on the staff pages."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument(
            "--role",
            action="append",
            required=True,
            choices=Role.values,
            help="may be given several times",
        )
        parser.add_argument(
            "--language",
            default=settings.LANGUAGE_CODE,
            choices=[code for code, _name in settings.LANGUAGES],
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            validate_email(options["email"])
            invitation = invite(
                email=options["email"],
                roles=options["role"],
                actor=None,
                now=timezone.now(),
                language=options["language"],
            )
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        except StaffRefusedError as error:
            raise CommandError(str(error)) from None
        link = reverse("staff_invitation", args=[make_link_token(invitation)])
        self.stdout.write(
            f"The invitation is on its way to {invitation.email}. Until "
            f"{invitation.expires_at:%Y-%m-%d %H:%M} UTC it is open, once:\n"
            f"  {settings.PORTAL_URL}{link}"
        )
