"""What can go wrong while the deployed model is monitored."""

from contracts.errors import WorkflowError


class MonitoringError(WorkflowError):
    """Base of every error that a monitoring verb raises on purpose; its message is one sentence for the user."""
