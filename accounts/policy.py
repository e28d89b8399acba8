"""Numbers and pure decisions about accounts, each with its clause of the policy."""

from datetime import timedelta

# "Vi sender alle nye brukere en velkomst e-post for å bekrefte deres nye konto":
# what nobody confirms is gone after a week, be it an account or a change of address.
CONFIRMATION_PERIOD = timedelta(days=7)
# A session's "last seen" is refreshed at most this often: one write an hour, not one a page.
SESSION_SEEN_EVERY = timedelta(hours=1)
# A key that nobody remembers must not work for ever; its owner may choose less (days).
TOKEN_DAYS_USUAL = 365
TOKENS_AT_MOST = 20
TOKEN_NAME_LENGTH = 60

USERNAME_PATTERN = r"^[\w.+-]{3,60}$"
NAME_LENGTH = 100

# "Data lagres bare for fakturerings- og regnskapsmessige formål i opptil 7 år", from the end of the
# transaction.
BILLING_MONTHS = 7 * 12
# A question that was answered and met with silence is over after a month.
ANSWERED_FOR = timedelta(days=30)
QUESTION_LENGTH = 5000
CALL_WHEN_LENGTH = 100
# "… er du velkommen til å kontakte oss" (policy): nobody waits longer for a first answer.
ANSWER_WITHIN = timedelta(days=5)

# An invitation to become staff is void after these days.
INVITED_FOR = timedelta(days=3)
# Each privileged account is confirmed by a colleague every year; both are told beforehand.
CONFIRMED_FOR = timedelta(days=365)
CONFIRM_WARNING = timedelta(days=30)
# A new account opens no page before it has a second factor; one that never gets one is not needed.
SECOND_FACTOR_WITHIN = timedelta(days=1)
# A staff session ends when nobody used it for so long, and after a working day in any case.
STAFF_IDLE = timedelta(minutes=30)
STAFF_SESSION = timedelta(hours=10)
# So that idleness is known to the minute: one write a minute.
STAFF_SEEN_EVERY = timedelta(minutes=1)
# One reason opens one customer for so long.
ACCESS_LASTS = timedelta(minutes=30)
# More look-ups by one person in a day than this, or than three times their usual, raise an alarm.
LOOK_UPS_A_DAY = 40
LOOK_UPS_TIMES_USUAL = 3
# What is usual is the mean of the days with any look-up in these weeks, once there were so many.
LOOK_UPS_COMPARED_OVER = timedelta(days=28)
LOOK_UPS_USUAL_DAYS = 5
# Three times hardly any is still hardly any.
LOOK_UPS_AT_LEAST = 15


def is_unusual(number: int, *, usual: int, days: int) -> bool:
    """Whether so many look-ups on a day want an explanation ("Et begrenset antall ansatte")."""
    if number > LOOK_UPS_A_DAY:
        return True
    known = days >= LOOK_UPS_USUAL_DAYS
    return known and number > max(LOOK_UPS_AT_LEAST, LOOK_UPS_TIMES_USUAL * usual)
