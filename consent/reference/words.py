"""Which activities show somebody's words, and how a look at a page is told to people."""

from enum import StrEnum
from typing import Final

from django.utils.translation import gettext as _

from consent.models import Takedown, Topic

PREFIX: Final = "reference_"
SALES_CALL: Final = "reference_sales_call"
LOGO: Final = "reference_logo"
# These show no words of the customer's. Of every other activity, also one that staff add, nothing
# appears before both sides have approved the very words (migration consent.0008).
WORDLESS: Final = frozenset({"reference_name", LOGO, SALES_CALL})


def activity_of(topic: Topic) -> str:
    """`quote` of `reference_quote`."""
    return topic.slug.removeprefix(PREFIX)


# Who looked, where it was the portal itself.
CHECK: Final = "check"
# What stands for a colleague's words once the customer is erased (migration consent.0008).
ERASED: Final = "erased"


class Found(StrEnum):
    """What the portal's own look found; stored with the status, told in the reader's language."""

    ABSENT = "absent"
    GONE = "gone"
    THERE = "there"
    NEVER_SEEN = "never_seen"
    UNREADABLE = "unreadable"
    NOTHING_TO_COMPARE = "nothing_to_compare"


def proof_words(takedown: Takedown) -> str:
    """What was checked, for people: a colleague's own words, or what the portal's look found."""
    if takedown.checked == ERASED:
        return _("Somebody looked, and it is gone. The words went with the customer's account.")
    if takedown.checked_by != CHECK:
        return takedown.checked
    found, _space, status = takedown.checked.partition(" ")
    said = {
        Found.ABSENT: _("The portal fetched the page, and what named you is no longer on it."),
        Found.GONE: _("The portal asked for the page, and it is gone (%(status)s)."),
        Found.THERE: _("The portal fetched the page, and it is still there."),
        Found.NEVER_SEEN: _(
            "The portal does not find you on the page, but never found you there before either: "
            "somebody has to look."
        ),
        Found.UNREADABLE: _("The portal could not read the page (%(status)s)."),
        Found.NOTHING_TO_COMPARE: _(
            "The page is there, and nothing is left to compare it with: somebody has to look."
        ),
    }
    return said[Found(found)] % {"status": status} if found in set(Found) else takedown.checked
