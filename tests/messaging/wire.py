"""A mail provider's sending API on this machine: real HTTP, and each provider's way to merge.

What a reader gets is worked out here as each provider documents it, from nothing but the call.
"""

import json
import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from clicksend_portal.addresses import parse_mail


@dataclass
class Received:
    """What one reader gets."""

    to: str
    subject: str
    text: str
    html: str
    headers: dict[str, str]
    metadata: dict[str, str]


@dataclass
class Wire:
    calls: list[Any] = field(default_factory=list)
    # Taken one after the other, then the usual answer: a status, a (status, body), "cut", or
    # what makes one of the call.
    answers: list[Any] = field(default_factory=list)
    base: str = ""

    def received(self):
        return [reader for path, body in self.calls for reader in READ[path](body)]


def usual(path, body):
    readers = READ[path](body)
    match path:
        case "/postmark/email":
            return 200, {"ErrorCode": 0, "Message": "OK", "MessageID": "x", "To": body["To"]}
        case "/mailgun/x.example/messages":
            return 200, {"id": "<x@x.example>", "message": "Queued. Thank you."}
        case "/mailjet/send":
            told = [
                {"Status": "success", "To": [{"Email": each.to, "MessageID": n}]}
                for n, each in enumerate(readers)
            ]
            return 200, {"Messages": told}
    return 202, None


def read_postmark(body):
    headers = {each["Name"]: each["Value"] for each in body.get("Headers", [])}
    yield Received(
        body["To"], body["Subject"], body["TextBody"], body["HtmlBody"], headers, body["Metadata"]
    )


def read_mailgun(body):
    everyone = json.loads(body.get("recipient-variables", ["{}"])[0])
    for to in body["to"]:
        mine = everyone.get(to, {})

        def put(text, mine=mine):
            return re.sub(r"%recipient\.([\w:-]+)%", lambda m: mine[m[1]], text)

        def under(prefix, put=put):
            return {
                name.removeprefix(prefix): put(value[0])
                for name, value in body.items()
                if name.startswith(prefix)
            }

        subject, text, html = (put(body[part][0]) for part in ("subject", "text", "html"))
        yield Received(to, subject, text, html, under("h:"), under("v:"))


def read_sendgrid(body):
    text, html = (part["value"] for part in body["content"])
    for each in body["personalizations"]:
        mine = each.get("substitutions", {})
        headers = body.get("headers", {}) | each.get("headers", {})
        metadata = body.get("custom_args", {}) | each.get("custom_args", {})
        assert len(each["to"]) == 1
        yield Received(
            each["to"][0]["email"],
            substituted(body["subject"], mine),
            substituted(text, mine),
            substituted(html, mine),
            headers,
            metadata,
        )


def substituted(text, values):
    for place, value in values.items():
        text = text.replace(place, value)
    return text


def read_mailjet(body):
    common = body["Globals"]
    for each in body["Messages"]:
        mine = each.get("Variables", {})

        def put(text, mine=mine):
            return re.sub(r"\[\[var:(\w+)\]\]", lambda m: mine[m[1]], text)

        assert len(each["To"]) == 1
        yield Received(
            each["To"][0]["Email"],
            common["Subject"],
            put(common["TextPart"]),
            put(common["HTMLPart"]),
            common.get("Headers", {}) | each.get("Headers", {}),
            json.loads(each.get("EventPayload") or common["EventPayload"]),
        )


READ = {
    "/postmark/email": read_postmark,
    "/mailgun/x.example/messages": read_mailgun,
    "/sendgrid/mail/send": read_sendgrid,
    "/mailjet/send": read_mailjet,
}


SYNTAX_OF = {"mailgun": "%recipient.", "mailjet": "[[var:", "sendgrid": "-portal."}


class Handler(BaseHTTPRequestHandler):
    wire: Wire
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_POST(self):
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        kind = self.headers["Content-Type"]
        if "json" in kind:
            body = json.loads(raw)
        elif "multipart" in kind:
            form = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + raw)
            body = {}
            for part in form.get_payload():
                name = part.get_param("name", header="content-disposition")
                body.setdefault(name, []).append(part.get_payload(decode=True).decode())
        else:
            body = parse_qs(raw.decode(), keep_blank_values=True)
        self.wire.calls.append((self.path, body))
        answer = self.wire.answers.pop(0) if self.wire.answers else usual(self.path, body)
        if callable(answer):
            answer = answer(body)
        if answer == "cut":
            self.close_connection = True
            return
        status, told = answer if isinstance(answer, tuple) else (answer, {"message": "no"})
        content = told if isinstance(told, bytes) else json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


class Server(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        pass


@contextmanager
def running(esp, settings):
    wire = Wire()
    server = Server(("127.0.0.1", 0), type("Handler", (Handler,), {"wire": wire}))
    wire.base = f"http://127.0.0.1:{server.server_port}/{esp}/"
    settings.MAIL_TRANSPORT = parse_mail(f"anymail+{esp}://KEY")
    settings.ANYMAIL = dict(settings.MAIL_TRANSPORT.esp_settings) | {
        f"{esp.upper()}_API_URL": wire.base,
        "MAILGUN_SENDER_DOMAIN": "x.example",
        "MAILJET_SECRET_KEY": "s",
    }
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield wire
    finally:
        server.shutdown()
        server.server_close()
