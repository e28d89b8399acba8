"""Numbers and pure decisions about consent, each with its clause of the policy."""

from datetime import datetime, timedelta

# "Avmeldingsforespørsler blir oppfylt i løpet av få minutter": the worst a reading may show.
OBEYED_WITHIN = timedelta(minutes=5)
# A link in a mail may take back its own no, pause or undo only this long: mails get forwarded.
UNDO_FROM_MAIL = timedelta(hours=1)
# A yes asked for from a mail's link is confirmed by a mail of its own, within a day.
CONFIRM_YES_PERIOD = timedelta(days=1)
PAUSE_MONTHS = (1, 3, 6)


def undo_is_open(changed_at: datetime, now: datetime) -> bool:
    """Whether a change made from a mail's link may still be taken back from it."""
    return now - changed_at < UNDO_FROM_MAIL
