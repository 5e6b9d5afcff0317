"""Bytes of a PNG or JPEG to the square RGB array that the scattering transform takes."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from classifier.errors import ImageError

FORMATS = ("PNG", "JPEG")
MAX_PIXELS = 25_000_000
WIDE_MODES = ("I", "I;16", "I;16B", "I;16L", "F")


def decode(data: bytes, side: int) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """Read one image, squash it to ``side`` x ``side`` and say how large it was.

    Returns:
        pixels: array of shape (side, side, 3), RGB
        size: (width, height) of the image as stored

    Raises:
        ImageError: the bytes are empty, not a PNG or JPEG, truncated, or hold more than 25 million pixels.
    """
    if not data:
        raise ImageError("The image is empty (0 bytes).")
    try:
        pixels, size = _open(data)
    except UnidentifiedImageError as error:
        raise ImageError(f"The {len(data)} bytes are not a PNG or JPEG image.") from error
    except (ImageError, MemoryError):
        raise
    # Decoders raise anything on data that isn't what its header says; what they were given is at fault.
    except Exception as error:
        raise ImageError(f"The {len(data)} bytes are a damaged image: {str(error) or type(error).__name__}.") from error
    if pixels.size != (side, side):
        pixels = pixels.resize((side, side), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return np.asarray(pixels), size


def _open(data: bytes) -> tuple[Image.Image, tuple[int, int]]:
    """The picture upright in RGB, and its size as stored; raises ImageError or whatever a decoder raises."""
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        size = image.size
        if size[0] * size[1] > MAX_PIXELS:
            raise ImageError(f"The image has {size[0]} x {size[1]} pixels; at most {MAX_PIXELS:,} are read.")
        image.load()
        return _rgb(ImageOps.exif_transpose(image)), size


def _rgb(image: Image.Image) -> Image.Image:
    """Flatten transparency over white and scale 16-bit samples to 8."""
    if image.mode in WIDE_MODES:
        samples = np.asarray(image, dtype=np.float64) / 257.0
        return Image.fromarray(np.clip(samples.round(), 0, 255).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("RGB")
