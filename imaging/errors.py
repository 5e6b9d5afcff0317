"""Why a picture is refused; each error's name is one that the state machine knows."""


class ImageTooLarge(Exception):
    """The object has more bytes or pixels than the function takes."""


class InvalidImage(Exception):
    """The object isn't one whole still picture of a format that is taken."""
