"""Numbers and pure decisions about consent, each with its clause of the policy."""

from datetime import datetime, timedelta

# "Avmeldingsforespørsler blir oppfylt i løpet av få minutter": the worst a reading may show.
OBEYED_WITHIN = timedelta(minutes=5)
# A link in a mail may take back its own no, pause or undo only this long: mails get forwarded.
UNDO_FROM_MAIL = timedelta(hours=1)
# A yes asked for from a mail's link is confirmed by a mail of its own, within a day.
CONFIRM_YES_PERIOD = timedelta(days=1)
PAUSE_MONTHS = (1, 3, 6)
# "retten til å når som helst melde deg av": our own page at once, everything else within two weeks,
# well inside the month of GDPR, article 12(3). Migration 0008 opens takedowns with this period.
TAKEDOWN_WITHIN = timedelta(days=14)
# Of whoever lets us ask for sales calls, until they set a number of their own (0008 too).
CALLS_A_YEAR = 2
MOST_CALLS_A_YEAR = 12

# `/references/` and its API: "opting out removes them within a minute", caches included. A copy
# made a moment before the no is the oldest there is, and half a minute is left for the rest.
REFERENCES_CACHED = timedelta(seconds=30)
# More customers than anybody reads; a page has an end.
REFERENCES_SHOWN = 200
# Whoever owns a takedown hears of it when it opens, again so long before it is due, and each day
# that it is late.
TAKEDOWN_WARNING = timedelta(days=2)
TAKEDOWN_NAGGING = timedelta(days=1)
# The portal's own look closes most of those on pages of ours before anybody needs to hear of them.
TAKEDOWN_SETTLES = timedelta(minutes=5)
# An address of our own that still shows what must go is looked at again after so long.
CHECK_AGAIN = timedelta(minutes=2)


def undo_is_open(changed_at: datetime, now: datetime) -> bool:
    """Whether a change made from a mail's link may still be taken back from it."""
    return now - changed_at < UNDO_FROM_MAIL
