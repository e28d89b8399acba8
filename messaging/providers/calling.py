"""Calls to a provider's REST API: short, never redirected, and silent about keys and addresses."""

from typing import Any
from urllib.parse import urlsplit

import requests

from messaging.providers.entry import ProviderError

TIMEOUT = (5, 30)


class Caller:
    """One provider's API under its base address."""

    def __init__(
        self,
        base: str,
        *,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
    ) -> None:
        self.base = base.rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers.update({"Accept": "application/json", **(headers or {})})
        self._session.auth = auth

    def get(self, path: str, **parameters: str | int) -> Any:
        return self._call("GET", path, params=parameters)

    def post(self, path: str, *, json: Any = None, data: Any = None) -> Any:
        return self._call("POST", path, json=json, data=data)

    def delete(self, path: str) -> None:
        """What is not there any more is removed, too."""
        self._call("DELETE", path, missing_is_fine=True)

    def is_ours(self, url: str) -> bool:
        """Whether an address the provider names is of its API: our key goes nowhere else."""
        named, base = urlsplit(url), urlsplit(self.base)
        return (named.scheme, named.netloc) == (base.scheme, base.netloc)

    def _call(
        self, method: str, path: str, *, missing_is_fine: bool = False, **options: Any
    ) -> Any:
        url = path if path.startswith("http") else f"{self.base}/{path}"
        try:
            answer = self._session.request(
                method, url, timeout=TIMEOUT, allow_redirects=False, **options
            )
        except requests.RequestException as error:
            raise ProviderError(f"no answer: {type(error).__name__}") from error
        if answer.status_code == 404 and missing_is_fine:
            return None
        if not 200 <= answer.status_code < 300:
            raise ProviderError(f"HTTP {answer.status_code}")
        if not answer.content:
            return None
        try:
            return answer.json()
        except ValueError as error:
            raise ProviderError("the answer is no JSON") from error
