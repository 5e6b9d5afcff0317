"""What every error that a user is told about has in common."""


class WorkflowError(Exception):
    """Base of every error that is raised on purpose; its message is one sentence for the user, shown on one line."""
