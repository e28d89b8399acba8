"""The settings of a local portal: what the operator gave, completed with what a demo needs."""

import base64
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from clicksend_portal.embedded.folders import default_folder
from clicksend_portal.environment import BASE_DIR, parse_folder, raw_values

COMPANY = {
    "MAIL_DOMAIN": "clicksend.example",
    "LEGAL_NAME": "ClickSend Demo AS",
    "POSTAL_ADDRESS": "Storgata 1, 0155 Oslo, Norway",
    "SUPPORT_EMAIL": "support@clicksend.example",
    "SUPPORT_PHONE": "+47 22 00 00 00",
    "PRIVACY_EMAIL": "privacy@clicksend.example",
}


def given_settings() -> dict[str, str]:
    """What the operator set; `var/portal.env` is our own and may stem from a killed run."""
    return raw_values(os.environ, (BASE_DIR / ".env",))


def data_folder(given: Mapping[str, str]) -> Path:
    chosen = given.get("DATA_DIR")
    return parse_folder(chosen) if chosen else default_folder()


def completed(given: Mapping[str, str], folder: Path) -> dict[str, str]:
    port = given.get("PORT", "8000")
    local = {
        **COMPANY,
        **local_keys(folder),
        "PORTAL_URL": f"http://localhost:{port}",
        "JOURNAL_URL": (folder / "journal.jsonl").as_uri(),
    }
    return {**local, **given}


def local_keys(folder: Path) -> dict[str, str]:
    """Made once and kept with the data: links in old mails and the suppression list need them."""
    path = folder / "keys.json"
    stored: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    keys = {
        "SECRET_KEY": secrets.token_urlsafe(48),
        "TOKEN_KEYS": f"1:{_key()}",
        "SUPPRESSION_KEYS": f"1:{_key()}",
        "LOG_KEYS": f"1:{_key()}",
        **stored,  # those that data was made with stay
    }
    if keys != stored:
        write_private(path, json.dumps(keys, indent=1))
    return keys


def child_environment(raw: Mapping[str, str]) -> dict[str, str]:
    own = {"DJANGO_SETTINGS_MODULE": "clicksend_portal.settings", "PYTHONUNBUFFERED": "1"}
    return {**os.environ, **raw, **own}


def write_private(path: Path, text: str) -> None:
    """For our eyes only, and never half written."""
    part = path.with_name(f"{path.name}.part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    part.replace(path)


def _key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")
