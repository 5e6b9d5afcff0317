"""Pictures bounded to a longest side: upright, never enlarged, and the same bytes for everyone."""

import io

import numpy as np
import pytest
from PIL import Image

from imaging.decoding import bound, model_input, squash
from imaging.fitting import bounded_size
from tests.images import decoded, encoded, gradient


@pytest.mark.parametrize(
    ("size", "max_side", "bounded"),
    [
        ((32, 32), 224, (32, 32)),
        ((224, 224), 224, (224, 224)),
        ((225, 224), 224, (224, 223)),
        ((4000, 3000), 224, (224, 168)),
        ((3000, 4000), 224, (168, 224)),
        ((1, 5000), 224, (1, 224)),
        ((5000, 9), 16, (16, 1)),
        ((1, 1), 16, (1, 1)),
    ],
)
def test_the_longest_side_is_bounded_and_the_aspect_kept(
    size: tuple[int, int], max_side: int, bounded: tuple[int, int]
) -> None:
    assert bounded_size(size, max_side) == bounded


@pytest.mark.parametrize("size", [(32, 32), (1, 1), (224, 3), (97, 224)])
def test_a_picture_that_is_small_enough_keeps_its_very_pixels(size: tuple[int, int]) -> None:
    picture = gradient(*size)
    image, stored = bound(encoded(picture), 224)
    assert np.array_equal(np.asarray(image), np.asarray(picture))
    assert stored == size


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_a_turned_picture_is_bounded_as_it_is_seen(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = gradient(900, 300)
    image, _ = bound(encoded(picture, kind, exif=exif), 96)
    assert image.size == ((32, 96) if orientation > 4 else (96, 32))
    corner = {1: 0, 2: 1, 3: 3, 4: 2, 5: 0, 6: 1, 7: 3, 8: 2}[orientation]
    seen = np.asarray(image, dtype=np.int64)
    first = np.asarray(picture, dtype=np.int64)[28, 28]
    distances = [np.abs(seen[place] - first).max() for place in ((3, 3), (3, -4), (-4, 3), (-4, -4))]
    assert int(np.argmin(distances)) == corner


@pytest.mark.parametrize("size", [(449, 447), (447, 449), (1000, 999), (1799, 1801), (5000, 37)])
def test_a_jpeg_that_is_read_smaller_comes_out_as_a_plain_resize_would_give_it(size: tuple[int, int]) -> None:
    data = encoded(gradient(*size), "JPEG", quality=95)
    image, stored = bound(data, 224)
    wanted = bounded_size(size, 224)
    with Image.open(io.BytesIO(data)) as whole:
        plain = np.asarray(whole.resize(wanted, Image.Resampling.LANCZOS), dtype=np.int64)
    assert (image.size, stored) == (wanted, size)
    assert np.abs(np.asarray(image, dtype=np.int64) - plain).max() <= 8


@pytest.mark.parametrize("exact", [False, True])
def test_what_the_model_is_given_is_given_again_unchanged(exact: bool) -> None:
    once = model_input(encoded(gradient(500, 400), "JPEG"), 96, exact=exact).png
    assert model_input(once, 96, exact=exact).png == once
    assert decoded(once).size == ((96, 96) if exact else (96, 77))


def test_a_squashed_picture_is_enlarged_and_a_bounded_one_is_not() -> None:
    data = encoded(gradient(20, 10))
    assert (squash(data, 64)[0].size, bound(data, 64)[0].size) == ((64, 64), (20, 10))
