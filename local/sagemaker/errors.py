"""How SageMaker refuses a request."""

from local.errors import LocalError


class SageMakerError(LocalError):
    """An error of the service: its code and its message, as SDKs see them."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
