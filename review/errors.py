"""What can go wrong while people review images."""

from contracts.errors import WorkflowError


class ReviewError(WorkflowError):
    """Base of every error that the review raises on purpose; its message is one sentence for the user."""
