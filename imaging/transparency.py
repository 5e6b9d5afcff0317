"""A picture with 8 bits a channel in place of what the file has, and without its transparency."""

import functools
import io
from collections.abc import Sequence

from PIL import Image, ImageChops

GRAY_BITS = {"L;2": 2, "L;4": 4, "L": 8}


def equals(image: Image.Image, values: Sequence[int]) -> Image.Image:
    """Return a mask, 255 where all of an 8-bit image's channels have these values."""
    bands = zip(image.split(), values, strict=True)
    masks = (band.point([255 * (level == value) for level in range(256)]) for band, value in bands)
    return functools.reduce(ImageChops.darker, masks)


def apply_colour_key(image: Image.Image, raw_mode: str, file: io.BytesIO) -> Image.Image:
    """Return the image with 8 bits a channel, and with alpha where a PNG names one colour as transparent.

    The colour is given in the file's own bit depth, and all bits of a sample count:
    https://www.w3.org/TR/png-3/#11tRNS. Pillow compares what it has brought to 8 bits.
    """
    key = image.info.get("transparency")
    if image.mode == "I" or image.mode.startswith("I;16"):
        samples = image.convert("I")
        image = samples.point([value >> 8 for value in range(65536)], "L")
        if isinstance(key, int):
            image.putalpha(samples.point([255 * (value != key) for value in range(65536)], "L"))
    elif raw_mode == "RGB;16B" and isinstance(key, tuple):
        file.seek(0)
        with Image.open(file, formats=["PNG"]) as low:
            # The same samples as if the last of their two bytes were the first, of which Pillow keeps eight bits.
            low.tile = [tile._replace(args="RGB;16L") for tile in low.tile]
            low.load()
            same = equals(low, [value & 0xFF for value in key])
        transparent = ImageChops.darker(same, equals(image, [value >> 8 for value in key]))
        image.putalpha(ImageChops.invert(transparent))
    elif raw_mode in GRAY_BITS and isinstance(key, int):
        highest = (1 << GRAY_BITS[raw_mode]) - 1
        image.info["transparency"] = (key & highest) * 255 // highest
    return image


def over_white(image: Image.Image) -> Image.Image:
    """Return the picture in RGB; what is transparent shows white."""
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")
