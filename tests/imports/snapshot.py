"""Everything an import may touch, so that "changes nothing" can be compared row by row."""

from typing import Any

from django.db import connection

_QUERIES = {
    "users": "SELECT * FROM accounts_user ORDER BY id",
    "preferences": "SELECT * FROM consent_preference ORDER BY id",
    "details": "SELECT * FROM consent_consentdetail ORDER BY id",
    "suppressions": "SELECT * FROM consent_suppression ORDER BY id",
}


def snapshot() -> dict[str, list[Any]]:
    rows: dict[str, list[Any]] = {}
    with connection.cursor() as cursor:
        for name, query in _QUERIES.items():
            cursor.execute(query)
            rows[name] = cursor.fetchall()
    return rows
