"""What the sender is told when a message cannot be written."""


class CannotCompose(ValueError):
    """No form of this message could leave; the others must not wait for it."""
