"""What keeps a campaign from being approved or started: a segment too small, an hour not named.

And any mailing: an hour that has passed.
"""

from datetime import datetime

from django.utils.translation import gettext as _

from messaging.models import Campaign, Mailing
from messaging.refusals import WrongState
from messaging.segments import refuse_small
from messaging.timing import earliest


def check_approval(campaign: Campaign, *, now: datetime) -> None:
    """It can go out as it stands; or the reason why not."""
    if campaign.in_customers_zone and campaign.send_at is None:
        raise WrongState(
            _("Say at which hour it goes out where each customer is, or take that choice away.")
        )
    refuse_small(campaign, now=now)


def check_moment(mailing: Mailing, *, now: datetime) -> None:
    """Approved after its hour it would leave at once, whatever time it is where it is read."""
    if mailing.send_at is None:
        return
    if isinstance(mailing, Campaign) and mailing.in_customers_zone:
        if earliest(mailing.send_at) < now:
            raise WrongState(
                _(
                    "At the first customers this hour has already passed. Choose one a day later, "
                    "or take the choice of each customer's own hour away."
                )
            )
    elif mailing.send_at < now:
        raise WrongState(
            _("The hour at which it goes out has passed. Choose a later one, or leave it empty.")
        )


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
