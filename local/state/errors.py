"""Why a state can't be used."""

from local.errors import LocalError


class UnusableState(LocalError):
    """The folder's content is damaged, of another version, or nothing that the local stack has written."""
