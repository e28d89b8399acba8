"""What the outcome of a message is called on staff pages."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# The reasons of `consent_withheld_reason`, of the hand-over and of the audience count.
REASONS: dict[str, str | Promise] = {
    "reached": _("would get it"),
    "not_asked": _("never asked about this topic"),
    "refused": _("said no"),
    "withdrawn": _("said no later"),
    "paused": _("has paused"),
    "not_confirmed": _("address not confirmed"),
    "deactivated": _("account deactivated"),
    "address_changed": _("changed address since"),
    "bounced": _("address does not exist"),
    "suppressed": _("address is suppressed"),
    "tailoring_off": _("has not chosen tailoring"),
    "outside_segment": _("outside the segment"),
    "topic_retired": _("topic is no longer used"),
    "erased": _("erased"),
    "cancelled": _("mailing cancelled"),
}


# Why an incoming event had the outcome it had.
EVENT_REASONS: dict[str, str | Promise] = {
    "already": _("it was so already"),
    "yes_since": _("the customer has said yes since"),
    "confirmed_since": _("the address was confirmed since"),
    "auto_reply": _("an automatic reply asks for nothing"),
    "no_token": _("no valid token in it"),
    "unreadable": _("cannot be read"),
    "other_feedback": _("a report of another kind"),
    "nobody_named": _("it names nobody we know"),
    "no_such_message": _("it names no email of ours"),
    "not_lately": _("the email it names is too old"),
    "another_address": _("the email it names went to another address"),
    "unproven": _("not proven"),
    "provider_refused": _("the mail provider refused the email"),
    "never_a_yes": _("a yes must come from the customer"),
}
DIFFERENCES: dict[str, str | Promise] = {
    "added_here": _("added here"),
    "added_there": _("added there"),
    "removed_there": _("removed there"),
    "lifted_here": _("lifted here"),
    "not_added_there": _("not added there: it would stop account mail"),
    "failed": _("failed"),
    "bounce": _("dead address"),
    "complaint": _("complaint"),
    "unsubscribe": _("unsubscribed"),
}


def event_words(why: str) -> str:
    return str(EVENT_REASONS.get(why, why))


def difference_words(code: str) -> str:
    return str(DIFFERENCES.get(code, code))


def reason_words(reason: str) -> str:
    """A reason we do not know is shown as it stands, never hidden."""
    return str(REASONS.get(reason, reason))
