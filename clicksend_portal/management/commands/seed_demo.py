"""`seed_demo`: a made-up company to look at, and the two sign-ins that `make run` prints."""

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from clicksend_portal.demo.company import company_exists, make_company
from clicksend_portal.demo.content import make_content
from clicksend_portal.demo.declared import declare_access
from clicksend_portal.demo.sign_ins import (
    CUSTOMER_ADDRESS,
    STAFF_ADDRESS,
    NameTakenError,
    ensure_sign_ins,
)


class Command(BaseCommand):
    help = "Fill an empty portal with a made-up company; run again it changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--sign-ins",
            action="store_true",
            help="only make sure of the demo customer and the demo staff, and print how they "
            "sign in, as one line of JSON",
        )
        parser.add_argument(
            "--force", action="store_true", help="even where PORTAL_URL is a public https address"
        )

    def handle(self, *, sign_ins: bool, force: bool, verbosity: int, **options: Any) -> None:
        if settings.PORTAL_URL.startswith("https://") and not force:
            raise CommandError(
                f"PORTAL_URL is {settings.PORTAL_URL}: demo accounts do not belong in production. "
                "Use --force if this is not one."
            )
        now = timezone.now()
        made = 0
        try:
            with transaction.atomic():
                known = User.objects.with_address(CUSTOMER_ADDRESS).exists()
                valid = ensure_sign_ins(now=now)
                declare_access(now=now)
                if not sign_ins and not company_exists():
                    made = make_company(User.objects.with_address(STAFF_ADDRESS).get(), now=now)
                if not known:
                    # Once: what the demo customer has deleted since stays deleted.
                    make_content(User.objects.with_address(CUSTOMER_ADDRESS).get(), now=now)
        except NameTakenError as error:
            raise CommandError(f"No demo accounts were made: {error}.") from error
        if sign_ins:
            self.stdout.write(json.dumps(valid))
        elif verbosity:
            self.stdout.write(
                f"Made {made} demo customers." if made else "There are customers: nothing to do."
            )
