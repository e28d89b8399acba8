"""Keyed hashes of addresses, kept in step with the ring of keys."""

import json
import uuid

from django.db import connection, transaction

from accounts.models import User
from foundation.addresses import address_hashes

BATCH = 5_000
_BEGINNING = uuid.UUID(int=0)

# Whoever changed the address meanwhile has hashes that fit it.
_RENEW = """
UPDATE accounts_user u
   SET address_hashes = ARRAY(SELECT decode(h, 'hex') FROM json_array_elements_text(r.hashes) AS h)
  FROM json_to_recordset(%s) AS r (id uuid, email text, hashes json)
 WHERE u.id = r.id AND u.email = r.email
"""


def renew_address_hashes() -> int:
    """Give everyone the hashes under the keys of today; how many lacked one.

    After a key was added to `SUPPRESSION_KEYS` the hashes of before still match, for a suppression
    is written under every key; only once everybody has the new one may an old one ever go.
    """
    renewed, after = 0, _BEGINNING
    while True:
        rows = list(
            User.objects.filter(pk__gt=after)
            .order_by("pk")
            .values_list("pk", "email", "address_hashes")[:BATCH]
        )
        stale = [
            (key, email, fresh)
            for key, email, stored in rows
            if (fresh := address_hashes(email)) != [bytes(each) for each in stored]
        ]
        renewed += _write(stale)
        if len(rows) < BATCH:
            return renewed
        after = rows[-1][0]


@transaction.atomic
def _write(stale: list[tuple[uuid.UUID, str, list[bytes]]]) -> int:
    if not stale:
        return 0
    document = [
        {"id": str(key), "email": email, "hashes": [digest.hex() for digest in hashes]}
        for key, email, hashes in sorted(stale)
    ]
    with connection.cursor() as cursor:
        cursor.execute(_RENEW, [json.dumps(document)])
        return int(cursor.rowcount)
