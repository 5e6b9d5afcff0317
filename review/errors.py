"""What can go wrong while people review images."""

from contracts.errors import WorkflowError


class ReviewError(WorkflowError):
    """Base of every error that the review raises on purpose; its message is one sentence for the user."""


class NotWaiting(ReviewError):
    """The image was decided already, or its message isn't this session's any more."""


class NothingToUndo(ReviewError):
    """There is no decision that can still be undone here."""
