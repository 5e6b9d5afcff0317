"""Formats whose decoders take a whole file at once: TIFF, AVIF and HEIC, each decoded in a process of its own."""

import json
import struct
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from imaging import confined, still
from imaging.confined import DecoderFailed
from imaging.decoding import MAX_BYTES, bound, model_input
from imaging.errors import ImageTooLarge, InvalidImage
from imaging.still import format_of, library_format
from tests import hostile_images
from tests.images import HEIC, encoded, gradient


@pytest.mark.parametrize("way", [None, "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"])
def test_a_tiff_of_any_usual_compression_is_read(way: str | None) -> None:
    image, stored = bound(encoded(gradient(60, 40), "TIFF", compression=way), 224)
    assert stored == (60, 40)
    difference = np.abs(np.asarray(image, dtype=int) - np.asarray(gradient(60, 40), dtype=int))
    assert difference.max() <= (40 if way == "jpeg" else 0)


def test_sixteen_bits_and_four_inks_of_a_tiff_become_rgb() -> None:
    deep = Image.fromarray(np.full((8, 8), 0x8000, np.uint16))
    assert set(np.asarray(bound(encoded(deep, "TIFF"), 32)[0]).ravel()) == {128}
    red, green, blue = np.asarray(bound(encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "TIFF"), 32)[0])[0, 0]
    assert red > 200
    assert max(green, blue) < 60


@pytest.mark.parametrize("name", HEIC)
def test_a_photograph_of_a_telephone_is_read_upright(name: str) -> None:
    image, _ = bound(HEIC[name], 224)
    upright = gradient(48, 32)
    if name == "turned":
        upright = upright.transpose(Image.Transpose.ROTATE_270)
    assert image.size == upright.size
    if name == "alpha":
        assert np.asarray(image)[0].min() > 240
    else:
        assert np.abs(np.asarray(image, dtype=int) - np.asarray(upright, dtype=int)).max() <= 12


def test_a_heic_file_keeps_its_size_in_the_record() -> None:
    assert model_input(HEIC["plain"], 16, exact=False).width == 48


SEQUENCES = {
    "a TIFF of two pages": (encoded(gradient(), "TIFF", save_all=True, append_images=[gradient()]), "several pages"),
    "an AVIF of two frames": (
        encoded(gradient(), "AVIF", save_all=True, append_images=[gradient().rotate(90)]),
        "animated",
    ),
    "a HEIC sequence": (HEIC["plain"][:8] + b"hevc" + HEIC["plain"][12:], "animated"),
    "a preview": (encoded(gradient(), "TIFF", tiffinfo={254: 1}), "preview"),
    "floats": (encoded(Image.new("F", (8, 8)), "TIFF"), "32 bits"),
    "integers of 32 bits": (encoded(Image.new("I", (8, 8)), "TIFF"), "32 bits"),
}


@pytest.mark.parametrize("name", SEQUENCES)
def test_what_is_not_one_still_picture_is_refused_with_the_reason(name: str) -> None:
    data, reason = SEQUENCES[name]
    with pytest.raises(InvalidImage, match=reason):
        bound(data, 32)


@pytest.mark.parametrize("kind", ["TIFF", "AVIF", "HEIC"])
def test_a_file_that_is_cut_is_invalid(kind: str) -> None:
    data = HEIC["plain"] if kind == "HEIC" else encoded(gradient(40, 40), kind)
    for length in (12, 40, len(data) // 2, len(data) - 10):
        with pytest.raises(InvalidImage):
            bound(data[:length], 32)


def test_a_film_is_no_picture() -> None:
    with pytest.raises(InvalidImage, match=r"isn't a picture of a format that is taken: .*HEIC, TIFF"):
        bound(b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", 32)


@pytest.mark.parametrize(
    ("brands", "expected"),
    [
        (b"avif\0\0\0\0mif1", "AVIF"),
        (b"mif1\0\0\0\0avif", "AVIF"),
        (b"mif1\0\0\0\0heic", "HEIF"),
        (b"heic\0\0\0\0mif1", "HEIF"),
        (b"isom\0\0\0\0mp42", None),
    ],
)
def test_the_brand_of_a_file_tells_its_decoder(brands: bytes, expected: str | None) -> None:
    assert library_format(struct.pack(">I", 8 + len(brands)) + b"ftyp" + brands) == expected


def test_pixels_are_bounded_before_anything_is_decoded() -> None:
    large = hostile_images.tiff_of_size(10_000, 5_001)
    started = time.monotonic()
    with pytest.raises(ImageTooLarge, match="10000x5001 pixels; at most 50,000,000"):
        bound(large, 32)
    assert time.monotonic() - started < 10


def test_a_library_that_takes_too_long_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    # A tenth of the time, and so also of the time left to whoever waits for these tests.
    monkeypatch.setattr(still, "MAX_SECONDS", 0.4)
    data = encoded(Image.new("RGB", (7_000, 7_000)), "TIFF", compression="tiff_lzw")
    assert len(data) < MAX_BYTES
    with pytest.raises(InvalidImage, match=r"takes more than 0\.4 s of processor time"):
        bound(data, 32)


def test_a_tiff_of_scans_by_the_thousand_is_invalid() -> None:
    started = time.monotonic()
    with pytest.raises(InvalidImage, match=r"decoded|processor time"):
        bound(hostile_images.tiff_of_empty_scans(4_000, 2_000), 32)
    assert time.monotonic() - started < 30


def test_a_library_that_takes_too_much_memory_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encoded(Image.new("RGBA", (5_000, 5_000)), "TIFF", compression="tiff_lzw")
    assert bound(data, 32)[1] == (5_000, 5_000)
    monkeypatch.setattr(confined, "MAX_MEMORY", 300_000_000)
    with pytest.raises((ImageTooLarge, InvalidImage), match=r"memory|decoded"):
        bound(data, 32)


@pytest.mark.parametrize(
    ("ending", "error", "message"),
    [
        ("os.kill(os.getpid(), 11)", InvalidImage, "its decoder crashed"),
        ("os.kill(os.getpid(), 9)", DecoderFailed, "ended with -9"),
        ("raise SystemExit(3)", DecoderFailed, "ended with 3"),
        ("import no_such_module", DecoderFailed, "No module named 'no_such_module'"),
        ("pass", DecoderFailed, "ended with 0"),
    ],
)
def test_a_decoder_that_crashes_is_the_pictures_fault_and_any_other_end_is_not(
    ending: str,
    error: type[Exception],
    message: str,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    package = tmp_path_factory.mktemp("path") / "imaging"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "confined.py").write_text(f"import os\n{ending}\n")
    monkeypatch.syspath_prepend(package.parent)
    with pytest.raises(error, match=message):
        bound(HEIC["plain"], 32)


def test_a_kernel_that_refuses_a_limit_on_memory_is_not_asked_for_one() -> None:
    as_on_macos = (
        "import resource, sys; sys.platform = 'darwin'; del resource.setrlimit;"
        f"sys.argv = ['confined', 'bound', '32', '9', '{confined.MAX_MEMORY}'];"
        "from imaging.confined import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", as_on_macos], input=HEIC["plain"], capture_output=True, check=True)
    assert "size" in json.loads(done.stdout.partition(b"\n")[0])


@pytest.mark.parametrize("kind", ["AVIF", "BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP"])
def test_the_format_of_a_picture_is_named(kind: str) -> None:
    assert format_of(encoded(gradient(), kind)) == kind
    assert format_of(HEIC["plain"]) == "HEIF"
