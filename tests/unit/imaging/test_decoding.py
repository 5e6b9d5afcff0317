"""What becomes of pictures: damaged ones, transparent ones, and those of unusual depth."""

import contextlib
import io
import zlib

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from imaging.decoding import squash
from imaging.errors import InvalidImage
from imaging.still import FORMATS, LIBRARY_FORMATS
from tests.hostile_images import chunk, png, profile
from tests.images import encoded, gradient

KINDS = [*FORMATS, "MPO", "TIFF", "AVIF"]
WHITE = [255, 255, 255]


def pixels(data: bytes, side: int = 16) -> NDArray[np.int64]:
    return np.asarray(squash(data, side)[0], dtype=np.int64)


ODD = {
    "a GIF that ends in a block without a kind": bytes.fromhex(
        "4749463837610100010081000000000000000000000000000000" + "2c000000000100010000080400010404" + "0021"
    ),
    "a GIF cut in its extension": bytes.fromhex(
        "474946383761010001008100000000000000000000000000002c000000000100010000080400010404" + "0021"
    ),
    "an empty profile behind the pixels": png(np.zeros((4, 4)), 8, 0, after=chunk(b"iCCP", b"")),
    "a short profile behind the pixels": png(np.zeros((4, 4)), 8, 0, after=chunk(b"iCCP", b"x\0")),
    "an empty profile before the pixels": png(np.zeros((4, 4)), 8, 0, chunk(b"iCCP", b"")),
    "a colour key of one byte": png(np.zeros((4, 4)), 8, 0, chunk(b"tRNS", b"\0")),
    "a colour key for gray in a picture of colours": png(np.zeros((4, 4, 3)), 16, 2, chunk(b"tRNS", b"\0\0")),
    "pixels that end early": png(np.zeros((4, 4)), 8, 0)[:-30],
}


@pytest.mark.parametrize("name", ODD)
@pytest.mark.drill("Hostile files")
def test_a_picture_that_no_decoder_expects_is_invalid_or_read_and_never_another_error(name: str) -> None:
    with contextlib.suppress(InvalidImage):
        squash(ODD[name], 32)


def test_the_same_profile_many_times_does_no_harm() -> None:
    assert (pixels(png(np.full((4, 4), 7), 8, 0, profile(1_000) * 50)) == 7).all()


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
def test_the_transparent_gray_shows_white_at_every_depth_and_its_neighbours_do_not(depth: int) -> None:
    highest = (1 << depth) - 1
    for key in {0, 1, highest // 2, highest - 1, highest} & set(range(highest + 1)):
        other = key - 1 if key else 1
        data = png(np.full((16, 16), key), depth, 0, chunk(b"tRNS", key.to_bytes(2, "big")))
        assert (pixels(data) == 255).all()
        data = png(np.full((16, 16), other), depth, 0, chunk(b"tRNS", key.to_bytes(2, "big")))
        level = other >> 8 if depth == 16 else other * 255 // highest
        assert (pixels(data) == level).all()


def test_sixteen_bits_of_gray_are_compared_in_full() -> None:
    data = png(np.full((16, 16), 0x8000), 16, 0, chunk(b"tRNS", b"\x00\x80"))
    assert (pixels(data) == 128).all()


@pytest.mark.parametrize("depth", [8, 16])
def test_the_transparent_colour_shows_white_and_one_bit_beside_it_does_not(depth: int) -> None:
    highest = (1 << depth) - 1
    key = np.array([5, highest, highest // 3])
    trns = chunk(b"tRNS", key.astype(">u2").tobytes())
    assert (pixels(png(np.broadcast_to(key, (16, 16, 3)), depth, 2, trns)) == 255).all()
    for channel in range(3):
        beside = key.copy()
        beside[channel] ^= 1
        levels = beside >> (depth - 8)
        assert (pixels(png(np.broadcast_to(beside, (16, 16, 3)), depth, 2, trns)) == levels).all()


def test_a_colour_key_marks_single_pixels_before_the_picture_is_scaled() -> None:
    samples = np.zeros((32, 32, 3), dtype=np.int64)
    samples[::2] = 0x1234
    data = png(samples, 16, 2, chunk(b"tRNS", b"\x12\x34" * 3))
    half = pixels(data)[4:-4, 4:-4]
    assert abs(half.mean() - 127.5) < 8


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_transparent_picture_is_turned_as_its_exif_says(orientation: int) -> None:
    upright = np.zeros((16, 16), dtype=np.int64)
    upright[:4, :8] = 9
    exif = Image.Exif()
    exif[0x0112] = orientation
    body = exif.tobytes().removeprefix(b"Exif\0\0")
    plain = png(upright, 16, 0, chunk(b"eXIf", body))
    keyed = png(upright, 16, 0, chunk(b"tRNS", b"\0\x09"), chunk(b"eXIf", body))
    white = (pixels(keyed) == 255).all(2)
    assert white.sum() == 32
    assert (pixels(plain) == 0).all()
    places = {1: (0, 0), 2: (0, 15), 3: (15, 15), 4: (15, 0), 5: (0, 0), 6: (0, 15), 7: (15, 15), 8: (15, 0)}
    assert white[places[orientation]]


@pytest.mark.parametrize("kind", ["BMP", "GIF", "JPEG", "PNG", "WEBP"])
def test_a_large_picture_comes_out_as_a_plain_resize_would_give_it(kind: str) -> None:
    data = encoded(gradient(800, 600), kind)
    with Image.open(io.BytesIO(data)) as image:
        plain = np.asarray(image.convert("RGB").resize((32, 32), Image.Resampling.LANCZOS), dtype=np.int64)
    assert np.abs(pixels(data, 32) - plain).max() <= 4


@pytest.mark.parametrize("kind", KINDS)
def test_bytes_changed_at_random_give_a_picture_or_an_invalid_one_never_another_error(kind: str) -> None:
    rng = np.random.default_rng(zlib.crc32(kind.encode()))
    original = np.frombuffer(encoded(gradient(), kind, **({"save_all": True} if kind == "MPO" else {})), np.uint8)
    # Each of the last ones is decoded in a process of its own.
    for _ in range(5 if kind in LIBRARY_FORMATS else 60):
        damaged = original.copy()
        damaged[rng.integers(len(damaged), size=3)] = rng.integers(256, size=3)
        try:
            squash(damaged.tobytes(), 32)
        except InvalidImage:
            continue
