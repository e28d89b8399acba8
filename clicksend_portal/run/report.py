"""The facts about the running portal: on the terminal, and in `var/` for programs."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from clicksend_portal.environment import WRITTEN, Environment
from clicksend_portal.run.display import say
from clicksend_portal.run.processes import Part
from clicksend_portal.run.profile import write_private

FACTS = "portal.json"
READY = {Part.PORTAL: "Portal ready", Part.WEB: "Web ready", Part.SERVICES: "Services ready"}
OWNER_OPTION = quote("-c role=portal_owner")


def facts(
    env: Environment, sign_ins: Mapping[str, Any], *, data: Path, catcher: bool, part: Part
) -> dict[str, Any]:
    """`database_url` sees every table: the login alone has no right of its own."""
    whole = part is Part.PORTAL
    database = env.database_url.url
    joint = "&" if "?" in database else "?"
    return {
        "web": None if part is Part.SERVICES else env.portal_url,
        "database_url": f"{database}{joint}options={OWNER_OPTION}",
        "broker_url": env.broker_url,
        "smtp": env.email_url.url if whole else None,
        "mailbox": f"http://localhost:{env.mailbox_port}" if whole and catcher else None,
        "customer": sign_ins.get("customer"),
        "staff": sign_ins.get("staff"),
        "data": str(data),
    }


def publish(folder: Path, facts: Mapping[str, Any], part: Part) -> None:
    write_private(folder / FACTS, json.dumps(facts, indent=2) + "\n")
    say()
    if facts["web"]:
        say(f"  Portal         {facts['web']}")
        say(f"  Staff          {facts['web']}/admin/")
    if facts["mailbox"]:
        say(f"  Mail catcher   {facts['mailbox']}  (SMTP: {facts['smtp']})")
    if customer := facts["customer"]:
        say(f"  Demo customer  {customer['username']}   password {customer['password']}")
    if staff := facts["staff"]:
        say(f"  Demo staff     {staff['username']}   password {staff['password']}")
        say(f"                 authenticator secret {staff['totp_secret']}")
    say(f"  Data           {facts['data']}")
    say(f"  The same facts stand in {folder.name}/{FACTS}; Ctrl-C stops everything.")
    say()
    say(READY[part])


def write_settings(folder: Path, raw: Mapping[str, str]) -> None:
    """So that a plain `manage.py …` talks to the running portal."""
    lines = [f'{name}="{escaped(text)}"' for name, text in raw.items()]
    write_private(folder / WRITTEN, "\n".join(lines) + "\n")


def withdraw(folder: Path) -> None:
    """A stopped portal has no address."""
    for name in (FACTS, WRITTEN):
        (folder / name).unlink(missing_ok=True)


def escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
