"""What keeps a campaign from being approved or started: a segment too small, an hour not named."""

from datetime import datetime

from django.utils.translation import gettext as _

from messaging.models import Campaign
from messaging.refusals import WrongState
from messaging.segments import refuse_small


def check_approval(campaign: Campaign, *, now: datetime) -> None:
    """It can go out as it stands; or the reason why not."""
    if campaign.in_customers_zone and campaign.send_at is None:
        raise WrongState(
            _("Say at which hour it goes out where each customer is, or take that choice away.")
        )
    refuse_small(campaign, now=now)


def check_start(campaign: Campaign, *, now: datetime) -> None:
    """Somebody presses "send now". By its own time it starts unasked, and pauses if too few.

    An hour on the customers' walls and this very moment are two wishes: whichever we followed,
    half of the readers might be woken at night, and no mail is called back.
    """
    if campaign.in_customers_zone:
        raise WrongState(
            _(
                "It goes out by itself at its hour where each customer is. To send it now, take "
                "that choice away and have it approved again."
            )
        )
    refuse_small(campaign, now=now)
