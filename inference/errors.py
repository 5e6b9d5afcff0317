"""What can go wrong while images are sent through the state machine."""

from contracts.errors import WorkflowError


class InferenceError(WorkflowError):
    """Base of every error that an inference verb raises on purpose; its message is one sentence for the user."""
