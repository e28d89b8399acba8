"""A mail provider on this machine: real HTTP, with the lists and habits of each of the three."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit


class Provider:
    """What is on the lists, what was called, and what it answers when it is out of order.

    `lists` holds rows of (address, moment) by the provider's own place.
    """

    def __init__(self):
        self.lists = {}
        self.calls = []
        self.removed = []
        self.added = []
        self.broken = 0
        self.garbage = b""
        self.next_host = ""
        self.base = ""
        self.authorization = ""

    def rows(self, place):
        return self.lists.get(place, [])

    def remove(self, place, address):
        self.removed.append((place, address))
        self.lists[place] = [row for row in self.rows(place) if row[0] != address]


class Handler(BaseHTTPRequestHandler):
    provider: Provider

    def log_message(self, *args):
        pass

    def answer(self, status, body=None):
        content = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def body(self):
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        if "json" in self.headers.get("Content-Type", ""):
            return json.loads(raw)
        return {name: values[0] for name, values in parse_qs(raw).items()}

    def handle_any(self):
        provider = self.provider
        url = urlsplit(self.path)
        path = unquote(url.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        provider.calls.append((self.command, path))
        provider.authorization = (
            self.headers.get("Authorization") or self.headers.get("X-Postmark-Server-Token") or ""
        )
        body = self.body()
        if provider.broken:
            return self.answer(provider.broken, {"message": "kari@example.test is the problem"})
        if provider.garbage:
            self.send_response(200)
            self.end_headers()
            return self.wfile.write(provider.garbage)
        kind = path.split("/")[1]
        return getattr(self, kind)(path.split("/")[2:], query, body)

    do_GET = do_POST = do_DELETE = handle_any  # noqa: N815 - the names http.server calls

    def postmark(self, path, query, body):
        """`message-streams/<stream>/suppressions/…`"""
        stream, last = path[1], path[-1]
        if last == "dump":
            rows = [
                {
                    "EmailAddress": address,
                    "SuppressionReason": reason,
                    "Origin": "Recipient",
                    "CreatedAt": moment.isoformat(),
                }
                for address, moment, reason in self.provider.rows(stream)
            ]
            return self.answer(200, {"Suppressions": rows})
        results = []
        for row in body["Suppressions"]:
            address = row["EmailAddress"]
            if last == "delete":
                complained = (address, "SpamComplaint") in {
                    (r[0], r[2]) for r in self.provider.rows(stream)
                }
                if not complained:
                    self.provider.remove(stream, address)
                results.append(
                    {"EmailAddress": address, "Status": "Failed" if complained else "Deleted"}
                )
            else:
                self.provider.added.append((stream, address))
                results.append({"EmailAddress": address, "Status": "Suppressed"})
        return self.answer(200, {"Suppressions": results})

    def sendgrid(self, path, query, body):
        place = "/".join(path)
        if self.command == "DELETE":
            self.provider.remove("/".join(path[:-1]), path[-1])
            return self.answer(204)
        if self.command == "POST":
            self.provider.added += [(place, address) for address in body["recipient_emails"]]
            return self.answer(201, body)
        if place == "asm/suppressions":
            return self.answer(
                200,
                [
                    {
                        "email": address,
                        "group_id": group,
                        "group_name": "x",
                        "created_at": int(moment.timestamp()),
                    }
                    for address, moment, group in self.provider.rows(place)
                ],
            )
        first = int(query["offset"])
        rows = self.provider.rows(place)[first : first + int(query["limit"])]
        return self.answer(
            200,
            [
                {
                    "email": address,
                    "created": int(moment.timestamp()),
                    "ip": "203.0.113.7",
                    "status": more[0] if more else "",
                }
                for address, moment, *more in rows
            ],
        )

    def mailgun(self, path, query, body):
        place = path[1]
        if self.command == "DELETE":
            self.provider.remove(place, path[-1])
            return self.answer(200, {"message": "removed"})
        if self.command == "POST":
            self.provider.added.append((place, body["address"], body["tag"]))
            return self.answer(200, {"message": "added"})
        first = int(query.get("page", 0))
        rows = self.provider.rows(place)[first : first + 2]
        base = self.provider.next_host or self.provider.base
        items = [
            {
                "address": address,
                "created_at": format_datetime(moment),
                "tags": ["*"],
                "error": f"550 {more[0]} said the server" if more else "",
            }
            for address, moment, *more in rows
        ]
        following = f"{base}/portal.example/{place}?page={first + 2}"
        return self.answer(200, {"items": items, "paging": {"next": following}})


@contextmanager
def running(kind: str) -> Iterator[Provider]:
    provider = Provider()
    handler = type("Handler", (Handler,), {"provider": provider})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    provider.base = f"http://127.0.0.1:{server.server_port}/{kind}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
