"""Decode one still picture, with bounds on its size and on the time that it takes."""

import io
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass

from PIL import ExifTags, Image, ImageFile, ImageOps, UnidentifiedImageError, WebPImagePlugin

from imaging.fitting import as_png, bounded_size, resized
from imaging.transparency import apply_colour_key, over_white

Size = tuple[int, int]

MAX_BYTES = 20 * 1024 * 1024
MAX_PIXELS = 50_000_000
# Processor seconds that one image may take to decode: three times what 50 million pixels with transparency took.
MAX_SECONDS = 4.0
# A JPEG decoder visits every pixel in every scan, also in one of ten bytes: 0.13 s for a thousand million of them.
MAX_SCANNED_PIXELS = 12_000_000_000
# Pillow unpacks run-length-encoded BMPs in Python, and fills a line that ends early byte by byte.
MAX_RUN_LENGTH_PIXELS = 4_000_000
START_OF_SCAN = b"\xff\xda"
# Pillow itself registers the first four; unless it knows all of them it would import every decoder that it has.
FORMATS = ("BMP", "GIF", "JPEG", "PNG", WebPImagePlugin.WebPImageFile.format)
# How the names of such files end.
SUFFIXES = frozenset({".bmp", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".mpo", ".png", ".webp"})
# Not JPEG: the further pictures of a phone's photograph (MPO) are previews.
ANIMATED_FORMATS = ("GIF", "PNG", "WEBP")
JPEG_FORMATS = ("JPEG", "MPO")
# Values of EXIF's orientation that exchange width and height.
TURNED = frozenset({5, 6, 7, 8})

# The size is checked against MAX_PIXELS from the header, before anything is decoded.
Image.MAX_IMAGE_PIXELS = None


class ImageTooLarge(Exception):
    """The object has more bytes or pixels than the function takes."""


class InvalidImage(Exception):
    """The object isn't one whole still picture of a format that is taken."""


class BoundedReader(io.BytesIO):
    """An image's bytes for a decoder that may use no more than MAX_SECONDS of its thread's processor time.

    Every decoder reads piece by piece, so that small pieces by the million end here too.
    """

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.deadline = time.thread_time() + MAX_SECONDS

    def read(self, size: int | None = -1, /) -> bytes:
        """Read as any file does; raises InvalidImage when the time is over."""
        if time.thread_time() > self.deadline:
            raise InvalidImage(f"The image takes more than {MAX_SECONDS:g} s of processor time to decode.")
        return super().read(size)


def check_header(image: ImageFile.ImageFile, data: bytes) -> None:
    """Refuse what is too large to decode, or isn't one still picture."""
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise ImageTooLarge(f"The image has {width}x{height} pixels; at most {MAX_PIXELS:,} are taken.")
    if image.tile and image.tile[0].codec_name == "bmp_rle" and width * height > MAX_RUN_LENGTH_PIXELS:
        raise ImageTooLarge(
            f"The image has {width}x{height} pixels; a run-length-encoded BMP may have {MAX_RUN_LENGTH_PIXELS:,}."
        )
    if image.format in ANIMATED_FORMATS and getattr(image, "is_animated", False):
        raise InvalidImage("The image is animated; a still one is needed.")
    if image.format in JPEG_FORMATS and data.count(START_OF_SCAN) * width * height > MAX_SCANNED_PIXELS:
        raise InvalidImage(f"The image has {data.count(START_OF_SCAN):,} scans, too many for its size.")


@dataclass(frozen=True)
class ModelInput:
    """What is sent to the model: a PNG, and the width and height that the picture was stored with."""

    png: bytes
    width: int
    height: int


def decode(data: bytes, target: Callable[[Size], Size]) -> tuple[Image.Image, Size]:
    """Return the one still picture that the bytes hold as its `target` size, and the size it is stored with.

    It is upright RGB, and over white where it is transparent. `target` gives the width and height that are wanted of a
    picture of some width and height. A JPEG may be read smaller than it is stored, but not below twice the target: of
    12 megapixels that takes a fifth of the time, and at 224 pixels moves a channel by at most 18 of 255 on line art and
    3 on a smooth picture.
    """
    reader = BoundedReader(data)
    # What Pillow warns of is either an error later on or doesn't matter.
    with warnings.catch_warnings(action="ignore"), Image.open(reader, formats=FORMATS) as image:
        check_header(image, data)
        width, height = size = image.size
        wanted = target(size)
        image.draft("RGB", (2 * wanted[0], 2 * wanted[1]))
        raw_mode = str(image.tile[0].args) if image.format == "PNG" else ""
        # Decoding all of it is what verifies it.
        image.load()
        if image.getexif().get(ExifTags.Base.Orientation) in TURNED:
            wanted = target((height, width))
        upright = ImageOps.exif_transpose(apply_colour_key(image, raw_mode, reader))
        return resized(over_white(upright), wanted), size


def _decoded(data: bytes, target: Callable[[Size], Size]) -> tuple[Image.Image, Size]:
    """As `decode`, but raises ImageTooLarge or InvalidImage for whatever a decoder raises."""
    try:
        return decode(data, target)
    except (InvalidImage, ImageTooLarge, MemoryError):
        raise
    except UnidentifiedImageError as error:
        raise InvalidImage(f"The object isn't a picture of a format that is taken: {', '.join(FORMATS)}.") from error
    # Decoders raise anything on data that isn't what its header says; what they were given is at fault.
    except Exception as error:
        raise InvalidImage(f"The object can't be decoded as an image: {str(error) or type(error).__name__}") from error


def bound(data: bytes, max_side: int) -> tuple[Image.Image, Size]:
    """Return the picture in RGB, upright, its longest side at most `max_side` pixels, and the size it is stored with.

    It keeps its aspect ratio, and is never enlarged: a picture that is small enough keeps its pixels.

    Raises:
        ImageTooLarge: it has more than MAX_PIXELS.
        InvalidImage: the bytes aren't one still picture of a format that is taken, or take too long.
    """
    return _decoded(data, lambda size: bounded_size(size, max_side))


def squash(data: bytes, side: int) -> tuple[Image.Image, Size]:
    """Return the picture as `side` x `side` pixels of RGB, upright, and its stored size; raises as `bound`."""
    return _decoded(data, lambda _: (side, side))


def model_input(data: bytes, max_side: int, *, exact: bool) -> ModelInput:
    """Return what the model is given of an image file: bounded to `max_side`, or if `exact` squashed to a square of it.

    The workflow, the data set and `predict` all make it here, so that one file gives the same bytes everywhere.
    Raises as `bound`.
    """
    image, (width, height) = (squash if exact else bound)(data, max_side)
    return ModelInput(as_png(image), width, height)
