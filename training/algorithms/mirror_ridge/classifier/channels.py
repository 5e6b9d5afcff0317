"""Reads SageMaker's image channels: a folder of images and a .lst file that says what each one is."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from classifier.errors import DataError, ImageError
from classifier.features import Features
from classifier.processors import cores

LINE = re.compile(r"([0-9]{1,18})\t([0-9]{1,18})\t([^\t\0]+)")


@dataclass(frozen=True)
class Channel:
    """File names, images as the features take them, shape (n, side, side, 3), and their classes of shape (n,)."""

    files: tuple[str, ...]
    images: NDArray[np.uint8]
    classes: NDArray[np.intp]


def read_channel(data: Path, name: str, classes: int, features: Features) -> Channel:
    """Read every image that ``<data>/<name>_lst`` lists from ``<data>/<name>``.

    Raises:
        DataError: a folder or file is missing or empty, a line is malformed, a label lies outside 0..classes-1, or
            an image can't be read.
    """
    entries = read_list(_only_list(data / f"{name}_lst"), classes)
    folder = data / name

    def read(file: str) -> NDArray[np.uint8]:
        try:
            return features.decode((folder / file).read_bytes())
        except (OSError, ImageError) as error:
            reason = "is listed but missing" if isinstance(error, FileNotFoundError) else f"can't be used: {error}"
            raise DataError(f"The image {file} of channel {name} {reason}") from error

    with ThreadPoolExecutor(cores()) as pool:
        images = np.stack(list(pool.map(read, [file for file, _ in entries])))
    return Channel(tuple(file for file, _ in entries), images, np.array([label for _, label in entries]))


def _only_list(folder: Path) -> Path:
    lists = sorted(folder.glob("*.lst")) if folder.is_dir() else []
    if len(lists) != 1:
        raise DataError(f"The channel {folder.name} must hold one .lst file; it holds {len(lists)}.")
    return lists[0]


def read_list(path: Path, classes: int) -> list[tuple[str, int]]:
    """Pairs of file name and class, in the list's order."""
    try:
        text = path.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise DataError(f"{path.name} is not UTF-8 text: {error}.") from error
    if not text:
        raise DataError(f"{path.name} lists no images.")
    # Not str.splitlines, which also ends lines at characters that a file's name may hold.
    lines = text.replace("\r\n", "\n").removesuffix("\n").split("\n")
    entries = [_read_line(line, f"{path.name} line {number}", classes) for number, line in enumerate(lines, 1)]
    indices = {index for index, _, _ in entries}
    if len(indices) < len(entries):
        raise DataError(f"{path.name} uses an index twice; indices must be unique.")
    return [(file, label) for _, label, file in entries]


def _read_line(line: str, place: str, classes: int) -> tuple[int, int, str]:
    fields = LINE.fullmatch(line)
    if fields is None:
        raise DataError(f"{place} must be index, class and file name with tabs between; it is {line!r}.")
    index, label, file = int(fields[1]), int(fields[2]), fields[3]
    if label >= classes:
        raise DataError(f"{place} has class {label}; with {classes} labels it must be from 0 to {classes - 1}.")
    relative = PurePosixPath(file)
    if relative.is_absolute() or ".." in relative.parts or not relative.parts:
        raise DataError(f"{place} must end with a path inside the channel; it is {line!r}.")
    return index, label, file
