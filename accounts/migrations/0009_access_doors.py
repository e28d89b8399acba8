"""What staff saw stays told: nobody changes it, and who serves does not take it away.

UPDATE is refused for everyone, the owner included. DELETE is a matter of rights: nobody but the
owner holds it, and the owner's two functions that use it are the keeper's to call: one by the rule,
for what is three years old, one for all that is about one person. That this person leaves is the
keeper's word, who may also end their account; the leaves in the log stay, so what went is counted.
"""

from typing import Any, ClassVar

from django.db import migrations

APPEND_ONLY = """
CREATE FUNCTION accounts_refuse_change() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER accounts_access_append_only BEFORE UPDATE ON accounts_accessevent
    FOR EACH ROW EXECUTE FUNCTION accounts_refuse_change();
REVOKE UPDATE, DELETE ON accounts_accessevent FROM portal_app, portal_keeper;
-- Only who serves staff sees them look.
REVOKE INSERT ON accounts_accessevent FROM portal_keeper;
"""

# A look is written under the half-hour that its own writer opened for that very customer, while it
# lasts. The account is held to the end: nobody is erased between this and the commit, and of whom
# is gone nothing is written, for the key alone holds no row.
TRUE = """
CREATE FUNCTION accounts_guard_access_event() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM FROM accounts_user WHERE id = NEW.person_id FOR KEY SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'nobody is there to look at' USING ERRCODE = 'foreign_key_violation';
    END IF;
    IF NEW.grant_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM accounts_accessgrant g
         WHERE g.id = NEW.grant_id AND g.person_id = NEW.person_id
           AND NEW.actor = 'staff:' || g.staff_id AND NEW.at BETWEEN g.opened_at AND g.until) THEN
        RAISE EXCEPTION 'not open to them' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER accounts_access_true BEFORE INSERT ON accounts_accessevent
    FOR EACH ROW EXECUTE FUNCTION accounts_guard_access_event();
GRANT EXECUTE ON FUNCTION accounts_guard_access_event() TO portal_app;
"""

# What an unusual number of look-ups is counted by, the half-hours that were opened, and the alarms:
# who serves makes none of it unsaid, and opens nobody for longer. The keeper empties what names an
# erased colleague.
COUNTED = """
REVOKE UPDATE, DELETE ON accounts_lookup, accounts_accessgrant FROM portal_app;
REVOKE DELETE ON accounts_accessalarm FROM portal_app;
"""

# With the person they are about.
ERASE = """
CREATE FUNCTION accounts_erase_access_events(p_person uuid, p_limit int)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE removed bigint;
BEGIN
    DELETE FROM accounts_accessevent WHERE id = ANY (ARRAY(
        SELECT id FROM accounts_accessevent WHERE person_id = p_person LIMIT p_limit));
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END $$;
REVOKE EXECUTE ON FUNCTION accounts_erase_access_events(uuid, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION accounts_erase_access_events(uuid, int) TO portal_keeper;
"""

# By their rule. Whoever names rows here gets rid of those alone that are old enough: the function
# looks again, and at its own clock, whatever day it is told. The rule counts whole days, of which
# one may be 29 February: hence two days less.
EXPIRE = """
CREATE FUNCTION accounts_expire_access_events(p_keys uuid[], p_before timestamptz)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE removed bigint;
BEGIN
    DELETE FROM accounts_accessevent WHERE id = ANY (p_keys)
       AND at < LEAST(p_before, now() - interval '3 years' + interval '2 days');
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END $$;
REVOKE EXECUTE ON FUNCTION accounts_expire_access_events(uuid[], timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION accounts_expire_access_events(uuid[], timestamptz) TO portal_keeper;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar[Any] = [("accounts", "0008_staff_doors")]

    operations: ClassVar[Any] = [
        migrations.RunSQL(APPEND_ONLY, migrations.RunSQL.noop),
        migrations.RunSQL(TRUE, migrations.RunSQL.noop),
        migrations.RunSQL(COUNTED, migrations.RunSQL.noop),
        migrations.RunSQL(ERASE, migrations.RunSQL.noop),
        migrations.RunSQL(EXPIRE, migrations.RunSQL.noop),
    ]
