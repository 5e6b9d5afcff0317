"""Why a state can't be used or saved."""

from local.errors import LocalError


class StateNotSaved(LocalError):
    """The folder can't be written to."""


class UnusableState(LocalError):
    """The folder's content is damaged, of another version, or nothing that the local stack has written."""
