"""What can go wrong while data are staged and models are trained or served."""


class TrainingError(Exception):
    """Base of every error that a training verb raises on purpose; its message is one sentence for the user."""
