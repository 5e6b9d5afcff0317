"""Pictures that cost a decoder far more than their bytes say end within the bounds of time and memory, by name."""

import multiprocessing
import time
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from imaging import still
from imaging.decoding import MAX_BYTES, squash
from imaging.errors import ImageTooLarge, InvalidImage
from imaging.still import MAX_SECONDS, BoundedReader
from tests import hostile_images
from tests.images import encoded, gradient
from tests.memory import peak_memory

NEARLY_ALL = MAX_BYTES - 4_096
COSTLY: dict[str, Callable[[], bytes]] = {
    "13,000 empty scans": lambda: hostile_images.progressive_with_empty_scans(13_000, 2_000),
    "profiles of 7.5 MB": lambda: hostile_images.png_of_profiles(7_500_000),
    "profiles of 20 MB": lambda: hostile_images.png_of_profiles(NEARLY_ALL),
    "chunks that hold nothing": lambda: hostile_images.png_of_empty_chunks(NEARLY_ALL),
    "a comment in blocks of one byte": lambda: hostile_images.gif_of_tiny_comments(NEARLY_ALL),
    "comments before the picture": lambda: hostile_images.gif_of_comments_before_the_picture(NEARLY_ALL),
    "segments that hold nothing": lambda: hostile_images.jpeg_of_empty_segments(NEARLY_ALL),
    "runs of one pixel": lambda: hostile_images.bmp_of_short_runs(8_000_000),
}


@pytest.mark.parametrize("name", COSTLY)
@pytest.mark.drill("Hostile files")
def test_a_picture_that_takes_too_long_is_invalid_within_five_seconds(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A tenth of the time, and so also of the time left to whoever waits for these tests.
    monkeypatch.setattr(still, "MAX_SECONDS", MAX_SECONDS / 10)
    data = COSTLY[name]()
    assert len(data) <= MAX_BYTES
    started = time.thread_time()
    with pytest.raises(InvalidImage, match=r"processor time|scans"):
        squash(data, 32)
    assert time.thread_time() - started < MAX_SECONDS / 10 + 1


def test_a_reader_gives_all_bytes_until_the_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = BoundedReader(b"abc")
    assert (reader.read(1), reader.read(), reader.read()) == (b"a", b"bc", b"")
    monkeypatch.setattr(still, "MAX_SECONDS", -1.0)
    with pytest.raises(InvalidImage, match="-1 s of processor time"):
        BoundedReader(b"abc").read()


@pytest.mark.parametrize("scans", [30, 31])
def test_scans_are_bounded_by_the_pixels_that_they_visit(monkeypatch: pytest.MonkeyPatch, scans: int) -> None:
    data = hostile_images.progressive_with_empty_scans(0, 100)
    own = data.count(still.START_OF_SCAN)
    data = hostile_images.progressive_with_empty_scans(scans - own, 100)
    monkeypatch.setattr(still, "MAX_SCANNED_PIXELS", 30 * 100 * 100)
    if scans > 30:
        with pytest.raises(InvalidImage, match="31 scans, too many"):
            squash(data, 32)
    else:
        assert squash(data, 32)[1] == (100, 100)


@pytest.mark.parametrize(("width", "height"), [(50_000_000, 1), (4_000_001, 1), (2_001, 2_000)])
def test_a_run_length_encoded_picture_may_not_be_large(width: int, height: int) -> None:
    # A line that ends at once: 20 bytes, and a loop over all of its pixels.
    data = hostile_images.run_length_bmp(width, height, b"\x01\x01\0\0\0\x01")
    started = time.thread_time()
    with pytest.raises(ImageTooLarge, match="a run-length-encoded BMP may have 4,000,000"):
        squash(data, 32)
    assert time.thread_time() - started < 0.2


def test_a_run_length_encoded_picture_of_the_most_pixels_is_read_in_time() -> None:
    started = time.thread_time()
    assert squash(hostile_images.run_length_bmp(4_000_000, 1, b"\x01\x01\0\0\0\x01"), 32)[1] == (4_000_000, 1)
    assert time.thread_time() - started < 3


def test_a_photograph_followed_by_a_film_is_taken() -> None:
    # Phones write a film of some megabytes behind the picture, in which a start of scan occurs at random.
    film = np.random.default_rng(0).integers(0, 256, 6_000_000, dtype=np.uint8).tobytes()
    data = encoded(gradient(4_000, 3_000), "JPEG", progressive=True) + film
    assert data.count(still.START_OF_SCAN) > 50
    assert squash(data, 32)[1] == (4_000, 3_000)


def peak_of(data: bytes, answer: "multiprocessing.connection.Connection") -> None:
    squash(data, 224)
    answer.send(peak_memory())


def test_the_largest_picture_that_is_taken_stays_below_a_gigabyte() -> None:
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=peak_of, args=(hostile_images.largest_png(), sender))
    process.start()
    assert receiver.poll(60)
    peak = receiver.recv()
    process.join()
    assert 200_000_000 < peak < 1_000_000_000


@pytest.mark.parametrize(("width", "height"), [(60_000, 60_000), (2**31 - 1, 2**31 - 1), (still.MAX_PIXELS + 1, 1)])
def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(width: int, height: int) -> None:
    with pytest.raises(ImageTooLarge, match="pixels"):
        squash(hostile_images.png_of_size(width, height), 32)


def test_a_picture_of_exactly_the_most_pixels_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(still, "MAX_PIXELS", 600)
    assert squash(encoded(gradient(30, 20)), 32)[1] == (30, 20)
    monkeypatch.setattr(still, "MAX_PIXELS", 599)
    with pytest.raises(ImageTooLarge, match="30x20 pixels; at most 599"):
        squash(encoded(gradient(30, 20)), 32)


def test_a_lack_of_memory_is_no_fault_of_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(Image, "open", fail)
    with pytest.raises(MemoryError):
        squash(encoded(gradient()), 32)
