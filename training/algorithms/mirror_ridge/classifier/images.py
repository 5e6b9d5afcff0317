"""Bytes of a PNG or JPEG to the square RGB array that features are computed from."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from classifier.errors import ImageError

FORMATS = ("PNG", "JPEG")
MAX_PIXELS = 25_000_000
WIDE_MODES = ("I", "I;16", "I;16B", "I;16L", "F")


def decode(data: bytes, side: int, resampling: Image.Resampling) -> NDArray[np.uint8]:
    """Read one image of any size and squash it to ``side`` x ``side``: array of shape (side, side, 3), RGB.

    Raises:
        ImageError: the bytes are empty, not a PNG or JPEG, truncated, or hold more than 25 million pixels.
    """
    if not data:
        raise ImageError("The image is empty (0 bytes).")
    try:
        pixels = _open(data)
    except UnidentifiedImageError as error:
        raise ImageError(f"The {len(data)} bytes are not a PNG or JPEG image.") from error
    except (ImageError, MemoryError):
        raise
    # Decoders raise anything on data that isn't what its header says; what they were given is at fault.
    except Exception as error:
        raise ImageError(f"The {len(data)} bytes are a damaged image: {str(error) or type(error).__name__}.") from error
    if pixels.size != (side, side):
        pixels = pixels.resize((side, side), resampling, reducing_gap=2.0)
    return np.asarray(pixels)


def _open(data: bytes) -> Image.Image:
    """The picture upright in RGB; raises ImageError or whatever a decoder raises."""
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise ImageError(f"The image has {width} x {height} pixels; at most {MAX_PIXELS:,} are read.")
        image.load()
        return _rgb(ImageOps.exif_transpose(image))


def _rgb(image: Image.Image) -> Image.Image:
    """Flatten transparency over white and scale 16-bit samples to 8."""
    if image.mode in WIDE_MODES:
        samples = np.asarray(image, dtype=np.float64) / 257.0
        return Image.fromarray(np.clip(samples.round(), 0, 255).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("RGB")
