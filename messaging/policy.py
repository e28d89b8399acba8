"""Numbers and pure decisions about sending, each with its clause of the policy or its reason."""

import math
from datetime import date, timedelta
from enum import StrEnum

from accounts.policy import BILLING_MONTHS

# A claim is short: a worker that dies gives its messages back this soon.
LEASE = timedelta(minutes=2)
# A claim is one statement and one commit; this many share its cost, and wait when a worker dies.
CLAIM_SIZE = 200
# One call to a mail provider is in doubt as a whole when it is cut.
PROVIDER_CALL_SIZE = 100
# Persons per statement: about half a second, so that a pause or a vacuum never waits for long.
AUDIENCE_CHUNK = 30_000

# Service and security mail never wait behind a campaign.
PRIORITY_ACCOUNT, PRIORITY_SERVICE, PRIORITY_OPTIONAL = 0, 1, 5


class Lane(StrEnum):
    """Who carries what: each lane has queue and workers of its own, so neither waits for the
    other, not even for a worker's hands."""

    URGENT = "urgent"
    CAMPAIGNS = "campaigns"


FIRST_RETRY = timedelta(seconds=30)
LONGEST_RETRY = timedelta(hours=2)
# An outage of a weekend must cost no mail: RFC 5321 §4.5.4.1 asks for four to five days, but a code
# or the news of three days ago helps nobody.
GIVE_UP_URGENT, GIVE_UP_CAMPAIGNS = timedelta(days=3), timedelta(days=2)
# However old, it is tried so often (about an hour): it may have waited for a paused mailing.
LEAST_ATTEMPTS = 8
# Whose row somebody else keeps locked is left alone for so long.
BUSY_WAIT = timedelta(seconds=5)

# "I sjeldne tilfeller er det nødvendig å sende ut en strengt tjenestemessig kunngjøring":
# more than two service announcements a month is not rare.
RARE_ANNOUNCEMENTS_A_MONTH = 2
# What one person on call sent alone is looked at by another: a weekend may lie between, a week not.
REVIEW_WORKING_DAYS = 3
# Whoever presses twice meant once; later than this it is a second wish, and gets an answer.
SAME_PRESS = timedelta(minutes=10)

# A list of a million contacts is some 50 MB; what is larger is several lists.
UPLOAD_BYTES = 50 * 1000 * 1000
# A piece of it is a row: small enough for any worker's memory.
UPLOAD_PIECE = 1024 * 1024
UPLOAD_COLUMNS = 200
# Rows shown beside each column, so that one sees what it is.
UPLOAD_PREVIEW = 4
# Rows per transaction: what a killed worker does again, and how long a list stays locked.
UPLOAD_BATCH = 1000
# A batch takes seconds: what has not gone on for as long may be stopped by its customer.
UPLOAD_STANDS_STILL = timedelta(hours=1)
# Files that wait to be confirmed; an older one nobody came back to makes room.
UPLOADS_WAITING = 3
# Lines shown on the page of an upload; the file to download has all.
PROBLEMS_SHOWN = 100
CONTENT_PAGE = 50
# Of a report; an archive has all.
REPORT_ROWS = 2000
# Rows per transaction of a deletion or an export by a customer.
CONTENT_BATCH = 5000
# Rows that go while somebody waits for the page: a few seconds. More go by a worker, with progress.
DELETED_AT_ONCE = 20_000
# A search that reads a whole history of words gives up, and asks for a shorter period.
SEARCH_SECONDS = 8


def working_days_later(day: date, number: int) -> date:
    """The n-th day after `day` that is neither Saturday nor Sunday; holidays count as work."""
    while number:
        day += timedelta(days=1)
        number -= day.weekday() < 5
    return day


def retry_after(attempts: int, jitter: float) -> timedelta:
    """How long a message waits after its n-th temporary failure; `jitter` from 0 to 1."""
    doubled: int = 2 ** min(attempts - 1, 16)
    wait = min(FIRST_RETRY * doubled, LONGEST_RETRY)
    return wait * (0.5 + jitter / 2)


def give_up_after(kind: str) -> timedelta:
    """How old a message may become before a temporary failure ends it."""
    return GIVE_UP_CAMPAIGNS if kind == "optional" else GIVE_UP_URGENT


# Mail servers give up within days; a bounce that names an older mail of ours proves nothing.
BOUNCES_WITHIN = timedelta(days=30)

# Pictures in mails (messaging.images). A file of a few kilobytes can unpack to gigabytes, so pixels
# are counted before they are drawn; mails are 600 px wide, and sharp screens draw two for one.
PICTURE_UPLOAD_BYTES = 8_000_000
# Each pixel takes four bytes, twice over while it is drawn.
PICTURE_UPLOAD_PIXELS = 16_000_000
PICTURE_WIDTH = 1_200
PICTURE_HEIGHT = 4_000
PICTURE_STORED_BYTES = 1_000_000
# A drawing stays sharp as PNG; a photograph that came as one would weigh ten times its JPEG.
PICTURE_PNG_BYTES = 400_000

# What is looked at before approval (messaging.checklist). Gmail shows the first 102 kB of a mail
# and hides the rest, the way out with it; phones show about 60 characters of a subject.
MAIL_SHOWN_BYTES = 100_000
SUBJECT_SHOWN = 60
# Links are tried when asked, each for a few seconds; what was found is believed for a while.
LINK_SECONDS = 5
LINK_BELIEVED = timedelta(hours=6)
LINK_HOPS = 5
LINKS_AT_ONCE = 8
# Whoever presses waits for them, and a worker of the portal with them: half a minute at most.
LINKS_A_PRESS = 40
# Seven thousand words; far past it a mail is cut anyway (MAIL_SHOWN_BYTES).
BODY_LENGTH = 40_000

# Fewer and one of them may be known by the profile fields alone. Statistics offices hide counts
# below 3 (SSB), 5 or 10 (ONS); a segment is also written to, so twice the strictest.
MIN_SEGMENT = 20
# What is shown of larger ones moves in steps, so that one person more or less is not seen.
SEGMENT_STEP = 10

# Where a day begins first: UTC+14, the Line Islands.
EARLIEST_ZONE = timedelta(hours=14)

# A mailing stops itself where mailbox providers begin to refuse everything from a sender: Google
# asks for less than 0.1 % complaints and refuses from 0.3 %; mail providers warn at 5 % dead
# addresses and close the account at 10 %. Below the smallest numbers a share says nothing: one
# dead address of ten, one slip of a finger.
STOP_BOUNCED_SHARE = 0.05
STOP_BOUNCED_FROM = 50
STOP_COMPLAINED_SHARE = 0.003
STOP_COMPLAINTS_FROM = 3


def why_stop(handed: int, bounced: int, complained: int) -> str:
    """Whether a mailing must stop itself, and why; '' is go on."""
    if complained >= STOP_COMPLAINTS_FROM and complained > handed * STOP_COMPLAINED_SHARE:
        return "complaints"
    if handed >= STOP_BOUNCED_FROM and bounced > handed * STOP_BOUNCED_SHARE:
        return "bounces"
    return ""


def handed_to_ask(bounced: int, complained: int) -> int:
    """With so many handed over, these would be too few to stop: no need to count further."""
    enough = max(STOP_BOUNCED_FROM, math.ceil(bounced / STOP_BOUNCED_SHARE))
    if complained < STOP_COMPLAINTS_FROM:
        return enough
    return max(enough, math.ceil(complained / STOP_COMPLAINED_SHARE))


# What customers sent over the platform, in months (`retention.schedule` has the rules). Its words
# go as on ClickSend's own platform ("meldingsdata kan [de]identifiseres"); that it was sent is a
# record of billing. Both leave by whole months, on the day the month's first day has had its time.
MESSAGE_CONTENT_MONTHS = 4
MESSAGE_RECORD_MONTHS = BILLING_MONTHS
REPORT_MONTHS = 2 * 12

# The platform's feed (messaging.content.feed). A clock may be wrong, not by a day.
FEED_AHEAD = timedelta(days=1)
# Lines that one transaction takes: some tenths of a second, for which their accounts are held.
FEED_BATCH = 5_000
# A long mail with its record; what is longer is no message.
FEED_LINE_BYTES = 256 * 1024
# Objects and lists of a report that stand in each other. Deeper, it could come in and then neither
# be shown nor packed into its customer's archive.
FEED_DEPTH = 100
# About 150,000 messages, or ten seconds of one connection.
FEED_BODY_BYTES = 64 * 1024 * 1024
# An answer names so many bad lines and counts the rest.
FEED_BAD_SHOWN = 1_000
