"""Read an archive in the layout of CIFAR-100's Python version, without ever running anything from it.

Layout (https://www.cs.toronto.edu/~kriz/cifar.html): a gzipped tar of `cifar-100-python/{meta,train,test}`, each the
pickle of a dict. Rows of `data` are 3,072 bytes: 1,024 red, 1,024 green, 1,024 blue, line by line.
"""

import pickle
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from contracts.dataset import SPLITS
from imaging.fitting import as_png, fitted
from training.archives import DAMAGE, BoundedGzip
from training.datasets.collection import ImageCollection, digest, require_classes
from training.datasets.download import sha256
from training.datasets.unpickler import load
from training.errors import ArchiveError

SIDE = 32
ROW_BYTES = 3 * SIDE * SIDE
FOLDER = "cifar-100-python"
# The largest member of the official archive has 155 million; reading one takes up to eight times its bytes.
MEMBER_BYTES = 200_000_000
ARCHIVE_BYTES = 3 * MEMBER_BYTES

# What reading damaged bytes can raise: gzip and tar first, then what an unpickler documents that it may raise.
_NOT_A_PICKLE = (
    pickle.UnpicklingError,
    AttributeError,
    ImportError,
    IndexError,
    KeyError,
    TypeError,
    ValueError,
    OverflowError,
)


@dataclass(frozen=True)
class Rows:
    """One split of an archive: `pixels` (rows, 3072) uint8, `labels` (rows,) of class numbers, and file names."""

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]
    files: tuple[str, ...]


@dataclass(frozen=True)
class Archive:
    """What an archive holds: class names, by their number, and the rows of each split."""

    classes: tuple[str, ...]
    splits: dict[str, Rows]


def read(path: Path) -> Archive:
    """Read the archive at `path`; nothing is extracted to disk and nothing in it is run.

    Raises:
        ArchiveError: it is damaged, incomplete, or holds members or pickles that such an archive doesn't have.
    """
    contents: dict[str, dict[bytes, Any]] = {}
    try:
        with (
            path.open("rb") as file,
            BoundedGzip(file, ARCHIVE_BYTES, path) as stream,
            tarfile.open(fileobj=stream, mode="r:") as tar,
        ):
            for member in tar:
                if (name := _checked_name(member, path)) in ("meta", *SPLITS):
                    if name in contents:
                        raise ArchiveError(f"{path} holds {member.name!r} twice")
                    contents[name] = _load(tar, member, path)
            # gzip compares its checksum only when it has been read to the end.
            while stream.read(1 << 20):
                pass
    except FileNotFoundError as error:
        raise ArchiveError(f"there is no archive at {path}") from error
    except DAMAGE as error:
        raise ArchiveError(f"{path} is damaged or not a .tar.gz archive ({error}); get it again") from error
    if missing := {"meta", *SPLITS} - contents.keys():
        raise ArchiveError(f"{path} lacks {', '.join(f'{FOLDER}/{name}' for name in sorted(missing))}")
    try:
        classes = tuple(name.decode() for name in map(_as_bytes, contents["meta"][b"fine_label_names"]))
        return Archive(classes, {split: _rows(contents[split], len(classes)) for split in SPLITS})
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise ArchiveError(f"{path} is not laid out as CIFAR-100 is ({error})") from error


def _checked_name(member: tarfile.TarInfo, path: Path) -> str:
    """Give the member's name below the archive's one folder, or refuse the member."""
    folder, _, name = member.name.partition("/")
    if folder != FOLDER or "/" in name or not ((member.isreg() and name) or (member.isdir() and not name)):
        raise ArchiveError(f"{path} holds {member.name!r}, which has no place in such an archive")
    if member.size > MEMBER_BYTES:
        raise ArchiveError(
            f"{path} holds {member.name!r} of {member.size:,} bytes; {MEMBER_BYTES:,} is the most allowed"
        )
    return name


def _load(tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> dict[bytes, Any]:
    stream = tar.extractfile(member)
    if stream is None:
        raise ArchiveError(f"{path}: {member.name!r} is not a file")
    try:
        content = load(stream.read())
    except _NOT_A_PICKLE as error:
        raise ArchiveError(f"{path}: {member.name!r} is not a pickle that can be read ({error})") from error
    if not isinstance(content, dict):
        raise ArchiveError(f"{path}: {member.name!r} holds no dict")
    return content


def _as_bytes(text: bytes | str) -> bytes:
    return text.encode() if isinstance(text, str) else text


def _rows(content: dict[bytes, Any], class_count: int) -> Rows:
    """Take one split out of its dict; whatever this raises says that it isn't one."""
    pixels = content[b"data"].rows
    labels = np.array(content[b"fine_labels"], dtype=np.int64)
    files = tuple(_as_bytes(name).decode() for name in content[b"filenames"])
    if pixels.shape != (len(labels), ROW_BYTES) or labels.shape != (len(files),):
        raise ValueError(f"{pixels.shape} pixels, {labels.shape} labels and {len(files)} file names don't go together")
    if not np.isin(labels, np.arange(class_count)).all():
        raise ValueError(f"a label is not a class number below {class_count}")
    return Rows(pixels, labels, files)


def to_images(rows: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Turn rows (n, 3072), colour by colour, into images (n, 32, 32, 3)."""
    return np.ascontiguousarray(rows.reshape(-1, 3, SIDE, SIDE).transpose(0, 2, 3, 1))


def collect(path: Path, source: str, classes: Sequence[str], max_side: int, *, exact: bool = False) -> ImageCollection:
    """Keep the rows of `classes` from the archive at `path`, as images of at most `max_side` pixels a side.

    With `exact` they are of just that size, and enlarged where it is over 32.

    Raises:
        ArchiveError: the archive can't be used.
        UnknownClassError: it has no such class.
    """
    archive = read(path)
    require_classes(classes, archive.classes, str(path))
    numbers = {archive.classes.index(name): name for name in classes}
    tables: list[pd.DataFrame] = []
    images: list[bytes] = []
    for split, rows in archive.splits.items():
        kept = np.isin(rows.labels, list(numbers))
        pictures = map(Image.fromarray, to_images(rows.pixels[kept]))
        pngs = [as_png(fitted(picture, max_side, exact=exact)) for picture in pictures]
        images += pngs
        tables.append(
            pd.DataFrame(
                {
                    "split": split,
                    "class": [numbers[label] for label in rows.labels[kept].tolist()],
                    "file": [rows.files[row] for row in np.flatnonzero(kept)],
                    "digest": [digest(png) for png in pngs],
                }
            )
        )
    return ImageCollection(pd.concat(tables, ignore_index=True), tuple(images), source, sha256(path))
