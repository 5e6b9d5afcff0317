"""What can go wrong while the workflow is exercised and watched."""


class MonitoringError(Exception):
    """Base of every error that a monitoring verb raises on purpose; its message is one sentence for the user."""
