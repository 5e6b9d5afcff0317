"""Decoding: every kind of PNG and JPEG becomes RGB; what isn't one is an ImageError."""

import io
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from classifier.errors import ImageError
from classifier.images import MAX_PIXELS
from classifier.images import decode as decode_by

SIDE = 16
RESAMPLINGS = (Image.Resampling.LANCZOS, Image.Resampling.BICUBIC)


def decode(data: bytes, resampling: Image.Resampling = RESAMPLINGS[0]) -> NDArray[np.uint8]:
    return decode_by(data, SIDE, resampling)


def encode(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def filled(mode: str, colour: Any, side: int = SIDE) -> Image.Image:
    return Image.new(mode, (side, side), colour)


@pytest.mark.parametrize(
    ("image", "kind", "rgb"),
    [
        (filled("RGB", (10, 20, 30)), "PNG", (10, 20, 30)),
        (filled("L", 77), "PNG", (77, 77, 77)),
        (filled("1", 1), "PNG", (255, 255, 255)),
        (filled("P", 0), "PNG", (0, 0, 0)),
        (filled("I;16", 257 * 100), "PNG", (100, 100, 100)),
        (filled("RGBA", (200, 100, 0, 0)), "PNG", (255, 255, 255)),
        (filled("RGBA", (0, 0, 0, 51)), "PNG", (204, 204, 204)),
        (filled("LA", (0, 0)), "PNG", (255, 255, 255)),
        (filled("L", 128), "JPEG", (128, 128, 128)),
        (filled("CMYK", (0, 0, 0, 0)), "JPEG", (255, 255, 255)),
    ],
    ids=lambda value: value.mode if isinstance(value, Image.Image) else None,
)
def test_every_mode_becomes_rgb(image: Image.Image, kind: str, rgb: tuple[int, int, int]) -> None:
    pixels = decode(encode(image, kind))
    assert pixels.dtype == np.uint8
    np.testing.assert_array_equal(pixels, np.broadcast_to(rgb, (SIDE, SIDE, 3)))


def test_a_palette_with_a_transparent_colour_is_flattened_over_white() -> None:
    pixels = decode(encode(filled("P", 0), transparency=0))
    assert (pixels == 255).all()


@pytest.mark.parametrize("resampling", RESAMPLINGS)
def test_another_size_is_squashed(resampling: Image.Resampling) -> None:
    wide = Image.fromarray(np.repeat([[0] * 30 + [255] * 30], 20, axis=0).astype(np.uint8))
    pixels = decode(encode(wide), resampling)
    assert pixels.shape == (SIDE, SIDE, 3)
    assert pixels[:, :5].max() < 30
    assert pixels[:, -5:].min() > 225


def test_the_orientation_a_camera_noted_is_applied() -> None:
    image = filled("L", 0)
    image.paste(255, (0, 0, SIDE, SIDE // 2))
    exif = Image.Exif()
    exif[0x0112] = 3
    pixels = decode(encode(image, exif=exif))
    assert pixels[0].max() == 0
    assert pixels[-1].min() == 255


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"neither of the two", "not a PNG or JPEG"),
        (encode(filled("RGB", (1, 2, 3)), "GIF"), "not a PNG or JPEG"),
        (encode(Image.effect_noise((64, 64), 50))[:-200], "damaged"),
        (encode(Image.effect_noise((64, 64), 50), "JPEG")[:-200], "damaged"),
        (encode(filled("RGB", 0))[:20], "not a PNG or JPEG|damaged"),
    ],
    ids=["empty", "text", "gif", "truncated-png", "truncated-jpeg", "header-only"],
)
def test_what_is_no_whole_image_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(ImageError, match=reason):
        decode(data)


def test_too_many_pixels_are_refused_before_they_are_decoded() -> None:
    width = MAX_PIXELS // 1000 + 1
    with pytest.raises(ImageError, match=f"{width} x 1000 pixels"):
        decode(encode(Image.new("1", (width, 1000))))


def test_the_most_pixels_allowed_are_read() -> None:
    assert decode(encode(Image.new("1", (MAX_PIXELS // 1000, 1000)))).shape == (SIDE, SIDE, 3)
