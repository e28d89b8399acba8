"""The columns of the account system's export, and what a rejected file adds to them."""

import re

PROFILE = (
    "user_id",
    "username",
    "user_email",
    "user_phone",
    "user_first_name",
    "user_last_name",
    "account_name",
    "country",
    "timezone",
    "language",
    "date_sign_up",
    "active",
)
# Column by column the topic whose choice it holds.
TOPICS = {
    "topic_newsletter": "newsletter",
    "topic_product_news": "product_news",
    "topic_special_offers": "special_offers",
}
COLUMNS = (
    *PROFILE,
    *TOPICS,
    "choice_source",
    "choice_at",
    "reference_program",
    "support_channel",
)
# In front of the original columns of a rejected file; ignored when such a file, put right, is read.
REMARKS = ("record", "field", "reason")

# What a spreadsheet would run; a mere number with its sign, such as a phone number or an amount, it
# would not.
_FORMULA = re.compile(r"'*(\s*[=+\-@]|[\t\r\n])")
_NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?")


def is_formula(text: str) -> bool:
    return bool(_FORMULA.match(text)) and not _NUMBER.fullmatch(text)


def make_harmless(text: str) -> str:
    """An apostrophe makes a spreadsheet show a formula instead of running it."""
    return f"'{text}" if is_formula(text) else text


def restore(text: str) -> str:
    """What `make_harmless` was given. It sets no apostrophe before a mere number; versions before
    0.6.0 did before an amount."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text[1:]) else text
