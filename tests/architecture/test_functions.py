"""Functions of the database: nobody else's code runs in them, and nobody else's tables are read."""

import pytest
from django.db import DatabaseError, connection, transaction

from foundation.roles import APP, KEEPER, as_role
from messaging.models import MessageContent

pytestmark = pytest.mark.django_db(transaction=True)

DEFINERS = """
SELECT p.oid::regprocedure::text, p.proconfig,
       EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
                WHERE a.grantee = 0 AND a.privilege_type = 'EXECUTE'),
       p.prosrc ~* '\\mEXECUTE\\M'
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
 WHERE n.nspname = 'public' AND p.prosecdef
"""
# Each trigger, and what else names a table, with the rights of whoever calls; a temporary table or
# type comes first where no path names them last.
INVOKERS = """
SELECT p.oid::regprocedure::text, p.proconfig
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
  JOIN pg_language l ON l.oid = p.prolang AND l.lanname IN ('sql', 'plpgsql')
 WHERE n.nspname = 'public' AND NOT p.prosecdef
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
   AND (p.prorettype = 'trigger'::regtype OR EXISTS (
       SELECT FROM pg_class c
        WHERE c.relnamespace = n.oid AND c.relkind IN ('r', 'p', 'v', 'm')
          AND p.prosrc ~ ('\\m' || c.relname || '\\M')))
"""
# What runs statements made of names: each says in its migration why nobody can lend it a name.
MAKES_STATEMENTS = {
    "messaging_make_month(text,date)",
    "messaging_find_detached(uuid,uuid,uuid,text,integer)",
    "messaging_delete_detached(uuid[])",
    "retention_month_holds(regclass)",
}
SPY = """
CREATE FUNCTION pg_temp.spy() RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM set_config('spy.who', current_user::text, false);
    RETURN true;
END $$;
CREATE TEMP VIEW messaging_messagerecord_y2020m01 AS SELECT 1 AS a WHERE pg_temp.spy();
CREATE TEMP TABLE messaging_messagecontent_y2020m01 (a int);
"""
NAMES = (
    "pg_temp.messaging_messagerecord_y2020m01",
    "pg_temp.messaging_messagecontent_y2020m01",
    "accounts_user",
    "messaging_messagerecord",
)


@pytest.mark.parametrize("name", NAMES)
def test_no_table_or_view_of_the_web_process_is_looked_into_as_a_month(name: str) -> None:
    with as_role(APP), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(SPY)
        with pytest.raises(DatabaseError, match="no month"), transaction.atomic():
            cursor.execute("SELECT retention_month_holds(%s::regclass)", [name])
        cursor.execute("SELECT current_setting('spy.who', true)")
        assert not cursor.fetchone()[0]
        transaction.set_rollback(True)


def test_a_month_is_looked_into_attached_or_detached() -> None:
    table = MessageContent._meta.db_table
    with as_role(KEEPER), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = "
            f"'{table}'::regclass LIMIT 1"
        )
        (month,) = cursor.fetchone()
        for _time in ("attached", "detached"):
            cursor.execute("SELECT retention_month_holds(%s::regclass)", [month])
            assert cursor.fetchone() == (False,)
            if _time == "attached":
                cursor.execute(f"ALTER TABLE {table} DETACH PARTITION {month}")
        transaction.set_rollback(True)


def test_each_names_where_it_looks_and_is_nobodys_by_default() -> None:
    with connection.cursor() as cursor:
        cursor.execute(DEFINERS)
        found = cursor.fetchall()
    assert len(found) > 15
    for name, settings, for_everybody, makes_statements in found:
        assert "search_path=public, pg_temp" in (settings or []), name
        assert not for_everybody, name
        assert not makes_statements or name in MAKES_STATEMENTS, name


def test_whoever_calls_lends_no_table_to_a_function_with_their_own_rights() -> None:
    with connection.cursor() as cursor:
        cursor.execute(INVOKERS)
        found = dict(cursor.fetchall())
    assert {"accounts_check_role()", "accounts_administers(uuid)"} <= found.keys()
    open_to_others = {
        name
        for name, settings in found.items()
        if "search_path=public, pg_temp" not in (settings or [])
    }
    assert open_to_others == set()
