"""Erasing a customer of 300,000 rows, as the worker does it: against the same deletes in SQL.

Compared is the time from asking to the receipt, with all that belongs to it: steps that survive a
kill, holds read in each batch, the entry of the journal, the sweep, the mail. The limit is one
transaction of an administrator's that deletes the same rows of another customer, and proves
nothing: same tables, indexes, foreign keys and rows between one another's on the same pages, the
same durable commit, a connection that has done it before. Each leaves its dead rows to whoever
comes next, so they take turns at going first; and one customer of each goes before anything is
timed, for the first to touch a page after a checkpoint writes all of it.
"""

import re
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg

from bench.frame import Benchmark, Result, at_most, bound, median
from bench.servers import administrator
from clicksend_portal.embedded.folders import ServiceError

ROUNDS = 3
# Two are erased in each round, and two before; the rows of the last stay, and lie between theirs.
CUSTOMERS = 2 * ROUNDS + 3
MOST_TIMES, MOST_MB = 1.3, 60.0
MESSAGES, CONTACTS, LISTS = 120_000, 50_000, 5
ROWS = 300_000


_WHO = f"('01900000-0000-7000-8000-' || lpad((n % {CUSTOMERS})::text, 12, '0'))::uuid"


def each(number: int) -> str:
    """The numbers of so many rows for each customer: one row of each, and again."""
    return f"generate_series(0, {number * CUSTOMERS - 1}) n"


# Not through the portal's doors. As in life the rows of one customer lie between those of others,
# and messages between two months.
SEED = f"""
SET session_replication_role = replica;
INSERT INTO accounts_user (id, password, username, first_name, last_name, email, address,
       address_hashes, phone, company, country, language, timezone, support_channel,
       email_confirmed_at, is_active, is_staff, is_superuser, legal_entity)
SELECT {_WHO}, '!', 'customer' || n, 'Kari', 'Nordmann', n || '@shop.test', n || '@shop.test',
       ARRAY[sha256(n::text::bytea)], '', '', 'NO', 'nb', 'Europe/Oslo', 'email', now(), true,
       false, false, '' FROM {each(1)};
INSERT INTO messaging_messagerecord (id, customer_id, message_id, kind, direction, date, status,
       message_parts, message_price, currency, country, carrier)
SELECT uuidv7(-make_interval(days => n / {CUSTOMERS} % 28)), {_WHO}, gen_random_uuid()::text, 'sms',
       'out', now(), 'delivered', 1, 0.049, 'NOK', 'NO', 'Telenor' FROM {each(MESSAGES)};
INSERT INTO messaging_messagecontent (id, customer_id, sent_from, sent_to, body, first_name,
       last_name, custom_string)
SELECT id, customer_id, 'Butikken', '+4798765432', repeat('Hei, timen din er i morgen. ', 4), 'Ola',
       'Nordmann', '' FROM messaging_messagerecord;
INSERT INTO messaging_contactlist (customer_id, list_name) SELECT {_WHO}, 'L' FROM {each(LISTS)};
INSERT INTO messaging_contact (contact_list_id, customer_id, phone_number, email, first_name,
       last_name, organization_name, custom_1, custom_2, custom_3, custom_4, address_line_1,
       address_line_2, address_city, address_state, address_postal_code, address_country)
SELECT l.id, l.customer_id, '+47' || (90000000 + n), '', 'Ola', 'Nordmann', '', '', '', '', '', '',
       '', 'Oslo', '', '0155', 'NO'
  FROM generate_series(1, {CONTACTS // LISTS}) n, messaging_contactlist l;
INSERT INTO messaging_contactoptout (customer_id, contact)
SELECT {_WHO}, '+47' || (40000000 + n) FROM {each(4000)};
INSERT INTO messaging_report (customer_id, report_id, report_name, date, content)
SELECT {_WHO}, n, 'November', now(), '{{}}' FROM {each(500)};
INSERT INTO accounts_transaction (customer_id, transaction_id, invoice_number, kind, amount,
       currency, date, ended_on, legal_entity)
SELECT {_WHO}, 't' || n, '', 'charge', 1, 'NOK', now(), now(), '' FROM {each(4000)};
INSERT INTO accounts_invoice (customer_id, invoice_number, billed_to, amount, currency, date,
       settled_on, legal_entity)
SELECT {_WHO}, 'i' || n, 'Butikken AS', 1, 'NOK', now(), now(), '' FROM {each(500)};
INSERT INTO messaging_message (kind, priority, purpose, sender, person_id, to_address, language,
       subject, text, html, reason, attempts, not_before, queued_at, finished_at, state)
SELECT 'account', 5, 'notice', '', {_WHO}, '', 'nb', '', '', '', '', 1, now(), now(), now(), 'sent'
  FROM {each(900)};
INSERT INTO consent_consentdetail (person_id, topic_id, version, state_before, state, undone,
       source, actor, reason, language, wording_version, mailing, at, salt)
SELECT {_WHO}, t.id, n / {CUSTOMERS} + 1, '', 'granted', false, 'signup', 'self', '', 'nb', 1, 0,
       now(), uuid_send(gen_random_uuid())
  FROM {each(20)} JOIN consent_topic t ON t.slug = 'newsletter';
"""

# The same rows, in the order of the keys that refer to one another.
LIMIT = """
BEGIN;
DELETE FROM messaging_message WHERE person_id = %(who)s;
DELETE FROM messaging_contact WHERE customer_id = %(who)s;
DELETE FROM messaging_contactlist WHERE customer_id = %(who)s;
DELETE FROM messaging_contactoptout WHERE customer_id = %(who)s;
DELETE FROM messaging_messagecontent WHERE customer_id = %(who)s;
DELETE FROM messaging_messagerecord WHERE customer_id = %(who)s;
DELETE FROM messaging_report WHERE customer_id = %(who)s;
DELETE FROM consent_preference WHERE person_id = %(who)s;
DELETE FROM consent_consentdetail WHERE person_id = %(who)s;
UPDATE accounts_transaction SET customer_id = NULL WHERE customer_id = %(who)s;
UPDATE accounts_invoice SET customer_id = NULL WHERE customer_id = %(who)s;
DELETE FROM accounts_user WHERE id = %(who)s;
COMMIT;
"""


def run() -> Iterator[Result]:
    make_months()
    seed()
    limits, times, growths = [], [], []
    with administrator() as admin:
        by_hand(admin, key_of(0))
        by_the_portal(key_of(1))
        for number in range(1, ROUNDS + 1):
            his, ours = key_of(2 * number), key_of(2 * number + 1)
            if number % 2:
                limits.append(by_hand(admin, his))
            seconds, growth, gone = by_the_portal(ours)
            if not number % 2:
                limits.append(by_hand(admin, his))
            if not 0.98 * ROWS < gone < 1.02 * ROWS:
                raise ServiceError(f"{gone} rows went, not about {ROWS}.")
            times.append(seconds)
            growths.append(growth)
    yield at_most("erasure, 300,000 rows", times, limits, MOST_TIMES, unit="s")
    yield bound("erasure, memory growth", median(growths), MOST_MB, unit="MB")


def key_of(number: int) -> uuid.UUID:
    return uuid.UUID(f"01900000-0000-7000-8000-{number:012}")


def make_months() -> None:
    from django.utils import timezone

    from foundation.calendar import months_later
    from foundation.partitions import ensure_partitions
    from foundation.roles import KEEPER, as_role

    now = timezone.now()
    with as_role(KEEPER):
        for table in ("messaging_messagerecord", "messaging_messagecontent", "messaging_message"):
            ensure_partitions(table, months_later(now, -2), now)


def seed() -> None:
    with administrator() as admin:
        admin.execute(SEED)
        admin.execute("VACUUM ANALYZE")
        admin.execute("CHECKPOINT")


def by_hand(admin: psycopg.Connection, key: uuid.UUID) -> float:
    began = time.monotonic()
    for statement in LIMIT.strip().split("\n"):
        admin.execute(statement, {"who": key} if "%(" in statement else None)
    return time.monotonic() - began


def by_the_portal(key: uuid.UUID) -> tuple[float, float, int]:
    """Asked for by the web process, done by the worker's service, with its receipt: s, MB, rows."""
    from django.utils import timezone

    from foundation.roles import KEEPER, as_role
    from retention import services
    from retention.journal.keeping import keep_log
    from retention.models import Source
    from retention.receipts import make_deletion_receipt

    now = timezone.now()
    with as_role(KEEPER):
        keep_log(now)  # a signed head, without which no receipt can be verified
    before = forget_peak()
    began = time.monotonic()
    wish = services.request_deletion(key, source=Source.CUSTOMER, actor="self", now=now)
    with as_role(KEEPER):
        services.execute_deletion(wish, now=now)
    receipt = make_deletion_receipt(wish)
    seconds = time.monotonic() - began
    if not wish.is_finished or not receipt:
        raise ServiceError(f"The deletion is {wish.state}.")
    return seconds, memory("VmHWM") - before, sum(wish.removed.values())


def forget_peak() -> float:
    """The kernel counts the peak anew from here; what is in use now."""
    Path("/proc/self/clear_refs").write_text("5")
    return memory("VmRSS")


def memory(name: str) -> float:
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


BENCHMARK = Benchmark(
    "erasure", "a customer of 300,000 rows, with journal and receipt: time and memory", run
)
