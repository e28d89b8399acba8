"""The copies PostgreSQL makes for its plans: none of names and words, and of keys none for long.

`ANALYZE` keeps common values and bounds of every column. Of columns that name people or hold what
was said there are none (`foundation.statistics`); a test compares the database with what is derived
here. Keys and figures are planned by, so what is left of those who went goes with the next night.
"""

from collections.abc import Mapping

from django.db import connection
from django.db.models import BooleanField, DateField, Field, SmallIntegerField, UUIDField

from foundation.partitions import existing_partitions
from foundation.statistics import leave_out, left_out, renew
from retention.entries import Entry, Kind, OnErasure
from retention.schedule import SCHEDULE, model_of

# Keyed hashes of addresses, which name nobody without the keys: whom a campaign reaches is planned
# by how many there are to an account, and how many there are at all.
PLANNED_BY = frozenset(
    {("accounts_user", "address_hashes"), ("consent_suppression", "address_hash")}
)
# Each line of the feed and of an upload looks for its number and its address.
LOOKED_UP: Mapping[str, tuple[str, ...]] = {
    "messaging_contact": ("phone_number", "email"),
    "messaging_contactoptout": ("contact",),
}
# Whom a bill was for is figures to the schedule, and words to whoever reads it.
WORDS_BESIDE = frozenset({("accounts_invoice", "billed_to")})
CHANGED = """
SELECT c.oid::regclass::text FROM pg_class c LEFT JOIN pg_stat_user_tables s ON s.relid = c.oid
 WHERE (c.oid = %s::regclass OR c.oid IN (SELECT inhrelid FROM pg_inherits
                                           WHERE inhparent = %s::regclass AND NOT inhdetachpending))
   AND c.relkind = 'r'
   -- Of an empty table whatever was noted stands, also after an autovacuum that found nothing.
   AND (s.n_mod_since_analyze > 0 OR COALESCE(s.last_analyze, s.last_autoanalyze) IS NULL
        OR c.reltuples <= 0)
 ORDER BY 1
"""


def columns_left_out() -> dict[str, set[str]]:
    """Those of which the database shall know nothing, by table."""
    found: dict[str, set[str]] = {}
    for entry in SCHEDULE:
        model = model_of(entry)
        table = model._meta.db_table
        for name, said in entry.fields.items():
            field = model._meta.get_field(name)
            assert isinstance(field, Field)
            column = str(field.column)
            place = (table, column)
            is_words = _tells_of_people(entry, said.kind) and not _is_key_or_figure(field)
            if (is_words or place in WORDS_BESIDE) and place not in PLANNED_BY:
                found.setdefault(table, set()).add(column)
    return found


def _tells_of_people(entry: Entry, kind: Kind) -> bool:
    """What we write ourselves, for everybody, is of nobody."""
    if kind == Kind.CONTENT:
        return entry.erasure != OnErasure.NOBODY
    return kind in (Kind.IDENTITY, Kind.CONTACT)


def _is_key_or_figure(field: Field) -> bool:  # type: ignore[type-arg]
    """Also one of a few words that the portal itself chose."""
    figures = (UUIDField, BooleanField, DateField, SmallIntegerField)
    return field.is_relation or isinstance(field, figures) or bool(field.choices)


def renew_statistics() -> int:
    """Nightly: look anew at what changed since it was last looked at; at how many tables.

    So that keys of those who were erased, and what else of them was a bound, stands nowhere in the
    statistics by the next night. A month of which more is noted than of its table becomes like it.
    It keeps nobody from reading or writing.
    """
    looked = 0
    for table in tables_about_people():
        for month in existing_partitions(table):
            leave_out(month, sorted(left_out(table) - left_out(month)))
        for relation in changed(table):
            renew(relation, looked_up=LOOKED_UP.get(table, ()))
            looked += 1
        if is_by_month(table):
            renew(table, only=True)
            looked += 1
    return looked


def tables_about_people() -> list[str]:
    return sorted(
        {model_of(entry)._meta.db_table for entry in SCHEDULE if entry.erasure != OnErasure.NOBODY}
    )


def changed(table: str) -> list[str]:
    """The table or those of its months in which a row was written or removed since, or none is."""
    with connection.cursor() as cursor:
        cursor.execute(CHANGED, [table, table])
        return [name for (name,) in cursor.fetchall()]


def is_by_month(table: str) -> bool:
    """Such a table has statistics of the whole besides those of each month."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT relkind = 'p' FROM pg_class WHERE oid = %s::regclass", [table])
        return bool(cursor.fetchone()[0])
