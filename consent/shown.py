"""Which version of a question a form says it showed."""

from consent.models import Topic


def wording_said(topic: Topic | None, said: str) -> int | None:
    """The version, if it can be one of this topic's; a choice never fails for it."""
    # A number of thousands of digits is none that Python reads.
    if topic is None or len(said) > LONGEST or not (said.isascii() and said.isdigit()):
        return None
    return int(said) if 1 <= int(said) <= topic.wording_version else None


LONGEST = 9
