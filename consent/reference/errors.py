"""Why the program refuses something; the database decides, these names say it in Python."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import IntegrityError


class ReferenceProgramError(Exception):
    """Nothing was changed."""


class NotGrantedError(ReferenceProgramError):
    """The activity is not granted by a confirmed customer, or nobody is asked for it any more."""


class NotApprovedError(ReferenceProgramError):
    """The newest words lack the approval of one side, or there are none."""


class AlreadyDecidedError(ReferenceProgramError):
    """It is over: published, removed, answered or replaced by a newer version."""


class CallLimitError(ReferenceProgramError):
    """As many calls as the customer takes in a year have been asked for, or one is still open."""


BY_CONSTRAINT: dict[str, type[ReferenceProgramError]] = {
    "consent_use_only_granted": NotGrantedError,
    "consent_use_words_approved": NotApprovedError,
    "consent_use_one_way": AlreadyDecidedError,
    "consent_use_text_version": AlreadyDecidedError,
    "consent_text_decided_once": AlreadyDecidedError,
    "consent_text_of_standing_use": AlreadyDecidedError,
    "consent_takedown_closed_once": AlreadyDecidedError,
    "consent_call_only_granted": NotGrantedError,
    "consent_call_answered_once": AlreadyDecidedError,
    "consent_call_limit": CallLimitError,
    "consent_one_call_asked_at_once": CallLimitError,
}


@contextmanager
def refusals() -> Iterator[None]:
    """The database's refusal under its name; put around the transaction, not inside it."""
    try:
        yield
    except IntegrityError as error:
        diagnosis = getattr(error.__cause__, "diag", None)
        named = BY_CONSTRAINT.get(getattr(diagnosis, "constraint_name", None) or "")
        if named is None:
            raise
        raise named(str(error.__cause__).splitlines()[0]) from error
