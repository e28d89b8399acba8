"""How the platform's lists, messages and bills come in: one function a kind, and no other way.

A batch is copied into a temporary table that the keeper made for it (`messaging_open_feed`), and
taken from there by a function of the keeper's, so that nothing the web process could have put in
the table's place is ever run with the keeper's rights.

Each function first holds the accounts it writes for, and then looks whether they still stand. A
deletion takes the account's row for itself before anything else, so a batch is either in before
the first step of the deletion, which finds it, or sees that the account is leaving.
"""

from django.db import migrations

MESSAGES = "feed_message_records"
FEEDS = {
    "contact-lists": ("feed_contact_lists", "list_id bigint, list_name text"),
    "contacts": (
        "feed_contacts",
        "list_id bigint, contact_id bigint, phone_number text, email text, first_name text, "
        "last_name text, organization_name text, custom_1 text, custom_2 text, custom_3 text, "
        "custom_4 text, address_line_1 text, address_line_2 text, address_city text, "
        "address_state text, address_postal_code text, address_country text, "
        "customer_id uuid, contact_list_id uuid",
    ),
    "opt-outs": ("feed_opt_outs", "contact text, since timestamptz"),
    "message-records": (
        MESSAGES,
        "message_id text, kind text, direction text, date timestamptz, status text, "
        "message_parts smallint, message_price numeric, currency text, country text, "
        "carrier text, list_id bigint, sent_from text, sent_to text, body text, first_name text, "
        "last_name text, contact_id bigint, custom_string text, with_content boolean",
    ),
    "reports": (
        "feed_reports",
        "report_id bigint, report_name text, date timestamptz, content jsonb",
    ),
    "invoices": (
        "feed_invoices",
        "invoice_number text, billed_to text, amount numeric, currency text, date date, "
        "settled_on date, legal_entity text, too_old_for text[]",
    ),
    "transactions": (
        "feed_transactions",
        "transaction_id text, invoice_number text, kind text, amount numeric, currency text, "
        "date date, ended_on date, legal_entity text, too_old_for text[]",
    ),
}


def keepers(signature: str) -> str:
    """A function that runs with the keeper's rights, and that the web process may call."""
    return f"""
ALTER FUNCTION {signature} OWNER TO portal_keeper;
REVOKE EXECUTE ON FUNCTION {signature} FROM PUBLIC;
GRANT EXECUTE ON FUNCTION {signature} TO portal_app;
"""


# What is left of a batch before is dropped; a table of that name made by another role cannot be.
OPEN = """
CREATE FUNCTION messaging_open_feed(p_kind text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
SET client_min_messages = warning AS $$
BEGIN
    CASE p_kind
""" + "".join(
    f"""    WHEN '{kind}' THEN
        DROP TABLE IF EXISTS pg_temp.{table};
        CREATE TEMP TABLE {table} (line int, user_id bigint, {columns}) ON COMMIT DROP;
        GRANT INSERT ON pg_temp.{table} TO portal_app;
"""
    for kind, (table, columns) in FEEDS.items()
) + """    END CASE;
END $$;
""" + keepers("messaging_open_feed(text)")

GUARD = """
CREATE FUNCTION messaging_feed_is_ours(p_table text) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_class WHERE oid = to_regclass('pg_temp.' || p_table)
                      AND relowner = 'portal_keeper'::regrole AND relkind = 'r') THEN
        RAISE EXCEPTION 'no feed is open' USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
END $$;
ALTER FUNCTION messaging_feed_is_ours(text) OWNER TO portal_keeper;
REVOKE EXECUTE ON FUNCTION messaging_feed_is_ours(text) FROM PUBLIC;
"""


def refuse(feed: str, condition: str, field: str, reason: str) -> str:
    """Take the lines that meet the condition out of the batch, and remember them."""
    return f"""
    WITH gone AS (DELETE FROM pg_temp.{feed} f WHERE {condition} RETURNING f.*)
    SELECT bad || COALESCE(jsonb_agg(jsonb_build_array(line, '{field}', {reason})), '[]')
      INTO bad FROM gone;
"""


def taking(name: str, feed: str, body: str, *, first: str = "", before: str = "") -> str:
    """A function that takes a batch in: how many lines were new or changed, and which were bad.

    The accounts are held in the order of their keys, as by every other batch, and looked at in a
    statement of its own, whose snapshot is younger than the locks. `first` is done before any other
    lock is taken, `before` while lines of those who are leaving are still there.
    """
    return f"""
CREATE FUNCTION {name}(p_now timestamptz, OUT taken bigint, OUT bad jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    held uuid[];
    ended bigint := 0;
BEGIN
    PERFORM messaging_feed_is_ours('{feed}');
    bad := '[]';
    {first}
    PERFORM FROM accounts_user u
      WHERE u.platform_id IN (SELECT f.user_id FROM pg_temp.{feed} f)
      ORDER BY u.id FOR KEY SHARE;
    {before}
    {refuse(
        feed,
        "NOT EXISTS (SELECT FROM accounts_user u WHERE u.platform_id = f.user_id AND u.is_active)",
        "user_id",
        "CASE WHEN EXISTS (SELECT FROM accounts_user u WHERE u.platform_id = gone.user_id) "
        "THEN 'customer_leaving' ELSE 'unknown_customer' END",
    )}
    {body}
    GET DIAGNOSTICS taken = ROW_COUNT;
    taken := taken + ended;
END $$;
""" + keepers(f"{name}(timestamptz)")


OWNER = "JOIN accounts_user u ON u.platform_id = f.user_id"

LISTS = taking(
    "messaging_take_contact_lists",
    "feed_contact_lists",
    f"""
    INSERT INTO messaging_contactlist AS t (customer_id, list_id, list_name)
    SELECT DISTINCT ON (u.id, f.list_id) u.id, f.list_id, f.list_name
      FROM pg_temp.feed_contact_lists f {OWNER}
     ORDER BY u.id, f.list_id, f.line DESC
        ON CONFLICT (customer_id, list_id) DO UPDATE SET list_name = excluded.list_name
     WHERE t.list_name <> excluded.list_name;
""",
)

CONTACT_VALUES = (
    "phone_number, email, first_name, last_name, organization_name, custom_1, custom_2, custom_3, "
    "custom_4, address_line_1, address_line_2, address_city, address_state, address_postal_code, "
    "address_country"
)


def prefixed(alias: str, columns: str) -> str:
    return ", ".join(f"{alias}.{each.strip()}" for each in columns.split(","))


# Whose contacts a legal hold keeps: nobody's, until the app that knows of holds says otherwise
# (retention/0008). The lock is the one under which holds are placed (`retention.holding`).
HELD = """
CREATE FUNCTION messaging_contacts_are_held(p_customer uuid, p_now timestamptz) RETURNS boolean
LANGUAGE sql STABLE AS 'SELECT false';
ALTER FUNCTION messaging_contacts_are_held(uuid, timestamptz) OWNER TO portal_keeper;
REVOKE EXECUTE ON FUNCTION messaging_contacts_are_held(uuid, timestamptz) FROM PUBLIC;
"""
HOLD_LOCK = "PERFORM pg_advisory_xact_lock_shared(hashtext('retention'), hashtext('holds'));"


# A table that filled a moment ago looks empty to the planner, until autovacuum has been there: of
# two indexes that seem to cost the same it takes any, and may walk through a whole list per line.
KNOW_CONTACTS = """
    IF (SELECT reltuples < pg_relation_size(oid) / 8192 FROM pg_class
         WHERE oid = 'messaging_contact'::regclass) THEN
        ANALYZE messaging_contact;
    END IF;
"""
MAINTAIN = "GRANT MAINTAIN ON messaging_contact TO portal_keeper;"


def find_held(feed: str) -> str:
    return f"""
    SELECT COALESCE(array_agg(each.id), '{{}}') INTO held
      FROM (SELECT u.id FROM accounts_user u
             WHERE u.platform_id IN (SELECT f.user_id FROM pg_temp.{feed} f)) each
     WHERE messaging_contacts_are_held(each.id, p_now);
"""


# One at a time per list: whoever adds a contact to one of them waits, a moment, so that a number
# that is free when it is looked for is free when it is written.
def hold_lists(feed: str, of: str) -> str:
    return f"""
    PERFORM FROM messaging_contactlist l
      WHERE l.id IN (SELECT c.id FROM pg_temp.{feed} f {OWNER}
                       JOIN messaging_contactlist c ON c.customer_id = u.id{of})
      ORDER BY l.id FOR UPDATE;
"""


def repeated(key: str, order: str, where: str = "") -> str:
    """Lines with another of the same key before them, in that order."""
    return f"""f.line IN (SELECT line FROM (
              SELECT line, row_number() OVER (PARTITION BY {key} ORDER BY {order}) AS place
                FROM pg_temp.feed_contacts {where}) each WHERE place > 1)"""


# The same number or address, said in such a way that the index of either serves: both leave the
# empty ones out, and the one of addresses is of small letters.
SAME = {
    "phone_number": "c.phone_number = f.phone_number AND c.phone_number <> ''",
    "email": "lower(c.email) = lower(f.email) AND c.email <> ''",
}
KEYS = {"phone_number": "phone_number", "email": "lower(email)"}


def of_another(field: str) -> str:
    return refuse(
        "feed_contacts",
        f"""EXISTS (SELECT FROM messaging_contact c
              WHERE c.contact_list_id = f.contact_list_id AND {SAME[field]}
                AND c.contact_id <> f.contact_id)
        OR {repeated(f"contact_list_id, {KEYS[field]}", "line", f"WHERE {field} <> ''")}""",
        field,
        "'of_another_contact'",
    )


def said_no(field: str) -> str:
    return refuse(
        "feed_contacts",
        f"""f.{field} <> '' AND EXISTS (SELECT FROM messaging_contactoptout o
              WHERE o.customer_id = f.customer_id AND o.contact = lower(f.{field}))""",
        field,
        "'opted_out'",
    )


def give_way(field: str) -> str:
    """What the customer added here without the platform's number, to the platform's own."""
    return f"""
    DELETE FROM messaging_contact c USING pg_temp.feed_contacts f
     WHERE c.contact_list_id = f.contact_list_id AND {SAME[field]} AND c.contact_id IS NULL;
"""


def would_change() -> str:
    """Lines that would write over a contact, or take the place of one."""
    places = "\n".join(
        f"""        OR EXISTS (SELECT FROM messaging_contact c
              WHERE c.contact_list_id = f.contact_list_id AND {same} AND c.contact_id IS NULL)"""
        for same in SAME.values()
    )
    return f"""f.customer_id = ANY (held) AND (EXISTS (SELECT FROM messaging_contact t
              WHERE t.customer_id = f.customer_id AND t.contact_id = f.contact_id
                AND (t.contact_list_id, {prefixed("t", CONTACT_VALUES)})
                    IS DISTINCT FROM (f.contact_list_id, {prefixed("f", CONTACT_VALUES)}))
{places})"""


CONTACTS = taking(
    "messaging_take_contacts",
    "feed_contacts",
    f"""
    {hold_lists("feed_contacts", " AND c.list_id = f.list_id")}
    UPDATE pg_temp.feed_contacts f SET customer_id = u.id, contact_list_id = l.id
      FROM accounts_user u JOIN messaging_contactlist l ON l.customer_id = u.id
     WHERE u.platform_id = f.user_id AND l.list_id = f.list_id;
    {refuse("feed_contacts", "f.contact_list_id IS NULL", "list_id", "'unknown_list'")}
    ANALYZE pg_temp.feed_contacts;
    {KNOW_CONTACTS}
    DELETE FROM pg_temp.feed_contacts f
     WHERE {repeated("customer_id, contact_id", "line DESC")};
    {said_no("phone_number")}
    {said_no("email")}
    {of_another("phone_number")}
    {of_another("email")}
    {find_held("feed_contacts")}
    IF cardinality(held) > 0 THEN
        {refuse("feed_contacts", would_change(), "", "'held'")}
    END IF;
    {give_way("phone_number")}
    {give_way("email")}
    INSERT INTO messaging_contact AS t (customer_id, contact_list_id, contact_id, {CONTACT_VALUES})
    SELECT customer_id, contact_list_id, contact_id, {CONTACT_VALUES}
      FROM pg_temp.feed_contacts ORDER BY customer_id, contact_id
        ON CONFLICT (customer_id, contact_id) DO UPDATE
       SET (contact_list_id, {CONTACT_VALUES})
         = (excluded.contact_list_id, {prefixed("excluded", CONTACT_VALUES)})
     WHERE (t.contact_list_id, {prefixed("t", CONTACT_VALUES)})
        IS DISTINCT FROM (excluded.contact_list_id, {prefixed("excluded", CONTACT_VALUES)});
""",
    first=HOLD_LOCK,
)

# The first time somebody said no is when it counts from. They are out of that customer's lists at
# once, unless a hold keeps them: the no stands all the same, and the night takes them out once it
# is released (`messaging.content.services.remove_opted_out`).
OPT_OUTS = taking(
    "messaging_take_opt_outs",
    "feed_opt_outs",
    f"""
    {hold_lists("feed_opt_outs", "")}
    ANALYZE pg_temp.feed_opt_outs;
    {KNOW_CONTACTS}
    {find_held("feed_opt_outs")}
    """
    + "".join(
        f"""
    DELETE FROM messaging_contact c
     USING pg_temp.feed_opt_outs f {OWNER}
      JOIN messaging_contactlist l ON l.customer_id = u.id
     WHERE c.contact_list_id = l.id AND {condition} AND u.id <> ALL (held);
"""
        for condition in (
            "c.phone_number = f.contact AND c.phone_number <> ''",
            "lower(c.email) = f.contact AND c.email <> ''",
        )
    )
    + f"""
    INSERT INTO messaging_contactoptout AS t (customer_id, contact, since)
    SELECT u.id, f.contact, min(COALESCE(f.since, p_now))
      FROM pg_temp.feed_opt_outs f {OWNER}
     GROUP BY u.id, f.contact ORDER BY u.id, f.contact
        ON CONFLICT (customer_id, contact) DO UPDATE SET since = excluded.since
     WHERE excluded.since < t.since;
""",
    first=HOLD_LOCK,
)

REPORTS = taking(
    "messaging_take_reports",
    "feed_reports",
    f"""
    INSERT INTO messaging_report AS t (customer_id, report_id, report_name, date, content)
    SELECT DISTINCT ON (u.id, f.report_id) u.id, f.report_id, f.report_name, f.date, f.content
      FROM pg_temp.feed_reports f {OWNER}
     ORDER BY u.id, f.report_id, f.line DESC
        ON CONFLICT (customer_id, report_id) DO UPDATE
       SET (report_name, date, content)
         = (excluded.report_name, excluded.date, excluded.content)
     WHERE (t.report_name, t.date, t.content)
        IS DISTINCT FROM (excluded.report_name, excluded.date, excluded.content);
""",
)

# As `foundation.ids.uuid7_from(date, str(customer_id), message_id)`, bit by bit.
KEY = """
CREATE FUNCTION messaging_record_key(p_date timestamptz, p_digest text) RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
SELECT (lpad(to_hex(floor(date_part('epoch', p_date) * 1000)::bigint), 12, '0')
        || '7' || substr(p_digest, 1, 3)
        || to_hex((B'10' || substring(('x' || substr(p_digest, 5, 16))::bit(64) FOR 62))
                  ::bit(64)::bigint))::uuid
$$;
ALTER FUNCTION messaging_record_key(timestamptz, text) OWNER TO portal_keeper;
REVOKE EXECUTE ON FUNCTION messaging_record_key(timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION messaging_record_key(timestamptz, text) TO portal_app;
"""
DIGEST = (
    "encode(sha256(convert_to(u.id::text || chr(31) || f.message_id, 'UTF8')), 'hex')"
)

# A message that has arrived does not wait again: an old batch may be sent once more.
WAITS = "lower({}) IN ('', 'queued', 'scheduled', 'sending', 'wait_approved')"

# What a message said comes in with its record or never: where the record stands without it, its
# owner or the schedule has let it go.
RECORDS = taking(
    "messaging_take_message_records",
    MESSAGES,
    f"""
    WITH line AS MATERIALIZED (
        SELECT DISTINCT ON (key) messaging_record_key(f.date, d.digest) AS key,
               u.id AS customer_id, f.*
          FROM pg_temp.{MESSAGES} f {OWNER}
         CROSS JOIN LATERAL (SELECT {DIGEST} AS digest OFFSET 0) d
         ORDER BY key, {WAITS.format("f.status")}, f.line DESC
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
         WHERE NOT {WAITS.format("excluded.status")}
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
)

BILL_OF_ANOTHER = """EXISTS (SELECT FROM {table} t {owner}
              WHERE t.{number} = f.{number} AND t.customer_id IS DISTINCT FROM u.id)
        OR f.line IN (SELECT line FROM (
              SELECT line, user_id, first_value(user_id) OVER (PARTITION BY {number} ORDER BY line)
                     AS owner FROM pg_temp.{feed}) each WHERE user_id <> owner)"""


ENTITY = "COALESCE(NULLIF(f.legal_entity, ''), u.legal_entity)"


def end_bills(feed: str, table: str, number: str, end: str) -> str:
    """The end alone, of a bill that has lost its customer or whose customer is leaving.

    It starts the clock: without it what nobody can settle any more would stand until the last day.
    """
    theirs = f"""t.{number} = f.{number} AND f.{end} >= t.date AND (t.customer_id IS NULL
            OR EXISTS (SELECT FROM accounts_user u WHERE u.id = t.customer_id
                          AND u.platform_id = f.user_id AND NOT u.is_active))"""
    return f"""
    UPDATE {table} t SET {end} = f.{end}
      FROM (SELECT DISTINCT ON ({number}) * FROM pg_temp.{feed} WHERE {end} IS NOT NULL
             ORDER BY {number}, line DESC) f
     WHERE {theirs} AND t.{end} IS DISTINCT FROM f.{end};
    GET DIAGNOSTICS ended = ROW_COUNT;
    DELETE FROM pg_temp.{feed} f USING {table} t WHERE {theirs};
"""


def bills(kind: str, table: str, number: str, end: str, columns: str, values: str) -> str:
    """A number belongs to one customer: another's bill is never changed, an erased one's but for
    its end."""
    feed = f"feed_{kind}"
    condition = BILL_OF_ANOTHER.format(
        table=table, number=number, feed=feed, owner=OWNER
    )
    too_old = f"""EXISTS (SELECT FROM accounts_user u
              WHERE u.platform_id = f.user_id AND {ENTITY} = ANY (f.too_old_for))"""
    return taking(
        f"accounts_take_{kind}",
        feed,
        f"""
    {refuse(feed, condition, number, "'of_another_customer'")}
    {refuse(feed, too_old, end, "'too_old'")}
    INSERT INTO {table} AS t (customer_id, {number}, {columns})
    SELECT DISTINCT ON (f.{number}) u.id, f.{number}, {values}
      FROM pg_temp.{feed} f {OWNER}
     ORDER BY f.{number}, f.line DESC
        ON CONFLICT ({number}) DO UPDATE SET ({columns}) = ({prefixed("excluded", columns)})
     WHERE t.customer_id = excluded.customer_id
       AND ({prefixed("t", columns)}) IS DISTINCT FROM ({prefixed("excluded", columns)});
""",
        before=end_bills(feed, table, number, end),
    )


# An invoice outlives the account, so it has its own copy of whom it was made out to, and by whom.
BILLED_TO = """COALESCE(NULLIF(f.billed_to, ''), NULLIF(u.company, ''),
                    NULLIF(trim(u.first_name || ' ' || u.last_name), ''), u.username)"""
INVOICES = bills(
    "invoices",
    "accounts_invoice",
    "invoice_number",
    "settled_on",
    "billed_to, amount, currency, date, settled_on, legal_entity",
    f"{BILLED_TO}, f.amount, f.currency, f.date, f.settled_on, {ENTITY}",
)
TRANSACTIONS = bills(
    "transactions",
    "accounts_transaction",
    "transaction_id",
    "ended_on",
    "invoice_number, kind, amount, currency, date, ended_on, legal_entity",
    f"f.invoice_number, f.kind, f.amount, f.currency, f.date, f.ended_on, {ENTITY}",
)

# Made beside the table and then attached, which nobody who reads or writes has to wait for. One
# at a time, under the lock of `foundation.partitions.ensure_partitions`, so that nobody makes the
# same month twice; while a month is detached it waits for that, not for long: whoever asks tries
# again. Nobody has a right on the
# month itself: its table's row-level security does not guard it.
MONTH = """
CREATE FUNCTION messaging_make_month(p_table text, p_month date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
SET timezone = 'UTC' SET lock_timeout = '3s' AS $$
DECLARE
    first timestamptz := date_trunc('month', p_month::timestamptz);
    name text := p_table || to_char(first, '"_y"YYYY"m"MM');
BEGIN
    IF p_table NOT IN ('messaging_messagerecord', 'messaging_messagecontent')
       OR first NOT BETWEEN now() - interval '10 years' AND now() + interval '2 years' THEN
        RAISE EXCEPTION 'no month of %', p_table USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF EXISTS (SELECT FROM pg_inherits
                WHERE inhparent = p_table::regclass AND inhrelid = to_regclass(name)) THEN
        RETURN false;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('months'), hashtext(p_table));
    -- By a look at the table itself: what this session remembers of names is older than the lock.
    IF EXISTS (SELECT FROM pg_class
                WHERE relname = name AND relnamespace = 'public'::regnamespace) THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS '
                   'INCLUDING INDEXES INCLUDING STORAGE)', name, p_table);
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                   p_table, name, messaging_month_floor(first),
                   messaging_month_floor(first + interval '1 month'));
    RETURN true;
END $$;
""" + keepers("messaging_make_month(text, date)")

FLOOR = """
CREATE FUNCTION messaging_month_floor(p_month timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE AS $$
SELECT (lpad(to_hex((extract(epoch FROM p_month) * 1000)::bigint), 12, '0')
        || repeat('0', 20))::uuid
$$;
ALTER FUNCTION messaging_month_floor(timestamptz) OWNER TO portal_keeper;
REVOKE EXECUTE ON FUNCTION messaging_month_floor(timestamptz) FROM PUBLIC;
"""


class Migration(migrations.Migration):
    dependencies = [("messaging", "0010_content_rights"), ("accounts", "0004_billing")]

    operations = [
        migrations.RunSQL(statement, migrations.RunSQL.noop)
        for statement in (
            OPEN, GUARD, LISTS, HELD, MAINTAIN, CONTACTS, OPT_OUTS, REPORTS, KEY, RECORDS,
            INVOICES, TRANSACTIONS, FLOOR, MONTH,
        )
    ]
