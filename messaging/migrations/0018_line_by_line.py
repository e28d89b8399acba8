"""Lines about one message come to the same whether they arrive in one batch or in many, unless a
legal hold keeps it: only lines about a held message that is here already are refused for its cost.

Each is taken as if the one before had been committed: the first says what the message said, those
after it change what they name and leave the rest. Until a message has arrived any of them may; then
only those that do not say that it waits.
"""

from importlib import import_module
from typing import Any, ClassVar

from django.db import migrations

# A landed migration never changes: what builds a function of the feed is taken from there.
feed = import_module("messaging.migrations.0011_feed")
renewed = import_module("messaging.migrations.0012_tombstones").renewed
bills = import_module("messaging.migrations.0014_bills")

LINES = f"pg_temp.{feed.MESSAGES}"
# What may change of a message, and how a line looks that does not say it.
NOT_SAID = {
    "status": "''",
    "message_parts": "NULL",
    "message_price": "NULL",
    "currency": "''",
    "country": "''",
    "carrier": "''",
}
MAY_CHANGE = ", ".join(NOT_SAID)
# What a legal hold keeps of it.
COST = [name for name in NOT_SAID if name != "status"]


def has_gone_on(line: str) -> str:
    """Of a line and its record `t`: whether it says that a message waits which has arrived."""
    return f"{feed.WAITS.format(f'{line}.status')} AND NOT {feed.WAITS.format('t.status')}"


# The planner would compute the key of every line, and ask holds of it, before it looks for records.
HERE = f"""FROM {LINES} f {feed.OWNER}
             CROSS JOIN LATERAL (SELECT {feed.DIGEST} AS digest OFFSET 0) d
             CROSS JOIN LATERAL (SELECT * FROM messaging_messagerecord t
                                  WHERE t.id = messaging_record_key(f.date, d.digest)
                                 OFFSET 0) t"""

# What a held message cost stays; that it arrived may still be said.
CHANGES_HELD = f"""f.line IN (
            SELECT f.line {HERE}
             WHERE u.id = ANY (held) AND NOT ({has_gone_on("f")})
               AND CASE WHEN ({feed.prefixed("t", ", ".join(COST))}) IS DISTINCT FROM ({", ".join(
                   f"COALESCE(NULLIF(f.{name}, {NOT_SAID[name]}), t.{name})" for name in COST
               )})
                   THEN retention_holds_content(u.id, f.date, p_now) END)"""

BY_MESSAGE = 'PARTITION BY user_id, message_id COLLATE "C" ORDER BY line'
# The lines of a message become its first one, which says what the last of them to name it does.
# Before that those go that come too late to say anything.
AS_ONE = f"""
    DELETE FROM {LINES} f
     WHERE f.line IN (SELECT f.line {HERE} WHERE {has_gone_on("f")})
        OR f.line IN (SELECT line FROM (
              SELECT line, {feed.WAITS.format("status")}
                     AND bool_or(NOT {feed.WAITS.format("status")}) OVER ({BY_MESSAGE}) AS late
                FROM {LINES}) each WHERE late);
    UPDATE {LINES} f SET ({MAY_CHANGE})
         = ({", ".join(f"COALESCE(said.{name}, {nothing})" for name, nothing in NOT_SAID.items())})
      FROM (SELECT min(f.line) AS line,
                   {", ".join(bills.last_said(name, nothing) for name, nothing in NOT_SAID.items())}
              FROM {LINES} f GROUP BY f.user_id, f.message_id HAVING count(*) > 1) said
     WHERE f.line = said.line;
    DELETE FROM {LINES} f
     WHERE f.line IN (SELECT line FROM (
              SELECT line, row_number() OVER ({BY_MESSAGE}) AS place
                FROM {LINES}) each WHERE place > 1);
"""

# As the record has it where a line does not say it.
KEPT = ", ".join(
    f"""
               CASE WHEN excluded.id IN (SELECT key FROM line
                                          WHERE {name} IS NOT DISTINCT FROM {nothing})
                    THEN t.{name} ELSE excluded.{name} END"""
    for name, nothing in NOT_SAID.items()
)

# Mostly no message is there twice: that is counted by hash, which costs a batch a third of what the
# order of its lines does.
RECORDS = renewed(
    feed.taking(
        "messaging_take_message_records",
        feed.MESSAGES,
        f"""
    DECLARE
        repeated boolean := EXISTS (
            SELECT FROM {LINES} GROUP BY user_id, message_id HAVING count(*) > 1);
    BEGIN
    IF repeated THEN
        {feed.refuse(feed.MESSAGES, bills.MOVED, "date", "'another_date'")}
    END IF;
    {bills.find_held(feed.MESSAGES, "content")}
    IF cardinality(held) > 0 THEN
        {feed.refuse(feed.MESSAGES, CHANGES_HELD, "", "'held'")}
    END IF;
    IF repeated THEN
        {AS_ONE}
    END IF;
    WITH line AS MATERIALIZED (
        SELECT messaging_record_key(f.date, d.digest) AS key, u.id AS customer_id, f.*
          FROM {LINES} f {feed.OWNER}
         CROSS JOIN LATERAL (SELECT {feed.DIGEST} AS digest OFFSET 0) d
         ORDER BY key
    ), record AS (
        INSERT INTO messaging_messagerecord AS t (id, customer_id, message_id, kind, direction,
               date, status, message_parts, message_price, currency, country, carrier, list_id)
        SELECT key, customer_id, message_id, kind, direction, date, status,
               COALESCE(message_parts, 1), COALESCE(message_price, 0), currency, country, carrier,
               list_id
          FROM line ORDER BY key
            ON CONFLICT (id) DO UPDATE SET ({MAY_CHANGE}) = ({KEPT})
         WHERE NOT ({has_gone_on("excluded")})
           AND ({feed.prefixed("t", MAY_CHANGE)}) IS DISTINCT FROM ({KEPT})
        RETURNING new.id AS key, old.id IS NULL AS is_new
    ), content AS (
        INSERT INTO messaging_messagecontent (id, customer_id, sent_from, sent_to, body,
               first_name, last_name, contact_id, custom_string)
        SELECT line.key, customer_id, sent_from, sent_to, body, first_name, last_name,
               contact_id, custom_string
          FROM line JOIN record ON record.key = line.key AND record.is_new
         WHERE line.with_content
         ORDER BY line.key
    )
    SELECT count(*) INTO taken FROM record;
    RETURN;
    END;
""",
        first=feed.HOLD_LOCK,
    )
)


class Migration(migrations.Migration):
    dependencies: ClassVar[Any] = [("messaging", "0017_stretches")]

    operations: ClassVar[Any] = [migrations.RunSQL(RECORDS, bills.RECORDS)]
