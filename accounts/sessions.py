"""Django's database sessions, with the owner beside the key so that a person can end them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore

from accounts.models import Session


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

    def create_model_instance(self, data: Mapping[str, Any]) -> Session:
        session = super().create_model_instance(dict(data))
        assert isinstance(session, Session)
        session.user_id = data.get(SESSION_KEY)
        session.agent = data.get("agent", "")
        if self.stored is not None and self.stored.session_key == session.session_key:
            session.started_at = self.stored.started_at
        return session
