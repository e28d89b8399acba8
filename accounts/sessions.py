"""Django's database sessions, with the owner beside the key so that a person can end them."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from allauth.account.internal.flows.reauthentication import STATE_SESSION_KEY
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore

from accounts.models import Session

# What a request is taken up again with. Proxies say in ever new headers where it came from, so
# what may stay is named, not what must go.
KEPT_META = frozenset(
    (
        "CONTENT_TYPE",
        "CSRF_COOKIE",
        "HTTP_ACCEPT",
        "HTTP_ACCEPT_LANGUAGE",
        "HTTP_HOST",
        "HTTP_ORIGIN",
        "HTTP_REFERER",
        "HTTP_USER_AGENT",
        "HTTP_X_FORWARDED_PROTO",
        "PATH_INFO",
        "QUERY_STRING",
        "REQUEST_METHOD",
        "SCRIPT_NAME",
        "SERVER_NAME",
        "SERVER_PORT",
        "SERVER_PROTOCOL",
        "wsgi.url_scheme",
    )
)


def without_origin(data: Mapping[str, Any]) -> dict[str, Any]:
    """The data of a session without the address of the browser (`ip-apart`).

    allauth keeps a request that a re-authentication interrupts, with all of its headers.
    """
    state = data.get(STATE_SESSION_KEY)
    if not isinstance(state, dict) or "request" not in state:
        return dict(data)
    kept = json.loads(state["request"])
    kept["META"] = {name: value for name, value in kept["META"].items() if name in KEPT_META}
    return {**data, STATE_SESSION_KEY: {**state, "request": json.dumps(kept)}}


class SessionStore(DatabaseStore):
    stored: Session | None = None

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def _get_session_from_db(self) -> Session | None:
        """Keeps the row beside the data: when it started and was last seen costs no query."""
        self.stored = super()._get_session_from_db()  # type: ignore[misc]
        return self.stored

    @property
    def seen_at(self) -> datetime | None:
        """When this session was last seen, as far as its row has been read."""
        return self.stored.seen_at if self.stored else None

    def cycle_key(self) -> None:
        """A new key for who stays signed in, as after a change of password, begins no new day."""
        stays = SESSION_KEY in self
        super().cycle_key()
        if stays and self.stored is not None:
            self.stored.session_key = cast("str", self.session_key)

    def encode(self, session_dict: dict[str, Any]) -> str:
        return super().encode(without_origin(session_dict))

    def create_model_instance(self, data: Mapping[str, Any]) -> Session:
        session = super().create_model_instance(dict(data))
        assert isinstance(session, Session)
        session.user_id = data.get(SESSION_KEY)
        session.agent = data.get("agent", "")
        if self.stored is not None and self.stored.session_key == session.session_key:
            session.started_at = self.stored.started_at
        return session
