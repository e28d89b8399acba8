"""Who is reached and why the others are not: one list of conditions, asked by every count.

The audience is whoever meets all of them; the preview says which is the first one a person does
not meet. No condition is ever NULL, so the two cannot disagree.
"""

from collections.abc import Sequence
from typing import Final

# What is said of whoever does not meet the condition beside it. `u` is the person, `p` their
# preference on the topic, if they have one.
type Conditions = Sequence[tuple[str, str]]

_SUPPRESSED = "SELECT 1 FROM consent_suppression s WHERE s.address_hash = ANY (u.address_hashes)"
_DEAD = f"{_SUPPRESSED} AND s.reason = 'hard_bounce'"

MAILED: Final[Conditions] = (
    ("'not_confirmed'", "u.email_confirmed_at IS NOT NULL"),
    ("'deactivated'", "u.deactivated_at IS NULL AND u.is_active"),
)
ASKED: Final[Conditions] = (
    ("COALESCE(p.state, 'not_asked')", "p.state IS NOT NULL AND p.state = 'granted'"),
    ("'paused'", "p.paused_until IS NULL OR p.paused_until <= %(now)s"),
    (
        "'topic_retired'",
        "EXISTS (SELECT 1 FROM consent_topic t WHERE t.id = %(topic)s AND t.retired_at IS NULL)",
    ),
)
NOT_BARRED: Final[Conditions] = (
    (
        f"CASE WHEN EXISTS ({_DEAD}) THEN 'bounced' ELSE 'suppressed' END",
        f"NOT EXISTS ({_SUPPRESSED})",
    ),
)
# `purpose-bound`: by profile only whoever chose tailoring. Whose language we do not know is
# written to in Bokmål, so they belong to it; a day is a UTC day.
IN_SEGMENT: Final[Conditions] = (
    (
        "'tailoring_off'",
        """EXISTS (SELECT 1 FROM consent_preference chosen
                    WHERE chosen.person_id = u.id AND chosen.topic_id = %(tailoring)s
                      AND chosen.state = 'granted')""",
    ),
    (
        "'outside_segment'",
        """(cardinality(%(countries)s::text[]) = 0 OR u.country = ANY (%(countries)s::text[]))
       AND (cardinality(%(languages)s::text[]) = 0
            OR COALESCE(NULLIF(u.language, ''), 'nb') = ANY (%(languages)s::text[]))
       AND (%(since)s::timestamptz IS NULL OR u.signed_up_at >= %(since)s::timestamptz)
       AND (%(before)s::timestamptz IS NULL OR u.signed_up_at < %(before)s::timestamptz)""",
    ),
)

ANNOUNCEMENT: Final = MAILED
CAMPAIGN: Final = (*MAILED, *ASKED, *NOT_BARRED)
SEGMENTED: Final = (*CAMPAIGN, *IN_SEGMENT)
ANY_TOPIC: Final = (*MAILED, *NOT_BARRED, *IN_SEGMENT)


def reached(conditions: Conditions) -> str:
    """The condition of whoever gets it."""
    return " AND ".join(f"({condition})" for _word, condition in conditions)


def outcome(conditions: Conditions) -> str:
    """'reached', or the word of the first condition that is not met."""
    cases = " ".join(f"WHEN NOT ({condition}) THEN {word}" for word, condition in conditions)
    return f"CASE {cases} ELSE 'reached' END"
