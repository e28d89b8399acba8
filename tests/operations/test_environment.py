"""A missing or malformed setting stops the start, named, and without repeating a secret."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from clicksend_portal import environment
from clicksend_portal.environment import BASE_DIR, Environment
from clicksend_portal.run.report import write_settings
from tests.services import ENVIRONMENT, key_ring

COMPLETE = {
    **ENVIRONMENT,
    "DATABASE_URL": "postgresql://portal:secret@db.example:5433/portal?sslmode=require",
    "BROKER_URL": "redis://broker.example:6379/0",
    "EMAIL_URL": "smtp+tls://user:p%40ss@mail.example",
}
REQUIRED = [name for name, item in environment.declared().items() if item.default is None]


def read(changes: dict[str, str] | None = None) -> Environment:
    return environment.read({**COMPLETE, **(changes or {})}, ())


def problems(process: dict[str, str]) -> list[str]:
    with pytest.raises(ImproperlyConfigured) as raised:
        environment.read(process, ())
    return str(raised.value).splitlines()


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_setting_is_named(name: str) -> None:
    rest = {each: text for each, text in COMPLETE.items() if each != name}
    assert [line.split()[0] for line in problems(rest)] == [name]


def test_an_empty_value_counts_as_missing() -> None:
    assert problems({**COMPLETE, "SECRET_KEY": " "})[0].startswith("SECRET_KEY is missing")


def test_everything_missing_is_named_at_once() -> None:
    assert {line.split()[0] for line in problems({})} == set(REQUIRED)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://portal@db/portal"),
        ("DATABASE_URL", "postgresql://portal@db"),
        ("DATABASE_URL", "postgresql://portal:pa/ss@db/portal"),
        ("DATABASE_ROLE", "postgres"),
        ("BROKER_URL", "localhost:6379"),
        ("CACHE_URL", "memcached://cache"),
        ("EMAIL_URL", "mail.example"),
        ("EMAIL_URL", "smtp://mail.example:twentyfive"),
        ("EMAIL_URL", "anymail+pigeon://key"),
        ("EMAIL_URL", "anymail+postmark://"),
        ("SECRET_KEY", "short"),
        ("TOKEN_KEYS", "1:short"),
        ("TOKEN_KEYS", key_ring(1).replace("1:", "256:")),
        ("SUPPRESSION_KEYS", f"{key_ring(1)},{key_ring(1)}"),
        ("DEBUG", "maybe"),
        ("PORTAL_URL", "portal.example"),
        ("PORTAL_URL", "https://portal.example/below"),
        ("LOG_LEVEL", "LOUD"),
        ("PRIVILEGED_CAP", "none"),
        ("MAIL_DOMAIN", "not a domain"),
        ("ACCOUNT_FROM", "nobody"),
        ("NEWS_FROM", "News <news@portal.example>\nBcc: all@portal.example"),
        ("UNSUBSCRIBE_MAILBOX", "Unsubscribe <u@portal.example>"),
        ("PRIVACY_EMAIL", "privacy"),
        ("LEGAL_ENTITIES", "norway: 5 years"),
        ("LEGAL_ENTITIES", "no=85"),
        ("LEGAL_ENTITIES", "no=73+year-end"),
        ("LEGAL_ENTITIES", "no=60,no=84"),
        ("LEGAL_ENTITIES", "no=0"),
        ("PORT", "70000"),
        ("SMTP_PORT", "-1"),
        ("SMTP_TIMEOUT", "soon"),
    ],
)
def test_a_malformed_setting_is_named_with_what_is_expected(name: str, value: str) -> None:
    [line] = problems({**COMPLETE, name: value})
    assert line.startswith(f"{name} is malformed: expected ")
    assert value not in line


def test_no_problem_ever_repeats_a_secret() -> None:
    secrets = {
        "DATABASE_URL": "postgresql://portal:hush/hush@db/portal",
        "EMAIL_URL": "smtps://user:hush@mail.example:hush",
        "SECRET_KEY": "hush",
        "TOKEN_KEYS": "1:hush",
    }
    lines = problems({**COMPLETE, **secrets})
    assert len(lines) == len(secrets)
    assert "hush" not in "".join(lines)


def test_the_settings_do_not_show_their_secrets() -> None:
    settings = read()
    shown = f"{settings!r} {settings.database_url!r} {settings.email_url!r}"
    assert "secret@" not in shown
    assert "p@ss" not in shown
    assert settings.secret_key not in shown


def test_a_database_address_is_taken_apart() -> None:
    entry = read().database_url.django(role="portal_app")
    assert entry["HOST"], entry["PORT"] == ("db.example", "5433")
    assert entry["PASSWORD"] == "secret"
    assert entry["OPTIONS"] == {"sslmode": "require", "options": "-c role=portal_app"}


def test_a_unix_socket_is_a_database_address() -> None:
    entry = read({"DATABASE_URL": "postgresql://portal@/portal?host=/run/pg"}).database_url
    assert (entry.host, entry.name, entry.user) == ("/run/pg", "portal", "portal")


@pytest.mark.parametrize(
    ("url", "port", "security"),
    [
        ("smtp://mail.example", 25, "plain"),
        ("smtp://mail.example:1025", 1025, "plain"),
        ("smtp+tls://mail.example", 587, "starttls"),
        ("smtps://mail.example", 465, "tls"),
    ],
)
def test_an_smtp_address_is_taken_apart(url: str, port: int, security: str) -> None:
    transport = read({"EMAIL_URL": url}).email_url
    assert (transport.is_smtp, transport.port, transport.security) == (True, port, security)


def test_a_provider_keeps_the_case_of_its_key() -> None:
    url = "anymail+mailgun://Key-AbC?sender_domain=mg.example.com"
    transport = read({"EMAIL_URL": url, "HOOKS_SECRET": f"mailgun:{'x' * 32}"}).email_url
    assert not transport.is_smtp
    assert transport.esp_backend == "anymail.backends.mailgun.EmailBackend"
    assert dict(transport.esp_settings) == {
        "MAILGUN_API_KEY": "Key-AbC",
        "MAILGUN_SENDER_DOMAIN": "mg.example.com",
    }


def test_defaults_follow_the_settings_they_rest_on() -> None:
    settings = read({"ALLOWED_HOSTS": "", "PORTAL_URL": "https://konto.example"})
    assert settings.allowed_hosts == ("konto.example",)
    assert settings.cache_url == "redis://broker.example:6379/1"
    assert settings.news_from == "ClickSend <news@portal.example>"
    assert settings.unsubscribe_mailbox == "unsubscribe@portal.example"


def test_a_broker_without_room_for_a_cache_asks_for_one() -> None:
    [line] = problems({**COMPLETE, "BROKER_URL": "amqp://broker.example"})
    assert line.startswith("CACHE_URL is missing")


def test_the_first_key_of_a_ring_is_the_newest() -> None:
    assert list(read({"TOKEN_KEYS": key_ring(7, 3)}).token_keys) == [7, 3]


def test_the_process_wins_over_files_and_the_first_file_over_the_second(tmp_path: Path) -> None:
    first, second = tmp_path / "first.env", tmp_path / "second.env"
    first.write_text("LOG_LEVEL=ERROR\nPRIVILEGED_CAP=3\n")
    second.write_text("LOG_LEVEL=DEBUG\nPRIVILEGED_CAP=4\nPORT=8001\n")
    process = {**COMPLETE, "LOG_LEVEL": "INFO", "PRIVILEGED_CAP": ""}
    settings = environment.read(process, (first, second))
    assert (settings.log_level, settings.privileged_cap, settings.port) == ("INFO", 3, 8001)


def test_what_make_run_writes_is_read_back_unchanged(tmp_path: Path) -> None:
    awkward = {**COMPLETE, "LEGAL_NAME": 'Æ "Ø" \\ Å # AS', "POSTAL_ADDRESS": "Kai's gate $1, Oslo"}
    write_settings(tmp_path, awkward)
    written = tmp_path / "portal.env"
    assert written.stat().st_mode & 0o777 == 0o600
    assert environment.raw_values({}, (written,)) == {k: v for k, v in awkward.items() if v}


def test_what_make_run_writes_is_found_where_run_dir_says(tmp_path: Path) -> None:
    write_settings(tmp_path, {"MAIL_DOMAIN": "written.example"})
    assert environment.raw_values({"RUN_DIR": str(tmp_path)})["MAIL_DOMAIN"] == "written.example"
    assert environment.raw_values({}).get("MAIL_DOMAIN") != "written.example"


def test_the_example_names_exactly_the_declared_settings() -> None:
    text = (BASE_DIR / ".env.example").read_text()
    assert text == environment.example(), "python -m clicksend_portal.environment > .env.example"
    lines = (line.removeprefix("# ") for line in text.splitlines() if "=" in line)
    named = [line.split("=")[0] for line in lines if line.split("=")[0].isupper()]
    assert named == list(environment.declared())


def test_the_command_line_names_the_setting_without_a_traceback() -> None:
    """The process environment wins over any `.env` of this checkout, so the value is malformed."""
    ended = subprocess.run(
        [sys.executable, "manage.py", "migrate"],
        cwd=BASE_DIR,
        env={"PATH": os.environ["PATH"], "SECRET_KEY": "short"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert "SECRET_KEY" in ended.stderr
    assert "Traceback" not in ended.stderr
