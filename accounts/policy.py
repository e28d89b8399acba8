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
