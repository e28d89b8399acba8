"""Every setting of the portal: its name, type, default and meaning, declared once.

A value comes from the process environment, else from `.env`, else from `portal.env` in `RUN_DIR`,
which `make run` writes so that a plain `manage.py …` talks to the running portal. What is missing
or malformed stops the start and is named, all at once; values are never repeated in the message,
for many are secrets. `python -m clicksend_portal.environment` prints `.env.example`.
"""

import base64
import binascii
import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from email.utils import parseaddr
from pathlib import Path
from typing import Any, ClassVar, NamedTuple
from urllib.parse import urlsplit

import environ
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.core.exceptions import ImproperlyConfigured

from clicksend_portal.addresses import (
    DatabaseAddress,
    MailTransport,
    cache_beside,
    parse_broker,
    parse_cache,
    parse_database,
    parse_mail,
    parse_web,
)
from retention.policy import Period, parse_legal_entities

BASE_DIR = Path(__file__).resolve().parent.parent
OWN_FILE, RUN_DIR, WRITTEN = BASE_DIR / ".env", BASE_DIR / "var", "portal.env"

DATABASE_ROLES = ("portal_owner", "portal_app", "portal_sender", "portal_keeper", "portal_reader")
SECRET_BYTES = 32

type Parser = Callable[[str], Any]
type Known = Mapping[str, Any]
type Default = str | Callable[[Known], str | None] | None


class Declared(NamedTuple):
    """What stands beside the type of a setting."""

    help: str
    parse: Parser
    default: Default
    section: str


def setting(
    help: str,
    *,
    parse: Parser,
    section: str,
    default: Default = None,
) -> Any:
    """Declare a setting; without a default it is required, and a callable sees earlier values."""
    return field(metadata={"declared": Declared(help, parse, default, section)})


def parse_text(text: str) -> str:
    return text


def parse_flag(text: str) -> bool:
    known = {"true": True, "yes": True, "on": True, "1": True}
    known |= {"false": False, "no": False, "off": False, "0": False}
    if text.lower() not in known:
        raise ValueError("true or false")
    return known[text.lower()]


def parse_names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def number(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"\d{1,9}", text) or not low <= int(text) <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(text)

    return parse


def one_of(*choices: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError("one of " + ", ".join(choices))
        return text

    return parse


def parse_secret(text: str) -> str:
    if len(text.encode()) < SECRET_BYTES:
        raise ValueError(f"at least {SECRET_BYTES} characters")
    return text


def parse_keys(text: str) -> dict[int, bytes]:
    """`2:base64url,1:base64url`; the first is the active one, the others still verify."""
    ring: dict[int, bytes] = {}
    for part in parse_names(text):
        name, _, secret = part.partition(":")
        try:
            key = base64.b64decode(secret + "=" * (-len(secret) % 4), altchars=b"-_", validate=True)
        except binascii.Error:
            key = b""
        known = re.fullmatch(r"\d{1,3}", name) and 1 <= int(name) <= 255 and int(name) not in ring
        if not known or len(key) < SECRET_BYTES:
            raise ValueError(
                f"id:secret pairs with a comma between them, newest first; ids from 1 to 255, each "
                f"once; secrets base64url of at least {SECRET_BYTES} bytes"
            )
        ring[int(name)] = key
    return ring


def parse_owners(text: str) -> dict[str, str]:
    """`few-see=security@example.com,seven-years=accounts@example.com`."""
    owners: dict[str, str] = {}
    for part in parse_names(text):
        promise, _, address = part.partition("=")
        try:
            owners[promise.strip()] = parse_email(address.strip())
        except ValueError:
            raise ValueError(
                "promise=address with a comma between them, such as few-see=security@example.com"
            ) from None
    return owners


def parse_signing_keys(text: str) -> dict[int, bytes]:
    """A ring whose secrets are Ed25519 seeds."""
    ring = parse_keys(text)
    if any(len(seed) != SECRET_BYTES for seed in ring.values()):
        raise ValueError(f"secrets of exactly {SECRET_BYTES} bytes")
    return ring


def parse_journal(text: str) -> str:
    scheme = urlsplit(text).scheme
    if scheme in ("postgresql", "postgres"):
        parse_database(text)
    elif scheme != "file" or not Path(urlsplit(text).path).is_absolute():
        raise ValueError("file:///an/absolute/path or postgresql://user:password@host/database")
    return text


def parse_hooks_secret(text: str) -> str:
    user, _, password = text.partition(":")
    if text and (not user or len(password) < SECRET_BYTES):
        raise ValueError(f"user:password, the password of at least {SECRET_BYTES} characters")
    return text


def parse_email(text: str) -> str:
    if not re.fullmatch(r"[^@\s<>,]+@[^@\s<>,]+", text):
        raise ValueError("an address such as name@example.com")
    return text


def parse_sender(text: str) -> str:
    if "\n" in text or "@" not in parseaddr(text)[1]:
        raise ValueError("an address such as ClickSend <name@example.com>")
    return text


def parse_domain(text: str) -> str:
    if not re.fullmatch(r"(?!-)[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*", text):
        raise ValueError("a domain such as example.com")
    return text.lower()


def parse_signing_pem(text: str) -> str:
    """A private key for DKIM as PEM, or the file it stands in; RFC 8301 wants RSA of 2048 bits."""
    if not text:
        return ""
    try:
        if text.startswith("file://"):
            text = Path(urlsplit(text).path).read_text()
        text = text.replace("\\n", "\n")  # a line of .env holds no others
        key = load_pem_private_key(text.encode(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ValueError("an unencrypted private key as PEM, or file:// and its path") from error
    strong = isinstance(key, RSAPrivateKey) and key.key_size >= 2048
    if not strong and not isinstance(key, Ed25519PrivateKey):
        raise ValueError("a key of RSA with at least 2048 bits, or of Ed25519")
    return text


def parse_folder(text: str) -> Path:
    return Path(text).expanduser().resolve()


def parse_optional_folder(text: str) -> Path | None:
    return parse_folder(text) if text else None


def hosts_of(known: Known) -> str:
    host = urlsplit(known["portal_url"]).hostname or ""
    return f"{host},127.0.0.1" if host == "localhost" else host


def sender(name: str) -> Callable[[Known], str]:
    return lambda known: f"ClickSend <{name}@{known['mail_domain']}>"


SERVICES, WEB, KEYS = "Services", "Web", "Keys"
MAIL, COMPANY, LOCAL = "Mail", "The company, as pages and mails name it", "The embedded portal"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Environment:
    """The settings of one process."""

    database_url: DatabaseAddress = setting(
        "The PostgreSQL 18 database; setting it switches the embedded one off.",
        parse=parse_database,
        section=SERVICES,
    )
    database_role: str = setting(
        "The database role this process takes on connecting.",
        parse=one_of(*DATABASE_ROLES),
        default="portal_app",
        section=SERVICES,
    )
    broker_url: str = setting(
        "The broker of Celery; setting it switches the embedded Valkey off.",
        parse=parse_broker,
        section=SERVICES,
    )
    cache_url: str = setting(
        "The cache and counters; by default database 1 on the broker's server.",
        parse=parse_cache,
        default=lambda known: cache_beside(known["broker_url"]),
        section=SERVICES,
    )
    email_url: MailTransport = setting(
        "How mail leaves: smtp://, smtp+tls:// (STARTTLS), smtps:// or anymail+<provider>://KEY; "
        "setting it switches the local mail catcher off.",
        parse=parse_mail,
        section=SERVICES,
    )
    journal_url: str = setting(
        "The journal of opt-outs, erasures and log heads, outside the database: a file, or a "
        "second database (required once workers run on more than one host).",
        parse=parse_journal,
        default=lambda _known: (BASE_DIR / "var" / "journal.jsonl").as_uri(),
        section=SERVICES,
    )
    backup_days: int = setting(
        "For how many days backups of the database are kept; receipts of deletions say until when.",
        parse=number(0, 3650),
        default="35",
        section=SERVICES,
    )
    secret_key: str = setting(
        "Signs sessions and links of the account; long, random and secret.",
        parse=parse_secret,
        section=KEYS,
    )
    secret_key_fallbacks: tuple[str, ...] = setting(
        "Former values of SECRET_KEY that still verify, with a comma between them.",
        parse=parse_names,
        default="",
        section=KEYS,
    )
    token_keys: dict[int, bytes] = setting(
        "Keys of the links in mails, newest first: 2:base64url,1:base64url; keep old ones as long "
        "as their mails may be opened.",
        parse=parse_keys,
        section=KEYS,
    )
    suppression_keys: dict[int, bytes] = setting(
        "Keys of the suppression list, newest first; losing one stops optional sending.",
        parse=parse_keys,
        section=KEYS,
    )
    log_keys: dict[int, bytes] = setting(
        "Ed25519 seeds that sign the heads of the public log and receipts, newest first: "
        "2:base64url,1:base64url.",
        parse=parse_signing_keys,
        section=KEYS,
    )
    debug: bool = setting(
        "Shows the details of errors on the page; never for the public.",
        parse=parse_flag,
        default="false",
        section=WEB,
    )
    portal_url: str = setting(
        "The public address of the portal; links in mails begin with it.",
        parse=parse_web,
        default="http://localhost:8000",
        section=WEB,
    )
    allowed_hosts: tuple[str, ...] = setting(
        "Host names the portal answers to; by default the one of PORTAL_URL.",
        parse=parse_names,
        default=hosts_of,
        section=WEB,
    )
    log_level: str = setting(
        "How much is logged.",
        parse=one_of("DEBUG", "INFO", "WARNING", "ERROR"),
        default="INFO",
        section=WEB,
    )
    privileged_cap: int = setting(
        "How many people at most may hold a privileged staff role.",
        parse=number(1, 1000),
        default="8",
        section=WEB,
    )
    our_hosts: tuple[str, ...] = setting(
        "Host names of other web sites of ours, with a comma between them; references there are "
        "looked for by the portal when a customer leaves the reference program.",
        parse=parse_names,
        default="",
        section=WEB,
    )
    mail_domain: str = setting(
        "The domain mail is sent from; Message-ID and List-Id carry it too.",
        parse=parse_domain,
        section=MAIL,
    )
    account_from: str = setting(
        "Sender of account mail: confirmation, reset, security, deletion.",
        parse=parse_sender,
        default=sender("account"),
        section=MAIL,
    )
    service_from: str = setting(
        "Sender of service announcements.",
        parse=parse_sender,
        default=sender("service"),
        section=MAIL,
    )
    news_from: str = setting(
        "Sender of optional mail, apart from the others so that filters tell them apart.",
        parse=parse_sender,
        default=sender("news"),
        section=MAIL,
    )
    unsubscribe_mailbox: str = setting(
        "The mailbox that List-Unsubscribe names for mail programs that unsubscribe by mail.",
        parse=parse_email,
        default=lambda known: f"unsubscribe@{known['mail_domain']}",
        section=MAIL,
    )
    dkim_key: str = setting(
        "The private key that signs mail (DKIM): PEM with \\n for its line breaks, or "
        "file:///a/path; empty: mail leaves unsigned, as when the mail server signs.",
        parse=parse_signing_pem,
        default="",
        section=MAIL,
    )
    dkim_selector: str = setting(
        "Where in the DNS its public key stands: <selector>._domainkey.<domain>.",
        parse=parse_domain,
        default="portal",
        section=MAIL,
    )
    dkim_domain: str = setting(
        "The domain that signs, the one of the senders' addresses or above it; by default "
        "MAIL_DOMAIN.",
        parse=parse_domain,
        default=lambda known: known["mail_domain"],
        section=MAIL,
    )
    hooks_secret: str = setting(
        "user:password with which a mail provider calls /hooks/…, as its own settings name it; "
        "required with an anymail+ EMAIL_URL.",
        parse=parse_hooks_secret,
        default=lambda known: "" if known["email_url"].is_smtp else None,
        section=MAIL,
    )
    smtp_timeout: int = setting(
        "Seconds to wait for the SMTP server before the connection counts as lost.",
        parse=number(1, 600),
        default="30",
        section=MAIL,
    )
    smtp_connections: int = setting(
        "SMTP connections of each sending process at once, as many as the server likes.",
        parse=number(1, 100),
        default="8",
        section=MAIL,
    )
    legal_name: str = setting(
        "The company's name, as law wants it in the footer of every mail.",
        parse=parse_text,
        section=COMPANY,
    )
    postal_address: str = setting(
        "The company's postal address, for the same footer.",
        parse=parse_text,
        section=COMPANY,
    )
    support_email: str = setting(
        "Where customers write to for help.", parse=parse_email, section=COMPANY
    )
    support_phone: str = setting(
        "Where customers call for help.", parse=parse_text, section=COMPANY
    )
    privacy_email: str = setting(
        "Where questions about privacy arrive.", parse=parse_email, section=COMPANY
    )
    promise_owners: Mapping[str, str] = setting(
        "Who is told when a promise turns broken or unknown, where it is not PRIVACY_EMAIL: "
        "few-see=security@example.com,apart-and-safe=operations@example.com.",
        parse=parse_owners,
        default="",
        section=COMPANY,
    )
    legal_entities: Mapping[str, Period] = setting(
        "For how many months each company you contract with keeps billing records, where its law "
        "says other than 7 years: no=60+year-end (5 years from the end of the financial year, as "
        "in Norway), au=84.",
        parse=parse_legal_entities,
        default="",
        section=COMPANY,
    )
    data_dir: Path | None = setting(
        "The folder of the embedded services' data; by default one for this checkout below "
        "/var/lib/clicksend-portal (root) or the user's own data folder.",
        parse=parse_optional_folder,
        default="",
        section=LOCAL,
    )
    run_dir: Path = setting(
        "The folder `make run` writes its logs and portal.json to; by default var/.",
        parse=parse_folder,
        default=lambda _known: str(RUN_DIR),
        section=LOCAL,
    )
    port: int = setting(
        "The port `make run` serves on.", parse=number(1, 65535), default="8000", section=LOCAL
    )
    smtp_port: int = setting(
        "The SMTP port of the local mail catcher.",
        parse=number(1, 65535),
        default=lambda known: str(known["port"] + 25),
        section=LOCAL,
    )
    mailbox_port: int = setting(
        "The port of the mail catcher's page.",
        parse=number(1, 65535),
        default=lambda known: str(known["port"] + 26),
        section=LOCAL,
    )


def declared() -> dict[str, Declared]:
    """Every setting by its name in the environment, in the order of declaration."""
    return {item.name.upper(): item.metadata["declared"] for item in fields(Environment)}


def read(
    process: Mapping[str, str] = os.environ, files: tuple[Path, ...] | None = None
) -> Environment:
    """The settings, or `ImproperlyConfigured` with every setting that is missing or malformed."""
    return parse(raw_values(process, files))


def raw_values(
    process: Mapping[str, str] = os.environ, files: tuple[Path, ...] | None = None
) -> dict[str, str]:
    """What is set, unparsed; an empty value counts as not set, as compose files pass it."""
    if files is None:
        chosen = raw_values(process, (OWN_FILE,)).get("RUN_DIR")
        files = (OWN_FILE, (parse_folder(chosen) if chosen else RUN_DIR) / WRITTEN)
    values: dict[str, str] = {}
    for source in (*(file_values(path) for path in reversed(files)), process):
        values |= {name: text for name in declared() if (text := source.get(name, "").strip())}
    return values


class FileReader(environ.Env):
    """Reads into a dictionary of its own; its base writes into the environment of the process."""

    ENVIRON: ClassVar[dict[str, str]] = {}


def file_values(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    FileReader.ENVIRON = {}
    FileReader.read_env(str(path))
    return FileReader.ENVIRON


def parse(raw: Mapping[str, str]) -> Environment:
    known: dict[str, Any] = {}
    problems: list[str] = []
    for name, item in declared().items():
        try:
            text = raw.get(name, "") or default_of(item, known)
            if text is None:
                problems.append(f"{name} is missing. {item.help}")
                continue
            known[name.lower()] = item.parse(text)
        except KeyError:
            continue  # its default rests on a setting that is named already
        except ValueError as error:
            problems.append(f"{name} is malformed: expected {error}.")
    if problems:
        raise ImproperlyConfigured("\n".join(problems))
    return Environment(**known)


def default_of(item: Declared, known: Known) -> str | None:
    return item.default(known) if callable(item.default) else item.default


def example() -> str:
    """The text of `.env.example`: required settings to fill in, the others with their default."""
    lines = ["# Settings of the portal. `make run` needs none of them; copy to .env and fill in."]
    section = ""
    for name, item in declared().items():
        if item.section != section:
            section = item.section
            lines += ["", f"## {section}"]
        default = item.default if isinstance(item.default, str) else ""
        note = " Required in production." if item.default is None else ""
        lines += [f"# {item.help}{note}", f"{'' if item.default is None else '# '}{name}={default}"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(example())
