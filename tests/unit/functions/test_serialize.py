import base64
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
import numpy as np
import pytest
from moto import mock_aws
from PIL import Image

from functions.serialize import app
from imaging.decoding import model_input
from imaging.errors import ImageTooLarge, InvalidImage
from tests.images import decoded, encoded, gradient
from tests.messages import exactly

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "bucket"


@pytest.fixture
def s3() -> "Iterator[S3Client]":
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        yield client


def given(data: bytes, max_side: int = 32) -> bytes:
    return model_input(data, max_side, exact=False).png


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(decoded(data), dtype=int)


@pytest.mark.parametrize("side", ["16", "32", "224"])
@pytest.mark.parametrize(("fit", "exact"), [("bounded", False), ("exact", True)])
def test_the_longest_side_may_be_from_16_to_224_and_the_fit_bounded_or_exact(side: str, fit: str, exact: bool) -> None:
    assert app.settings_of({"MAX_SIDE": side, "IMAGE_FIT": fit}) == app.Settings(int(side), exact)


@pytest.mark.parametrize("side", [None, "", "0", "15", "225", "-32", "32.0", "NaN", "²"])
def test_a_bad_longest_side_is_refused_by_the_variables_name(side: str | None) -> None:
    message = f"MAX_SIDE must be a whole number from 16 to 224, not {side or ''!r}."
    with pytest.raises(app.ConfigurationError, match=exactly(message)):
        app.settings_of({"IMAGE_FIT": "exact"} | ({} if side is None else {"MAX_SIDE": side}))


@pytest.mark.parametrize("fit", [None, "", "Exact", "squashed"])
def test_a_bad_fit_is_refused_by_the_variables_name(fit: str | None) -> None:
    with pytest.raises(
        app.ConfigurationError, match=exactly(f"IMAGE_FIT must be bounded or exact, not {fit or ''!r}.")
    ):
        app.settings_of({"MAX_SIDE": "224"} | ({} if fit is None else {"IMAGE_FIT": fit}))


NO_OBJECT = "The event must be an object with s3_bucket and s3_key."
NO_BUCKET = "The event must have s3_bucket, a non-empty string."
NO_KEY = "The event must have s3_key, a non-empty string."


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (None, NO_OBJECT),
        ([], NO_OBJECT),
        ("text", NO_OBJECT),
        ({}, NO_BUCKET),
        ({"s3_bucket": "b"}, NO_KEY),
        ({"s3_key": "k"}, NO_BUCKET),
        ({"s3_bucket": "", "s3_key": "k"}, NO_BUCKET),
        ({"s3_bucket": 1, "s3_key": "k"}, NO_BUCKET),
        ({"s3_bucket": "b", "s3_key": "k", "s3_version_id": 1}, "s3_version_id must be a string."),
    ],
)
def test_an_event_that_names_no_object_is_invalid(event: object, message: str) -> None:
    with pytest.raises(app.InvalidEvent, match=exactly(message)):
        app.location_of(event)


@pytest.mark.parametrize("character", ["\n", "\r", "\0", "\x1f", "\x7f"])
@pytest.mark.parametrize("name", ["s3_bucket", "s3_key"])
def test_a_name_with_a_control_character_is_invalid(name: str, character: str) -> None:
    event = {"s3_bucket": "bucket", "s3_key": "key"} | {name: f"a{character}b"}
    with pytest.raises(app.InvalidEvent, match=f"{name} holds a control character"):
        app.location_of(event)


@pytest.mark.parametrize(("bucket", "key"), [("a b", "k"), ("ab\u00fc", "k"), (BUCKET, "\ud800")])
def test_what_no_object_can_be_called_is_an_invalid_event(s3: "S3Client", bucket: str, key: str) -> None:
    with pytest.raises(app.InvalidEvent, match="no possible object"):
        app.read_object(s3, app.Location(bucket, key))


def test_an_older_callers_image_data_is_ignored_and_an_empty_version_is_none() -> None:
    event = {"image_data": "", "s3_bucket": "b", "s3_key": "k", "s3_version_id": ""}
    assert app.location_of(event) == app.Location("b", "k", None)


def test_the_version_that_the_event_pins_is_read(s3: "S3Client") -> None:
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket=BUCKET, Key="k", Body=b"first")["VersionId"]
    s3.put_object(Bucket=BUCKET, Key="k", Body=b"second")
    data, version = app.read_object(s3, app.Location(BUCKET, "k", first))
    assert data == b"first"
    assert version["s3_version_id"] == first


@pytest.mark.parametrize(
    "location",
    [app.Location(BUCKET, "missing"), app.Location("no-such-bucket", "k"), app.Location(BUCKET, "k", "0" * 32)],
)
def test_what_does_not_exist_is_not_found(s3: "S3Client", location: app.Location) -> None:
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=BUCKET, Key="k", Body=b"x")
    with pytest.raises(app.ImageNotFound, match="doesn't exist"):
        app.read_object(s3, location)


def test_an_object_over_the_byte_limit_is_refused_unread(s3: "S3Client", monkeypatch: pytest.MonkeyPatch) -> None:
    s3.put_object(Bucket=BUCKET, Key="k", Body=b"12345")
    monkeypatch.setattr(app, "MAX_BYTES", 5)
    assert app.read_object(s3, app.Location(BUCKET, "k"))[0] == b"12345"
    monkeypatch.setattr(app, "MAX_BYTES", 4)
    with pytest.raises(ImageTooLarge, match="5 bytes"):
        app.read_object(s3, app.Location(BUCKET, "k"))


@pytest.mark.parametrize("exact", [False, True])
def test_a_png_of_the_models_size_keeps_its_pixels(exact: bool) -> None:
    data = encoded(gradient())
    made = model_input(data, 32, exact=exact)
    assert (made.width, made.height) == (32, 32)
    assert np.array_equal(pixels(made.png), pixels(data))


@pytest.mark.parametrize("kind", ["AVIF", "BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize(("exact", "size"), [(False, (32, 20)), (True, (32, 32))])
def test_every_format_becomes_a_png_of_the_models_size(kind: str, exact: bool, size: tuple[int, int]) -> None:
    made = model_input(encoded(gradient(80, 50), kind), 32, exact=exact)
    image = decoded(made.png)
    assert (image.format, image.mode, image.size, made.width, made.height) == ("PNG", "RGB", size, 80, 50)


@pytest.mark.parametrize("kind", ["ICO", "PPM", "PDF", "JPEG2000"])
def test_a_format_that_is_not_taken_is_invalid(kind: str) -> None:
    with pytest.raises(InvalidImage):
        given(encoded(gradient(), kind))


def test_exif_orientation_is_applied_and_then_gone() -> None:
    upright = gradient(40, 20)
    exif = Image.Exif()
    exif[0x0112] = 6  # stored turned by 90 degrees; a viewer turns it clockwise
    data = encoded(upright.transpose(Image.Transpose.ROTATE_90), "PNG", exif=exif)
    png = given(data)
    assert np.abs(pixels(png) - pixels(given(encoded(upright)))).max() <= 1
    assert not decoded(png).getexif()


def test_transparency_is_laid_over_white() -> None:
    clear = Image.new("RGBA", (32, 32), (255, 0, 0, 0))
    assert pixels(given(encoded(clear))).min() == 255


def test_a_palette_with_a_transparent_entry_is_laid_over_white() -> None:
    image = Image.new("P", (32, 32), 0)
    image.putpalette([255, 0, 0, 0, 0, 255])
    data = encoded(image, "GIF", transparency=0)
    assert pixels(given(data)).min() == 255


def test_sixteen_bits_a_channel_are_scaled_and_not_clipped() -> None:
    image = Image.new("I;16", (32, 32), 0x8000)
    assert set(pixels(given(encoded(image))).ravel()) == {128}


def test_cmyk_becomes_rgb() -> None:
    png = given(encoded(Image.new("CMYK", (32, 32), (0, 255, 255, 0)), "JPEG"))
    red, green, blue = pixels(png)[16, 16]
    assert red > 200
    assert max(green, blue) < 60


def test_black_and_white_becomes_rgb() -> None:
    assert decoded(given(encoded(Image.new("1", (32, 32), 1)))).mode == "RGB"


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_an_animation_is_invalid(kind: str) -> None:
    frames = [gradient(), gradient().rotate(90)]
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
    with pytest.raises(InvalidImage, match="animated"):
        given(data)


def test_a_phones_photograph_with_a_preview_is_a_still_image() -> None:
    data = encoded(gradient(64, 48), "MPO", save_all=True, append_images=[gradient(32, 24)])
    made = model_input(data, 32, exact=False)
    assert (made.width, made.height) == (64, 48)


@pytest.mark.parametrize("kind", ["BMP", "GIF", "JPEG", "PNG", "WEBP"])
def test_a_file_cut_anywhere_is_invalid_or_whole(kind: str) -> None:
    data = encoded(gradient(40, 40), kind)
    whole = given(data)
    for length in range(0, len(data), max(1, len(data) // 60)):
        try:
            png = given(data[:length])
        except InvalidImage:
            continue
        # What lies behind the last pixel may be missing.
        assert png == whole


def test_damage_in_any_byte_is_an_invalid_image_or_a_picture_never_another_error() -> None:
    rng = np.random.default_rng(0)
    for kind in ("BMP", "GIF", "JPEG", "PNG", "WEBP"):
        original = np.frombuffer(encoded(gradient(), kind), np.uint8)
        for _ in range(150):
            damaged = original.copy()
            damaged[rng.integers(len(damaged), size=3)] = rng.integers(256, size=3)
            try:
                given(damaged.tobytes())
            except (InvalidImage, ImageTooLarge):
                continue


@pytest.mark.parametrize("data", [b"", b"hello", b"\x89PNG\r\n\x1a\n", b"<svg/>", b"\xff\xd8\xff"])
def test_what_is_no_image_is_invalid(data: bytes) -> None:
    with pytest.raises(InvalidImage, match=r"isn't a picture of a format|decoded"):
        given(data)


def test_what_else_a_file_carries_is_left_behind() -> None:
    polyglot = encoded(gradient()) + b"PK\x03\x04<script>alert(1)</script>"
    assert b"script" not in given(polyglot)


def test_a_photograph_of_twelve_megapixels_becomes_a_few_kilobytes() -> None:
    made = model_input(encoded(gradient(4000, 3000), "JPEG"), 224, exact=False)
    assert (made.width, made.height) == (4000, 3000)
    assert decoded(made.png).size == (224, 168)
    assert len(made.png) < 80_000


def test_the_worst_picture_passes_step_functions_limit_of_the_state() -> None:
    noise = Image.frombytes("RGB", (224, 224), os.urandom(224 * 224 * 3))
    png = given(encoded(noise), 224)
    assert len(base64.b64encode(png)) + 8_192 < 256 * 1024


def test_a_single_pixel_is_an_image() -> None:
    red = encoded(Image.new("RGB", (1, 1), "red"))
    assert decoded(given(red)).size == (1, 1)
    assert decoded(model_input(red, 32, exact=True).png).size == (32, 32)
