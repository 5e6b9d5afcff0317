"""What can go wrong in the local stack."""


class LocalError(Exception):
    """Base of every error that the local stack raises on purpose; its message is one sentence for the user."""
