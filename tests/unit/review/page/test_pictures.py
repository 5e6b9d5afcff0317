import io

import numpy as np
import pytest
from PIL import ExifTags, Image

from imaging.errors import InvalidImage
from review.page.pictures import LARGEST_SIDE, THUMBNAIL_SIDE, Picture, full_size, thumbnail

TURNED = 6


def picture(mode: str = "RGB", size: tuple[int, int] = (40, 30)) -> Image.Image:
    """A picture that is dark on the left and bright on the right."""
    levels = np.tile(np.linspace(0, 255, size[0], dtype=np.uint8), (size[1], 1))
    return Image.fromarray(levels).convert(mode)


def file(image: Image.Image, kind: str, orientation: int | None = None) -> bytes:
    exif = Image.Exif()
    if orientation:
        exif[ExifTags.Base.Orientation] = orientation
    buffer = io.BytesIO()
    image.save(buffer, kind, **({"exif": exif} if orientation else {}))
    return buffer.getvalue()


def opened(shown: Picture) -> Image.Image:
    image = Image.open(io.BytesIO(shown.data))
    image.load()
    return image


@pytest.mark.parametrize(
    ("kind", "media_type"),
    [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("GIF", "image/gif"), ("WEBP", "image/webp"), ("BMP", "image/bmp")],
)
def test_what_browsers_show_is_sent_as_it_is_stored(kind: str, media_type: str) -> None:
    data = file(picture(), kind)
    assert full_size(data) == Picture(data, media_type)


def test_a_photograph_that_a_camera_turned_is_sent_as_it_is_because_browsers_turn_it() -> None:
    data = file(picture(), "JPEG", TURNED)
    assert full_size(data) == Picture(data, "image/jpeg")


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_what_only_some_browsers_turn_upright_is_sent_upright(kind: str) -> None:
    shown = full_size(file(picture(), kind, TURNED))
    assert shown.media_type == "image/jpeg"
    assert opened(shown).size == (30, 40)


@pytest.mark.parametrize("kind", ["TIFF", "AVIF"])
def test_what_some_browsers_dont_show_is_sent_as_a_jpeg_that_all_of_them_do(kind: str) -> None:
    shown = full_size(file(picture(), kind))
    assert shown.media_type == "image/jpeg"
    levels = np.asarray(opened(shown), dtype=int)
    assert np.abs(levels - np.asarray(picture(), dtype=int)).max() <= 12


def test_colours_for_print_are_sent_as_colours_for_screens() -> None:
    shown = opened(full_size(file(picture("CMYK"), "JPEG")))
    assert (shown.mode, shown.size) == ("RGB", (40, 30))


def test_a_picture_of_more_pixels_than_a_browser_should_hold_is_made_smaller() -> None:
    assert opened(full_size(file(picture("L", (LARGEST_SIDE + 1, 20)), "PNG"))).size == (LARGEST_SIDE, 20)
    data = file(picture("L", (LARGEST_SIDE, 20)), "PNG")
    assert full_size(data).data == data


def test_a_thumbnail_is_small_and_upright() -> None:
    small = opened(thumbnail(file(picture("RGB", (960, 480)), "JPEG", TURNED)))
    assert small.size == (THUMBNAIL_SIDE // 2, THUMBNAIL_SIDE)
    assert opened(thumbnail(file(picture(), "PNG"))).size == (40, 30)


@pytest.mark.parametrize("data", [b"", b"<svg onload='alert(1)'/>", b"\x89PNG\r\n\x1a\n", b"GIF89a"])
def test_what_is_no_picture_is_refused_and_never_sent(data: bytes) -> None:
    with pytest.raises(InvalidImage):
        full_size(data)
