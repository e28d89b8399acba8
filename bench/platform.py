"""The platform's feed: messages with their content and contacts, through the web server as it runs.

One connection sends one body after another; each record is new the first time, and nothing but
looked at the second.
"""

import http.client
import json
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from bench.frame import Benchmark, Result, at_least, bound
from bench.one_click import portal
from bench.servers import administrator, empty
from clicksend_portal.embedded.folders import ServiceError

CUSTOMERS = 50
SHORT, LONG = 10_000, 100_000
ROUNDS = 3
RECORDS_A_SECOND = 20_000.0
GROWTH_MB = 10.0

SEED = f"""
INSERT INTO accounts_user (password, username, first_name, last_name, email, address,
       address_hashes, phone, company, country, language, timezone, support_channel, platform_id,
       legal_entity, email_confirmed_at, is_active, is_staff, is_superuser)
SELECT '!', 'customer' || n, 'Kari', 'Nordmann', n || '@shop.test', n || '@shop.test',
       ARRAY[sha256(n::text::bytea)], '', '', 'NO', 'nb', 'Europe/Oslo', 'email', n, 'no', now(),
       true, false, false
  FROM generate_series(1, {CUSTOMERS}) n
"""


def run() -> Iterator[Result]:
    with administrator() as admin:
        admin.execute(SEED)
    secret = make_key()
    with tempfile.TemporaryDirectory() as name, portal(Path(name)) as address:
        short, long = (write_messages(Path(name), count) for count in (SHORT, LONG))
        for _ in range(4):  # warms both workers, their connections and plans
            send(address, secret, short, SHORT)
        before = peak_mb()
        new: list[float] = []
        again: list[float] = []
        for _ in range(ROUNDS):
            empty("messaging_messagerecord", "messaging_messagecontent")
            new.append(send(address, secret, long, LONG, taken=LONG))
            again.append(send(address, secret, long, LONG, taken=0))
        listed = write_contacts(Path(name), LONG)
        send(address, secret, write_lists(Path(name)), CUSTOMERS, kind="contact-lists")
        contacts: list[float] = []
        same: list[float] = []
        for _ in range(ROUNDS):
            empty("messaging_contact")
            contacts.append(send(address, secret, listed, LONG, taken=LONG, kind="contacts"))
            same.append(send(address, secret, listed, LONG, taken=0, kind="contacts"))
        growth = peak_mb() - before
    asked = [RECORDS_A_SECOND] * ROUNDS
    yield at_least("platform, new messages", new, asked, 1, unit="records/s")
    yield at_least("platform, sent again", again, asked, 1, unit="records/s")
    yield at_least("platform, new contacts", contacts, asked, 1, unit="records/s")
    yield at_least("platform, contacts sent again", same, asked, 1, unit="records/s")
    yield bound("platform, memory growth", max(growth, 0.0), GROWTH_MB, unit="MB")


def make_key() -> str:
    from consent.models import ServiceKey
    from consent.service_keys import make_service_key

    ServiceKey.objects.filter(name="bench").delete()
    scopes = [ServiceKey.Scope.PLATFORM.value]
    return make_service_key(name="bench", scopes=scopes, now=datetime.now(UTC))[1]


def send(
    address: str,
    secret: str,
    path: Path,
    count: int,
    *,
    taken: int | None = None,
    kind: str = "message-records",
) -> float:
    """Records a second, from the first byte sent to the answer read."""
    host = urlsplit(address)
    connection = http.client.HTTPConnection(host.hostname or "", host.port, timeout=120)
    headers = {
        "Authorization": f"Bearer {secret}",
        "Content-Type": "application/x-ndjson",
        "Content-Length": str(path.stat().st_size),
    }
    began = time.perf_counter()
    with path.open("rb") as body:
        connection.request("POST", f"/api/v1/platform/{kind}", body, headers)
        answer = connection.getresponse()
        said = answer.read()
    seconds = time.perf_counter() - began
    connection.close()
    told = json.loads(said)
    if answer.status != 200 or told["bad_lines"] or taken not in (None, told["taken"]):
        raise ServiceError(f"The feed answered {answer.status}: {said[:500]!r}")
    return count / seconds


def peak_mb() -> float:
    """What the web server's processes have held at most, the largest of them."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            if b"clicksend_portal.wsgi" in (status.parent / "cmdline").read_bytes():
                lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
                found.append(int(lines["VmHWM"].split()[0]) / 1024)
        except (OSError, KeyError):
            continue
    if not found:
        raise ServiceError("No process of the web server was found.")
    return max(found)


def write_messages(folder: Path, count: int) -> Path:
    """Messages of five weeks as the platform would report them, oldest first."""
    path = folder / f"{count}.ndjson"
    began = datetime.now(UTC) - timedelta(days=35)
    with path.open("w", encoding="utf-8") as stream:
        for n in range(count):
            at = began + timedelta(days=35) * (n / count)
            record = {
                "user_id": 1 + n % CUSTOMERS,
                "message_id": f"BF7AD270-0DE2-418B-B606-{n:012X}",
                "direction": "out",
                "date": int(at.timestamp()),
                "from": "Nordmann",
                "to": f"+4798{n % 1_000_000:06}",
                "body": f"Hei! Bestilling {n} er klar til henting i Storgata 1 på lørdag. Hilsen "
                "oss på Ødegård, og velkommen tilbake.",
                "status": "Delivered",
                "message_parts": 1,
                "message_price": "0.0770",
                "currency": "NOK",
                "country": "NO",
                "carrier": "Telenor",
                "list_id": 61,
                "contact_id": n,
                "first_name": "Bjørn",
                "last_name": "Ødegård",
                "custom_string": f"ordre {n}",
            }
            stream.write(json.dumps(record, ensure_ascii=False) + "\n")
    return path


def write_lists(folder: Path) -> Path:
    path = folder / "lists.ndjson"
    with path.open("w", encoding="utf-8") as stream:
        for n in range(CUSTOMERS):
            record = {"user_id": 1 + n, "list_id": 61, "list_name": "Kunder"}
            stream.write(json.dumps(record) + "\n")
    return path


def write_contacts(folder: Path, count: int) -> Path:
    """Customer by customer, as an export of lists would have them."""
    path = folder / "contacts.ndjson"
    with path.open("w", encoding="utf-8") as stream:
        for n in range(count):
            record = {
                "user_id": 1 + n * CUSTOMERS // count,
                "list_id": 61,
                "contact_id": n,
                "phone_number": f"+4798{n:06}",
                "email": f"Kontakt{n}@shop.example",
                "first_name": "Bjørn",
                "last_name": "Ødegård",
                "organization_name": "Ødegård & sønn",
                "custom_1": f"ordre {n}",
                "address_city": "Bergen",
                "address_country": "NO",
            }
            stream.write(json.dumps(record, ensure_ascii=False) + "\n")
    return path


BENCHMARK = Benchmark(
    "platform", "messages and contacts from the platform: records a second, and memory", run
)
