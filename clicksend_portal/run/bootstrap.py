"""Create roles and database on an external PostgreSQL, once, as its administrator.

`python -m clicksend_portal.run.bootstrap postgresql://postgres@host/postgres`; the login's name
and password come from `DATABASE_URL`. The embedded server needs none of this.
"""

import sys

import psycopg
from psycopg import sql

from clicksend_portal.addresses import DatabaseAddress, parse_database
from clicksend_portal.environment import raw_values
from foundation import roles


def main(admin_url: str, address: DatabaseAddress) -> None:
    with psycopg.connect(admin_url) as admin:
        roles.bootstrap(admin, database=address.name)
        if address.password:
            admin.execute(
                sql.SQL("ALTER ROLE {} PASSWORD {}").format(
                    sql.Identifier(roles.LOGIN), sql.Literal(address.password)
                )
            )


if __name__ == "__main__":
    main(sys.argv[1], parse_database(raw_values().get("DATABASE_URL", "")))
