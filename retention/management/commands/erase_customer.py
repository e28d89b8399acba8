"""`manage.py erase_customer ID`: the same deletion as on the customer's page."""

import uuid
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone, translation

from accounts.models import User
from foundation.roles import KEEPER, as_role
from retention import services
from retention.journal.guard import StandstillError
from retention.models import DeletionRequest, Source
from retention.schedule import ENTRIES

State = DeletionRequest.State


class Command(BaseCommand):
    help = "Delete a customer with everything the schedule says, and confirm it to them by mail."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("id", help="the customer's key or customer number")

    def handle(self, *args: Any, **options: Any) -> None:
        with as_role(KEEPER), translation.override("en"):
            now = timezone.now()
            try:
                wish = services.request_deletion(
                    find_customer(options["id"]), source=Source.COMMAND, actor="operator", now=now
                )
            except services.StaffStaysError as error:
                raise CommandError(
                    "This is a member of staff. End their staff access first."
                ) from error
            refuse_waiting(wish)
            try:
                services.execute_deletion(wish, now=now)
            except StandstillError as error:
                raise CommandError(f"Asked for, and waits: {error}.") from error
        self.report(wish)

    def report(self, wish: DeletionRequest) -> None:
        for model, count in wish.removed.items():
            self.stdout.write(f"{count:8}  {ENTRIES[model].title}")
        for row in wish.kept:
            until = row["until"] or "not settled yet"
            self.stdout.write(f"{row['count']:8}  kept ({until}): {ENTRIES[row['model']].title}")
        self.stdout.write(f"Deletion {wish.reference} is {wish.state}.")


def refuse_waiting(wish: DeletionRequest) -> None:
    """What the customer has not let begin yet, an operator does not begin."""
    if wish.state == State.SCHEDULED:
        raise CommandError(
            f"Deletion {wish.reference} begins at {wish.begins_at:%Y-%m-%d %H:%M} UTC, as the "
            "customer chose: nothing was deleted. They alone can take it back or let it begin now."
        )
    if wish.state == State.UNCONFIRMED:
        raise CommandError(
            f"Deletion {wish.reference}, which staff began, waits for the customer's word or for "
            "two checks of who is asking: nothing was deleted."
        )


def find_customer(text: str) -> uuid.UUID:
    """By key, or by the number the customer has at ClickSend."""
    try:
        known = {"platform_id": int(text)} if text.isdigit() else {"pk": uuid.UUID(text)}
        found: uuid.UUID = User.objects.values_list("pk", flat=True).get(**known)
    except (ValueError, User.DoesNotExist) as error:
        raise CommandError(f"There is no customer {text}.") from error
    return found
