"""What the model is given of an image file: the same for the workflow, for data sets and for `predict`."""

from dataclasses import dataclass

from PIL import Image

from imaging import still
from imaging.confined import decode_confined
from imaging.fitting import as_png

Size = tuple[int, int]

MAX_BYTES = 20 * 1024 * 1024
# How the names of files of the formats that are taken end.
SUFFIXES = frozenset(
    ".avif .bmp .gif .heic .heif .hif .jfif .jpe .jpeg .jpg .mpo .png .tif .tiff .webp".split()  # noqa: SIM905 - a list
)


@dataclass(frozen=True)
class ModelInput:
    """What is sent to the model: a PNG, and the width and height that the picture was stored with."""

    png: bytes
    width: int
    height: int


def _fitted(data: bytes, fit: str, side: int) -> tuple[Image.Image, Size]:
    if still.library_format(data):
        return decode_confined(data, fit, side, still.MAX_SECONDS)
    return still.decode(data, fit, side, still.FORMATS)


def bound(data: bytes, max_side: int) -> tuple[Image.Image, Size]:
    """Return the picture in RGB, upright, its longest side at most `max_side` pixels, and the size it is stored with.

    It keeps its aspect ratio, and is never enlarged: a picture that is small enough keeps its pixels. Raises as
    `imaging.still.decode` does.
    """
    return _fitted(data, "bound", max_side)


def squash(data: bytes, side: int) -> tuple[Image.Image, Size]:
    """Return the picture as `side` x `side` pixels of RGB, upright, and its stored size; raises so too."""
    return _fitted(data, "squash", side)


def model_input(data: bytes, max_side: int, *, exact: bool) -> ModelInput:
    """Return what the model is given of an image file: bounded to `max_side`, or if `exact` squashed to a square of it.

    The workflow, the data set and `predict` all make it here, so that one file gives the same bytes everywhere.
    Raises as `bound`.
    """
    image, (width, height) = (squash if exact else bound)(data, max_side)
    return ModelInput(as_png(image), width, height)
