"""The addresses in the settings, taken apart: the database, the mail transport, a web address.

Every parser raises `ValueError` with what is expected, and never repeats the value: a database or
mail address holds a password, and start-up errors end in logs.
"""

from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

DATABASE_FORM = "postgresql://user[:password]@host[:port]/name or postgresql://user@/name?host=…"
EMAIL_FORM = (
    "smtp://[user:password@]host[:port] (plain), smtp+tls:// (STARTTLS), smtps:// (TLS) or "
    "anymail+<provider>://KEY"
)
WEB_FORM = "http://host[:port] or https://host[:port], without a path"

SMTP_PORTS = {"smtp": 25, "smtp+tls": 587, "smtps": 465}
type MailSecurity = Literal["plain", "starttls", "tls"]
SMTP_SECURITY: dict[str, MailSecurity] = {"smtp": "plain", "smtp+tls": "starttls", "smtps": "tls"}

# The setting that carries the key of each provider anymail supports; what else a provider wants
# follows as query parameters (`anymail+mailgun://KEY?sender_domain=mail.example.com`).
ESP_KEYS = {
    "amazon_ses": "",
    "brevo": "BREVO_API_KEY",
    "mailersend": "MAILERSEND_API_TOKEN",
    "mailgun": "MAILGUN_API_KEY",
    "mailjet": "MAILJET_API_KEY",
    "mailtrap": "MAILTRAP_API_TOKEN",
    "mandrill": "MANDRILL_API_KEY",
    "postal": "POSTAL_API_KEY",
    "postmark": "POSTMARK_SERVER_TOKEN",
    "resend": "RESEND_API_KEY",
    "scaleway": "SCALEWAY_SECRET_KEY",
    "sendgrid": "SENDGRID_API_KEY",
    "sparkpost": "SPARKPOST_API_KEY",
    "unisender_go": "UNISENDER_GO_API_KEY",
}


@dataclass(frozen=True, slots=True, repr=False)
class DatabaseAddress:
    """Where PostgreSQL listens; `host` is a folder when it listens on a unix socket."""

    url: str
    user: str
    password: str
    host: str
    port: str
    name: str
    options: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return self.url

    def django(self, *, role: str) -> dict[str, Any]:
        """The entry of `DATABASES`, with the database role this process takes on connecting."""
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": self.name,
            "USER": self.user,
            "PASSWORD": self.password,
            "HOST": self.host,
            "PORT": self.port,
            "OPTIONS": {**dict(self.options), "options": f"-c role={role}"},
        }


@dataclass(frozen=True, slots=True, repr=False)
class MailTransport:
    """How mail leaves: an SMTP server, or a provider that anymail speaks to (`esp` is its name)."""

    url: str
    esp: str = ""
    esp_settings: tuple[tuple[str, str], ...] = ()
    host: str = ""
    port: int = 0
    user: str = ""
    password: str = ""
    security: MailSecurity = "plain"

    def __str__(self) -> str:
        return self.url

    @property
    def is_smtp(self) -> bool:
        return not self.esp

    @property
    def esp_backend(self) -> str:
        return f"anymail.backends.{self.esp}.EmailBackend"


def port_text(parts: SplitResult) -> str:
    """The port as written; `SplitResult.port` would repeat a stray piece of password."""
    return parts.netloc.rpartition("@")[2].rpartition("]")[2].partition(":")[2]


def parse_database(text: str) -> DatabaseAddress:
    parts = urlsplit(text)
    options = dict(parse_qsl(parts.query))
    host = options.pop("host", "") or unquote(parts.hostname or "")
    port = options.pop("port", "") or port_text(parts)
    name = unquote(parts.path.removeprefix("/"))
    if parts.scheme not in ("postgresql", "postgres") or not parts.username or not host or not name:
        raise ValueError(DATABASE_FORM)
    if port and not port.isdecimal():
        raise ValueError(DATABASE_FORM)
    return DatabaseAddress(
        url=text,
        user=unquote(parts.username),
        password=unquote(parts.password or ""),
        host=host,
        port=port,
        name=name,
        options=tuple(options.items()),
    )


def parse_mail(text: str) -> MailTransport:
    parts = urlsplit(text)
    scheme, _, esp = parts.scheme.partition("+")
    if scheme == "anymail":
        return _parse_esp(text, esp)
    port = port_text(parts)
    if parts.scheme not in SMTP_PORTS or not parts.hostname or (port and not port.isdecimal()):
        raise ValueError(EMAIL_FORM)
    return MailTransport(
        url=text,
        host=parts.hostname,
        port=int(port) if port else SMTP_PORTS[parts.scheme],
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        security=SMTP_SECURITY[parts.scheme],
    )


def _parse_esp(text: str, esp: str) -> MailTransport:
    # A scheme may hold no underscore, and `netloc` keeps the case of the key.
    esp = esp.replace("-", "_")
    parts = urlsplit(text)
    key = unquote(parts.netloc)
    if esp not in ESP_KEYS:
        raise ValueError(f"anymail+<provider>://KEY with one of {', '.join(ESP_KEYS)}")
    if ESP_KEYS[esp] and not key:
        raise ValueError(EMAIL_FORM)
    settings = {f"{esp}_{name}".upper(): value for name, value in parse_qsl(parts.query)}
    if ESP_KEYS[esp]:
        settings[ESP_KEYS[esp]] = key
    return MailTransport(url=text, esp=esp, esp_settings=tuple(settings.items()))


def parse_broker(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("redis", "rediss", "redis+socket", "unix", "amqp", "amqps"):
        raise ValueError("redis://host:port/0, rediss://…, redis+socket:///path or amqp://…")
    return text


def parse_cache(text: str) -> str:
    if urlsplit(text).scheme not in ("redis", "rediss", "unix"):
        raise ValueError("redis://host:port/1, rediss://… or unix:///path?db=1")
    return text


def parse_web(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/"):
        raise ValueError(WEB_FORM)
    return text.rstrip("/")


def cache_beside(broker_url: str) -> str | None:
    """The cache's own database on the broker's server; none can be derived from an AMQP broker."""
    parts = urlsplit(broker_url)
    if parts.scheme not in ("redis", "rediss"):
        return None
    return parts._replace(path="/1").geturl()
