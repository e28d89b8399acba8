"""Why a mailing does not move, in words for whoever pressed the button."""


class WrongState(Exception):
    """What was asked for cannot be done as the mailing stands; the message says why."""


class NotAllowed(WrongState):
    """It can be done, but not by this person: another must."""


class Unfit(WrongState):
    """What it says or shows, or under which name, may not go out like this."""
