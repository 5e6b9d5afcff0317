"""Builds archives in CIFAR-100's layout, byte for byte as Python 2 pickled them, and broken ones."""

import gzip
import io
import pickle
import struct
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

CLASSES = (b"apple", b"bicycle", b"motorcycle")
Pixels = NDArray[np.uint8]


def random_rows(count: int, seed: int = 0) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (count, 3072), dtype=np.uint8)


def python2_split(
    rows: Pixels, labels: Sequence[int], files: Sequence[bytes], *, dtype: bytes = b"u1", column_major: bool = False
) -> bytes:
    """Pickle a split as Python 2's protocol 2 does: strings as BINSTRING, the array through numpy.core."""
    shape = b"J" + struct.pack("<i", rows.shape[0]) + b"J" + struct.pack("<i", rows.shape[1]) + b"\x86"
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85" + _string(b"b") + b"tR"
        b"(K\x01" + shape + b"cnumpy\ndtype\n" + _string(dtype) + b"K\x00K\x01\x87R"
        b"(K\x03"
        + _string(b"|")
        + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        + (b"\x88" if column_major else b"\x89")
        + _string(rows.tobytes())
        + b"tb"
    )
    numbers = b"](" + b"".join(b"K" + bytes([label]) for label in labels) + b"e"
    names = b"](" + b"".join(map(_string, files)) + b"e"
    items = _string(b"data") + array + _string(b"fine_labels") + numbers + _string(b"filenames") + names
    return b"\x80\x02}(" + items + b"u."


def _string(text: bytes) -> bytes:
    return b"T" + struct.pack("<i", len(text)) + text


def members(train: bytes | None = None, test: bytes | None = None) -> dict[str, bytes]:
    """The archive's three members: 12 training and 6 test rows, the classes in turn."""
    return {
        "meta": pickle.dumps({b"fine_label_names": list(CLASSES)}, protocol=3),
        "train": train or _in_turn(random_rows(12, 1), b"train"),
        "test": test or _in_turn(random_rows(6, 2), b"test"),
    }


def _in_turn(rows: Pixels, name: bytes) -> bytes:
    numbers = range(len(rows))
    return python2_split(rows, [n % len(CLASSES) for n in numbers], [b"%s_s_%06d.png" % (name, n) for n in numbers])


def write_archive(path: Path, contents: dict[str, bytes] | None = None, *extra: tarfile.TarInfo) -> Path:
    with gzip.open(path, "wb") as stream, tarfile.open(fileobj=stream, mode="w") as tar:
        for name, content in (contents or members()).items():
            member = tarfile.TarInfo(f"cifar-100-python/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for member in extra:
            tar.addfile(member, io.BytesIO(b"x" * member.size))
    return path


class Calls:
    """Pickles into a call of a function: what a forged archive would hide."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return self.call
