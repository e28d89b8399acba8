"""What the platform sends again changes no bill by its silence, and nothing that a hold keeps.

A bill has its own copy of whom it was made out to, and by which company of ours. What a line
leaves out of that is the account's when the bill comes in, and later what the bill says: by then
the account may be another company's, or its owner may have asked for the profile to go. Likewise an
end that was told once stays until another is told.

An end past what the schedule keeps is refused of a bill that is not here, or has its end. An open
one takes it: nothing else would ever start its clock. The next night removes it.
"""

from importlib import import_module

from django.db import migrations

# A landed migration never changes: what builds a function of the feed is taken from there.
feed = import_module("messaging.migrations.0011_feed")
renewed = import_module("messaging.migrations.0012_tombstones").renewed

# As `retention.holding.held_by` has it of a bill of this day; an unapproved hold counts for
# `policy.HOLD_UNAPPROVED`.
HELD = """
CREATE OR REPLACE FUNCTION retention_holds_bill(p_customer uuid, p_date date, p_now timestamptz)
RETURNS boolean LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
SELECT EXISTS (
    SELECT FROM retention_legalhold h
     WHERE h.released_at IS NULL
       AND (h.approved_at IS NOT NULL OR h.placed_at > p_now - interval '3 days')
       AND (h.customer_id IS NULL OR h.customer_id = p_customer)
       AND h.data_class IN ('', 'billing')
       AND (h.since IS NULL OR p_date >= h.since)
       AND (h.until IS NULL OR p_date <= h.until))
$$;
ALTER FUNCTION retention_holds_bill(uuid, date, timestamptz) OWNER TO portal_keeper;
REVOKE EXECUTE ON FUNCTION retention_holds_bill(uuid, date, timestamptz) FROM PUBLIC;
"""


def find_held(feed_name: str, data_class: str) -> str:
    """Whose lines a hold may reach: nearly always nobody's, and nothing is asked of a line."""
    return f"""
    SELECT COALESCE(array_agg(u.id), '{{}}') INTO held FROM accounts_user u
     WHERE u.platform_id IN (SELECT f.user_id FROM pg_temp.{feed_name} f)
       AND EXISTS (SELECT FROM retention_legalhold h
                    WHERE h.released_at IS NULL AND h.data_class IN ('', '{data_class}')
                      AND (h.customer_id IS NULL OR h.customer_id = u.id));
"""


def is_open(kind: str, table: str, number: str, end: str) -> str:
    """Of a line: whether the bill has no end so far, in its table or in the lines before."""
    return f"""COALESCE(
            (SELECT t.{end} IS NULL FROM {table} t WHERE t.{number} = f.{number}),
            f.line IN (SELECT line FROM (
              SELECT line, bool_and({end} IS NULL) OVER (PARTITION BY {number} ORDER BY line
                           ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS was_open
                FROM pg_temp.feed_{kind}) each WHERE was_open))"""


def last_said(column: str, nothing: str) -> str:
    return f"""(array_agg(f.{column} ORDER BY f.line DESC)
                    FILTER (WHERE f.{column} IS DISTINCT FROM {nothing}))[1] AS {column}"""


def bills(
    kind: str, table: str, number: str, end: str, plain: str, at_first: dict[str, str]
) -> str:
    """`plain` columns are as the line has them; those `at_first` come from the account `u` where no
    line of a new bill says them."""
    feed_name = f"feed_{kind}"
    # NULL: past what any company keeps.
    too_old = f"""(f.too_old_for IS NULL OR f.too_old_for <> '{{}}')
       AND NOT {is_open(kind, table, number, end)}
       AND (f.too_old_for IS NULL OR COALESCE(NULLIF(f.legal_entity, ''),
            (SELECT t.legal_entity FROM {table} t WHERE t.{number} = f.{number}),
            (SELECT u.legal_entity FROM accounts_user u WHERE u.platform_id = f.user_id))
            = ANY (f.too_old_for))"""
    another = feed.BILL_OF_ANOTHER.format(
        table=table, number=number, feed=feed_name, owner=feed.OWNER
    )
    unsaid = ", ".join(at_first)
    said = ", ".join(f"COALESCE(NULLIF(f.{each}, ''), t.{each})" for each in at_first)
    changes_held = f"""EXISTS (SELECT FROM {table} t
              WHERE t.{number} = f.{number} AND t.customer_id = ANY (held)
                AND CASE WHEN ({feed.prefixed("t", plain)}, {feed.prefixed("t", unsaid)})
                              IS DISTINCT FROM ({feed.prefixed("f", plain)}, {said})
                    THEN retention_holds_bill(t.customer_id, t.date, p_now) END)"""
    columns = f"{plain}, {end}, {unsaid}"
    stays = ", ".join(
        f"""
           CASE WHEN excluded.{number} IN (SELECT s.{number} FROM pg_temp.{feed_name} s
                                            WHERE s.{each} <> '')
                THEN excluded.{each} ELSE t.{each} END"""
        for each in at_first
    )
    kept = f"{feed.prefixed('excluded', plain)}, COALESCE(excluded.{end}, t.{end}), {stays}"
    return renewed(
        feed.taking(
            f"accounts_take_{kind}",
            feed_name,
            f"""
    {feed.refuse(feed_name, another, number, "'of_another_customer'")}
    {find_held(feed_name, "billing")}
    IF cardinality(held) > 0 THEN
        {feed.refuse(feed_name, changes_held, "", "'held'")}
    END IF;
    INSERT INTO {table} AS t (customer_id, {number}, {columns})
    SELECT u.id, f.{number}, {feed.prefixed("f", plain)}, said.{end},
           {", ".join(f"COALESCE(said.{each}, {first})" for each, first in at_first.items())}
      FROM (SELECT max(f.line) AS line, {last_said(end, "NULL")},
                   {", ".join(last_said(each, "''") for each in at_first)}
              FROM pg_temp.{feed_name} f GROUP BY f.{number}) said
      JOIN pg_temp.{feed_name} f USING (line) {feed.OWNER}
     ORDER BY f.{number}
        ON CONFLICT ({number}) DO UPDATE SET ({columns}) = ROW ({kept})
     WHERE t.customer_id = excluded.customer_id
       AND ({feed.prefixed("t", columns)}) IS DISTINCT FROM ({kept});
""",
            first=feed.HOLD_LOCK,
            before=feed.refuse(feed_name, too_old, end, "'too_old'")
            + feed.end_bills(feed_name, table, number, end),
        )
    )


INVOICES = bills(
    "invoices",
    "accounts_invoice",
    "invoice_number",
    "settled_on",
    "amount, currency, date",
    {
        "billed_to": """NULLIF(u.company, ''),
                    NULLIF(trim(u.first_name || ' ' || u.last_name), ''), u.username""",
        "legal_entity": "u.legal_entity",
    },
)
TRANSACTIONS = bills(
    "transactions",
    "accounts_transaction",
    "transaction_id",
    "ended_on",
    "invoice_number, kind, amount, currency, date",
    {"legal_entity": "u.legal_entity"},
)

# Its date is part of what a message is known by: under another it would be a second message. Which
# of two in one batch is meant nobody knows; what came first is taken.
MOVED = f"""f.line IN (SELECT line FROM (
              SELECT line, moment <> first_value(moment) OVER (
                           PARTITION BY user_id, message_id ORDER BY line) AS moved
                FROM (SELECT line, user_id, message_id COLLATE "C" AS message_id,
                             date_trunc('milliseconds', date) AS moment
                        FROM pg_temp.{feed.MESSAGES}) dated) each WHERE moved)"""

# Counted by hash, which costs a batch a third of what the order of its lines does.
UNDER_TWO_DATES = f"""SELECT FROM pg_temp.{feed.MESSAGES}
        GROUP BY user_id, message_id HAVING min(date) <> max(date)"""

# What a held message cost stays; that it arrived may still be said. The function is asked last, and
# of what changes alone: the planner would ask it of every line before looking for its record.
MAY_CHANGE = "message_parts, message_price, currency, country, carrier"
CHANGES_HELD = f"""f.line IN (
            SELECT f.line FROM pg_temp.{feed.MESSAGES} f {feed.OWNER}
             CROSS JOIN LATERAL (SELECT {feed.DIGEST} AS digest OFFSET 0) d
             CROSS JOIN LATERAL (SELECT * FROM messaging_messagerecord t
                                  WHERE t.id = messaging_record_key(f.date, d.digest)
                                 OFFSET 0) t
             WHERE u.id = ANY (held) AND NOT {feed.WAITS.format("f.status")}
               AND CASE WHEN ({feed.prefixed("t", MAY_CHANGE)})
                             IS DISTINCT FROM ({feed.prefixed("f", MAY_CHANGE)})
                   THEN retention_holds_content(u.id, f.date, p_now) END)"""

RECORDS = renewed(
    feed.taking(
        "messaging_take_message_records",
        feed.MESSAGES,
        f"""
    IF EXISTS ({UNDER_TWO_DATES}) THEN
        {feed.refuse(feed.MESSAGES, MOVED, "date", "'another_date'")}
    END IF;
    {find_held(feed.MESSAGES, "content")}
    IF cardinality(held) > 0 THEN
        {feed.refuse(feed.MESSAGES, CHANGES_HELD, "", "'held'")}
    END IF;
    WITH line AS MATERIALIZED (
        SELECT DISTINCT ON (key) messaging_record_key(f.date, d.digest) AS key,
               u.id AS customer_id, f.*
          FROM pg_temp.{feed.MESSAGES} f {feed.OWNER}
         CROSS JOIN LATERAL (SELECT {feed.DIGEST} AS digest OFFSET 0) d
         ORDER BY key, {feed.WAITS.format("f.status")}, f.line DESC
    ), record AS (
        INSERT INTO messaging_messagerecord AS t (id, customer_id, message_id, kind, direction,
               date, status, message_parts, message_price, currency, country, carrier, list_id)
        SELECT key, customer_id, message_id, kind, direction, date, status, message_parts,
               message_price, currency, country, carrier, list_id
          FROM line ORDER BY key
            ON CONFLICT (id) DO UPDATE
           SET (status, message_parts, message_price, currency, country, carrier)
             = (excluded.status, excluded.message_parts, excluded.message_price,
                excluded.currency, excluded.country, excluded.carrier)
         WHERE NOT {feed.WAITS.format("excluded.status")}
           AND (t.status, t.message_parts, t.message_price, t.currency, t.country, t.carrier)
            IS DISTINCT FROM (excluded.status, excluded.message_parts, excluded.message_price,
                              excluded.currency, excluded.country, excluded.carrier)
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
""",
        first=feed.HOLD_LOCK,
    )
)


class Migration(migrations.Migration):
    # Holds are known higher up; who is reached by one is asked here, in the database.
    dependencies = [
        ("messaging", "0013_program_mails"),
        ("retention", "0011_held_and_resumed"),
    ]

    operations = [
        migrations.RunSQL(HELD, migrations.RunSQL.noop),
        migrations.RunSQL(INVOICES, renewed(feed.INVOICES)),
        migrations.RunSQL(TRANSACTIONS, renewed(feed.TRANSACTIONS)),
        migrations.RunSQL(RECORDS, renewed(feed.RECORDS)),
    ]
