"""Change pictures at random and decode them, each change by its number: `python -m tests.fuzzing COUNT [FIRST]`.

Decoding happens in a process of its own with bounds on memory and time, so that also a crash of a decoder is a finding.
Ends with 1 where a change leads to anything but a picture or a refusal by name, within SECONDS and MEMORY.
"""

import multiprocessing
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pi_heif import register_heif_opener
from PIL import Image

from imaging import still
from imaging.errors import ImageTooLarge, InvalidImage
from tests.hostile_images import chunk, png
from tests.images import HEIC, encoded, gradient
from tests.memory import peak_memory

sys.path.insert(0, str(Path(__file__).parents[1] / "training/algorithms/mirror_ridge"))
from classifier.errors import ImageError
from classifier.images import decode

SECONDS = 2.0
MEMORY = 1_500_000_000
IN_ONE_PROCESS = 500
EXTREMES = [b"\0", b"\xff", b"\x7f", b"\x80", b"\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff"]


@dataclass(frozen=True)
class Finding:
    """A change after which decoding did something that it must not: its number, and what happened."""

    number: int
    what: str


def originals() -> list[bytes]:
    """Return pictures of all formats that are taken, small enough that a change often hits what matters."""
    picture, exif = gradient(24, 17), Image.Exif()
    exif[0x0112] = 6
    gray, keyed = np.arange(272).reshape(17, 16) % 16, chunk(b"tRNS", b"\0\x05")
    files = [
        encoded(picture, "BMP"),
        encoded(picture.quantize(16), "BMP"),
        encoded(picture, "GIF"),
        encoded(picture, "JPEG", exif=exif),
        encoded(picture, "JPEG", progressive=True),
        encoded(picture.convert("CMYK"), "JPEG"),
        encoded(picture, "PNG", exif=exif),
        encoded(picture.quantize(16), "PNG", transparency=3),
        png(gray, 4, 0, keyed),
        png(gray * 4_000, 16, 0, keyed),
        png(np.stack([gray] * 3, 2), 16, 2, chunk(b"tRNS", b"\0\x05" * 3)),
        encoded(picture, "WEBP"),
        encoded(picture, "WEBP", lossless=True, exif=exif),
        encoded(picture, "MPO", save_all=True, append_images=[picture.resize((8, 8))]),
    ]
    files += [encoded(picture, "TIFF", compression=way) for way in (None, "tiff_lzw", "jpeg", "packbits")]
    files += [encoded(picture, "AVIF", exif=exif), HEIC["turned"], HEIC["alpha"]]
    return [*files, _rle_bmp()]


def _rle_bmp() -> bytes:
    """Return a BMP of runs, which Pillow reads and doesn't write."""
    plain = bytearray(encoded(Image.new("P", (4, 2), 1), "BMP"))
    start = int.from_bytes(plain[10:14], "little")
    plain[30:34] = (1).to_bytes(4, "little")
    return bytes(plain[:start]) + b"\x04\x01\0\0\x04\x01\0\0\0\x01"


def changed(number: int, files: list[bytes]) -> bytes:
    """Return a picture with the changes that a number stands for."""
    rng = np.random.default_rng(number)
    data = bytearray(files[rng.integers(len(files))])
    for _ in range(rng.integers(1, 6)):
        place = int(rng.integers(len(data))) if data else 0
        length = int(rng.integers(1, 33))
        match int(rng.integers(7)):
            case 0:
                data[place : place + 1] = bytes([int(rng.integers(256))])
            case 1:
                extreme = EXTREMES[rng.integers(len(EXTREMES))]
                data[place : place + len(extreme)] = extreme
            case 2:
                del data[place : place + length]
            case 3:
                data[place:place] = data[place : place + length] * int(rng.integers(1, 50))
            case 4:
                data[place:place] = rng.integers(0, 256, length, dtype=np.uint8).tobytes()
            case 5:
                other = files[rng.integers(len(files))]
                data[place:] = other[int(rng.integers(len(other))) :]
            case _:
                del data[place:]
    return bytes(data)


def _read(data: bytes, side: int) -> NDArray[np.uint8]:
    return decode(data, side, Image.Resampling.BICUBIC)


def _decode(data: bytes, side: int) -> None:
    """Decode as `squash` does, but every format in this process, so that a crash of a library is a finding too."""
    kind = still.library_format(data)
    still.decode(data, "squash", side, (kind,) if kind else still.FORMATS)


def _decode_all(first: int, count: int, sender: Connection) -> None:
    """Send the number of each change before it is decoded, and what came of it after."""
    resource.setrlimit(resource.RLIMIT_AS, (4 * MEMORY, 4 * MEMORY))
    register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)
    files = originals()
    for number in range(first, first + count):
        sender.send(number)
        data = changed(number, files)
        began = time.thread_time()
        results = []
        for decoder, refusals in ((_decode, (InvalidImage, ImageTooLarge)), (_read, (ImageError,))):
            try:
                decoder(data, 32)
                results.append("a picture")
            except refusals:
                results.append("refused")
            except BaseException as error:  # noqa: BLE001 - whatever else comes is what this looks for
                results.append(f"{type(error).__name__}: {error}")
        sender.send((results, time.thread_time() - began, peak_memory()))
    sender.send(None)


def fuzz(count: int, first: int = 0) -> tuple[list[Finding], Counter[str]]:
    """Decode so many changed pictures; return what must not happen, and how often each good end came."""
    findings: list[Finding] = []
    ends: Counter[str] = Counter()
    at, last = first, first + count
    while at < last:
        for number, result in _results(at, min(IN_ONE_PROCESS, last - at)):
            bad = _complaints(result)
            findings += [Finding(number, what) for what in bad]
            ends.update(() if isinstance(result, str) or bad else result[0])
            at = number + 1
    return findings, ends


def _results(first: int, count: int) -> Iterator[tuple[int, "str | tuple[list[str], float, int]"]]:
    """Give each change's number and result; a process that crashes ends with the change that it was at."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_decode_all, args=(first, count, sender))
    process.start()
    sender.close()
    number = first
    try:
        while (number := receiver.recv()) is not None:
            if not receiver.poll(60):
                process.kill()
            yield number, receiver.recv()
    except EOFError:
        process.join()
        yield number, f"the process ended with {process.exitcode}"
    finally:
        process.kill()
        process.join()


def _complaints(result: "str | tuple[list[str], float, int]") -> list[str]:
    if isinstance(result, str):
        return [result]
    results, seconds, peak = result
    bad = [one for one in results if one not in {"a picture", "refused"}]
    bad += [f"took {seconds:.1f} s"] if seconds > SECONDS else []
    return bad + ([f"took {peak / 1e6:,.0f} MB"] if peak > MEMORY else [])


def main() -> int:
    """Print what was found; return how the process should end."""
    count, first = (int(text) for text in [*sys.argv[1:], "0"][:2])
    began = time.monotonic()
    findings, ends = fuzz(count, first)
    for finding in findings:
        folder = Path("out/fuzz")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{finding.number}.bin").write_bytes(changed(finding.number, originals()))
        print(f"{finding.number}: {finding.what}")  # noqa: T201
    said = ", ".join(f"{number:,} times {end}" for end, number in sorted(ends.items()))
    seconds = time.monotonic() - began
    print(f"{count:,} changed pictures by two decoders: {said}; {len(findings)} findings, {seconds:.0f} s")  # noqa: T201
    return min(len(findings), 1)


if __name__ == "__main__":
    sys.exit(main())
