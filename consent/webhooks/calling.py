"""One HTTP request to another system. Touches no database, so nothing is open while it waits."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import requests
from django.core.exceptions import ValidationError
from requests.adapters import HTTPAdapter
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import HTTPError

from consent.webhooks.addresses import ForbiddenAddressError, check_url, checked_address
from consent.webhooks.cutting import POOLS, Deadline, cut_after
from consent.webhooks.policy import ANSWER_LENGTH, DEADLINE_SECONDS, GONE, TIMEOUT_SECONDS
from consent.webhooks.signing import message_id, signed_headers
from foundation.redaction import redact

PORTS = {"https": 443, "http": 80}
OK = range(200, 300)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What is sent where; `secrets` is empty when the stored one cannot be read."""

    delivery_id: uuid.UUID
    webhook_id: uuid.UUID
    attempts: int
    is_erasure: bool
    url: str
    body: str
    secrets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: a status, or 0 and why there is none."""

    status: int = 0
    words: str = ""

    @property
    def is_taken(self) -> bool:
        return self.status in OK

    @property
    def is_gone(self) -> bool:
        return self.status == GONE

    def __str__(self) -> str:
        """No longer than its column, without addresses, and nothing a database refuses."""
        text = f"{self.status} {self.words}" if self.status else self.words
        return redact(" ".join(text.replace("\0", "").split()))[:ANSWER_LENGTH]


def call(request: Call, *, now: datetime, through: "CheckedAdapter | None" = None) -> Answer:
    """POST once: no redirect is followed, no proxy asked, no cookie kept, little of it read.

    `through` keeps connections open from one call to the next. Over in `DEADLINE_SECONDS`,
    however slowly the other side goes on.
    """
    with cut_after(DEADLINE_SECONDS) as deadline:
        answer = _call(request, deadline, now=now, through=through)
        if deadline.is_over and not answer.status:
            return Answer(words=f"no whole answer within {DEADLINE_SECONDS} seconds")
        return answer


def _call(
    request: Call, deadline: Deadline, *, now: datetime, through: "CheckedAdapter | None"
) -> Answer:
    if not request.secrets:
        return Answer(words="the secret cannot be read: rotate it")
    body = request.body.encode()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "portal-webhooks/1",
        "Accept-Encoding": "identity",
        "Host": urlsplit(request.url).netloc,
        **signed_headers(message_id(request.delivery_id), body, request.secrets, now=now),
    }
    try:
        check_url(request.url)
        post = requests.Request("POST", request.url, headers=headers, data=body).prepare()
        adapter = through or CheckedAdapter()
        # Past a session, which would add what stands in the environment.
        with adapter.send(post, stream=True, timeout=TIMEOUT_SECONDS, verify=True) as response:
            if deadline.is_over:  # cut among the headers, which reads as their end
                return Answer()
            return Answer(response.status_code, _beginning(response))
    except ForbiddenAddressError as refusal:
        return Answer(words=str(refusal))
    except ValidationError:
        return Answer(words="this web address is no longer allowed")
    except requests.Timeout:
        return Answer(words=f"no answer within {TIMEOUT_SECONDS} seconds")
    except requests.exceptions.SSLError:
        return Answer(words="the certificate is not valid for this address")
    except (requests.RequestException, HTTPError, OSError, ValueError) as error:
        return Answer(words=f"no connection ({type(error).__name__})")


def _beginning(response: requests.Response) -> str:
    """What came with the status; a receiver that goes on talking is not listened to."""
    try:
        raw: bytes = response.raw.read1(2 * ANSWER_LENGTH, decode_content=False)
    except (HTTPError, OSError):  # what was decided by the status stays decided
        return ""
    return raw.decode("utf-8", errors="replace")


class CheckedAdapter(HTTPAdapter):
    """Connects to the address that was checked; the certificate must still be the name's."""

    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:
        super().init_poolmanager(*arguments, **named)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def get_connection_with_tls_context(
        self,
        request: requests.PreparedRequest,
        verify: bool | str | None,
        proxies: Mapping[str, str] | None = None,
        cert: Any = None,
    ) -> HTTPConnectionPool:
        found = self.build_connection_pool_key_attributes(request, verify or False, cert)
        where, how = found[0], dict[str, Any](found[1])
        host, scheme = str(where["host"]), str(where["scheme"])
        port = int(where["port"] or PORTS[scheme])
        if scheme == "https":
            how |= {"assert_hostname": host, "server_hostname": host}
        pool: HTTPConnectionPool = self.poolmanager.connection_from_host(
            checked_address(host.strip("[]"), port), port, scheme, pool_kwargs=how
        )
        return pool
