"""People, a campaign and an outbox for the benchmarks that send, written past the portal's doors.

Two texts of six paragraphs, some 4 kB on the wire as text and HTML together; every person has
granted the newsletter, and every third reads English.
"""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bench.servers import administrator, empty

if TYPE_CHECKING:
    from messaging.models import Campaign

TABLES = ("accounts_user", "consent_preference", "consent_consentdetail", "consent_suppression")

_PERSON = "('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid"
_LANGUAGE = "CASE WHEN mod(n, 3) = 0 THEN 'en' ELSE 'nb' END"
_TOPIC = "(SELECT id FROM consent_topic WHERE slug = 'newsletter')"

PEOPLE = f"""
INSERT INTO accounts_user (id, password, username, first_name, last_name, email, address,
       address_hashes, phone, company, country, language, timezone, support_channel,
       email_confirmed_at, is_active, is_staff, is_superuser, signed_up_at)
SELECT {_PERSON}, '!', 'customer' || n, 'Kari', 'Nordmann', n || '@shop.test', n || '@shop.test',
       ARRAY[sha256(n::text::bytea)], '', '', 'NO', {_LANGUAGE}, 'Europe/Oslo', 'email',
       now() - interval '1 day', true, false, false, now() - interval '1 day'
  FROM generate_series(1, %(people)s) n
"""
CHOICES = f"""
INSERT INTO consent_preference (person_id, topic_id, state, version, source, since)
SELECT {_PERSON}, {_TOPIC}, 'granted', 1, 'signup', now() - interval '1 day'
  FROM generate_series(1, %(people)s) n
"""
# What is published about permission is read off these. They must be sealed and in the journal
# within minutes, or everything stands still.
EVENTS = f"""
INSERT INTO consent_consentdetail (person_id, topic_id, version, state_before, state, undone,
       source, actor, reason, language, wording_version, mailing, at, salt)
SELECT {_PERSON}, {_TOPIC}, 1, '', 'granted', false, 'signup', 'self', '', 'nb', 1, 0,
       now() - interval '1 day', uuid_send(gen_random_uuid())
  FROM generate_series(1, %(people)s) n
"""
MESSAGES = f"""
INSERT INTO messaging_message (id, kind, priority, purpose, mailing_id, person_id, topic_id,
       to_address, language, sender, subject, text, html, state, reason, attempts, not_before,
       queued_at)
SELECT uuidv7(), 'optional', 5, 'campaign', %(mailing)s, {_PERSON}, {_TOPIC}, n || '@shop.test',
       {_LANGUAGE}, '', '', '', '', 'queued', '', 0, now(), now()
  FROM (SELECT 1 + i %% %(people)s AS n FROM generate_series(0, %(messages)s - 1) i) AS each
"""
UNSENT = "SELECT count(*) FROM messaging_message WHERE state <> 'sent'"

_NB = (
    "Hva som er nytt i arbeidsområdet ditt denne uken, og hva du kan gjøre med det når det passer. "
)
_EN = "What changed in your workspace this week, and what to do about it when it suits you. "


def seed_people(people: int, *, events: bool = False) -> None:
    empty(*TABLES, "messaging_message", "messaging_campaign")
    with administrator() as admin:
        admin.execute("SET session_replication_role = replica")
        for statement in (PEOPLE, CHOICES, EVENTS) if events else (PEOPLE, CHOICES):
            admin.execute(statement, {"people": people})
        admin.execute("VACUUM ANALYZE")


def make_campaign() -> "Campaign":
    """Approved by nobody in particular; the caller starts it or writes its messages."""
    from consent.models import Topic
    from messaging.models import Campaign

    campaign: Campaign = Campaign.objects.create(
        topic=Topic.objects.get(slug="newsletter"),
        subject_nb="Nyheter i november",
        subject_en="News in November",
        preheader_nb="Seks ting på ett minutt",
        preheader_en="Six things in a minute",
        body_nb=_body("Hei {first_name|der}", _NB, "Les mer"),
        body_en=_body("Hello {first_name|there}", _EN, "Read more"),
        state=Campaign.State.APPROVED,
    )
    return campaign


def _body(greeting: str, words: str, more: str) -> str:
    parts = [f"# {greeting}"]
    for number in range(1, 7):
        link = f"[{more}](https://portal.example/{number})"
        parts.append(f"**{number}.** {words}{link}")
    return "\n\n".join(parts)


def fill_outbox(campaign: "Campaign", *, people: int, messages: int) -> None:
    """An outbox of nothing but these, as a resolved audience leaves it."""
    from messaging.models import Campaign

    Campaign.objects.filter(pk=campaign.pk).update(
        state=Campaign.State.SENDING, resolved_at=datetime.now(UTC), resolved=True
    )
    empty("messaging_message")
    with administrator() as admin:
        admin.execute(MESSAGES, {"mailing": campaign.pk, "people": people, "messages": messages})
        admin.execute("VACUUM ANALYZE messaging_message")
        admin.execute("CHECKPOINT")


def unsent() -> int:
    with administrator() as admin:
        row = admin.execute(UNSENT).fetchone()
    return int(row[0]) if row else 0
