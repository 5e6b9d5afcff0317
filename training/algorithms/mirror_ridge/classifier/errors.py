"""What can be wrong with a training job's data, a model directory or a request.

AlgorithmError
├── DataError            training data or hyperparameters that no model can be made from
├── ModelError           a model directory that can't be served
└── ImageError           one image that can't be read
"""


class AlgorithmError(Exception):
    """Base of every error this program raises on purpose; its message is one sentence for the user."""


class DataError(AlgorithmError):
    """The channels or hyperparameters of a training job are at fault."""


class ModelError(AlgorithmError):
    """The model directory is missing, incomplete or of another version."""


class ImageError(AlgorithmError):
    """The bytes are not an image that this program reads."""
