"""`manage.py end_staff EMAIL`: everything of a staff account ends, at once."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.models import User
from accounts.staff.leaving import end_account


class Command(BaseCommand):
    help = (
        "End a staff account: sign-in, sessions, keys and roles. For an emergency, and for the "
        "last administrator of roles, whom no colleague can end."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, **options: Any) -> None:
        person = User.objects.with_address(options["email"]).filter(is_staff=True).first()
        if person is None:
            raise CommandError("No staff account has this address.")
        end_account(person, actor=None, now=timezone.now())
        self.stdout.write("The account has ended.")
