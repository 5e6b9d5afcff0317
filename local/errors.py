"""Errors of the local stack."""

from contracts.errors import WorkflowError


class LocalError(WorkflowError):
    """Base of every error that the local stack raises on purpose; its message is one sentence for the user."""
