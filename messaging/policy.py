"""Numbers and pure decisions about sending, each with its clause of the policy or its reason."""

from datetime import timedelta

# A claim is short: a worker that dies gives its messages back this soon.
LEASE = timedelta(minutes=2)
CLAIM_SIZE = 50
# One call to a mail provider is in doubt as a whole when it is cut.
PROVIDER_CALL_SIZE = 100
# Audience rows per statement: short transactions, resumable.
AUDIENCE_CHUNK = 20_000

# Service and security mail never wait behind a campaign.
PRIORITY_ACCOUNT, PRIORITY_SERVICE, PRIORITY_OPTIONAL = 0, 1, 5

MAX_ATTEMPTS = 8
FIRST_RETRY = timedelta(seconds=30)
LONGEST_RETRY = timedelta(hours=2)

# "I sjeldne tilfeller er det nødvendig å sende ut en strengt tjenestemessig kunngjøring":
# more than two service announcements a month is not rare.
RARE_ANNOUNCEMENTS_A_MONTH = 2


def retry_after(attempts: int, jitter: float) -> timedelta:
    """How long a message waits after its n-th temporary failure; `jitter` from 0 to 1."""
    doubled: int = 2 ** (attempts - 1)
    wait = min(FIRST_RETRY * doubled, LONGEST_RETRY)
    return wait * (0.5 + jitter / 2)


# Mail servers give up within days; a bounce that names an older mail of ours proves nothing.
BOUNCES_WITHIN = timedelta(days=30)
