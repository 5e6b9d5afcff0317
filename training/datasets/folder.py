"""Read a folder of `<class>/<image>` files into images of one size, split into training and test images."""

import hashlib
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.progress import track

from contracts.dataset import DatasetError
from imaging.decoding import MAX_BYTES, ImageTooLarge, InvalidImage, squash
from training.datasets.collection import ImageCollection, digest, require_classes
from training.errors import ImageError

logger = logging.getLogger(__name__)

TEST_PART = 0.2
NAMED_IN_MESSAGE = 5


def class_names(root: Path) -> tuple[str, ...]:
    """Name the classes of a folder: its folders, sorted.

    Raises:
        DatasetError: there is no such folder.
    """
    if not root.is_dir():
        raise DatasetError(f"{root} is neither sample, nor cifar100, nor a folder of <class>/<image> files")
    return tuple(path.name for path in _visible(root) if path.is_dir())


def collect(
    root: Path, classes: Sequence[str], size: int, *, skip_broken: bool = False, seed: int = 0
) -> ImageCollection:
    """Read the images of `classes` below `root`, squashed to `size` pixels a side.

    An image is a test image if the hash of the seed and its pixels falls in the first fifth. So copies of one image are
    always on one side, and images added later move none of the others.

    Raises:
        UnknownClassError: there is no folder of such a class.
        ImageError: files can't be read as images, and `skip_broken` doesn't say to leave them out.
        DatasetError: there are no images, or one image has two classes.
    """
    require_classes(classes, class_names(root), str(root))
    rows: list[tuple[str, str, str, str]] = []
    images: list[NDArray[np.uint8]] = []
    broken: list[str] = []
    content = hashlib.sha256()
    files = [(name, path) for name in classes for path in _visible(root / name)]
    for name, path in track(files, description="Reading images", transient=True):
        try:
            image = read_image(path, size)
        except ImageError as error:
            broken.append(str(error))
            continue
        content.update(f"{path.relative_to(root)}\n".encode() + path.read_bytes())
        rows.append((_split(key := digest(image), seed), name, path.name, key))
        images.append(image)
    _report(broken, root, skip_broken=skip_broken)
    if not images:
        raise DatasetError(f"{root} holds no images of {', '.join(classes)}")
    table = pd.DataFrame(rows, columns=["split", "class", "file", "digest"])
    _refuse_two_classes(table, root)
    order = np.argsort(table["digest"].to_numpy(), kind="stable")  # Classes mixed, in an order that stays.
    return ImageCollection(
        table.iloc[order].reset_index(drop=True), np.stack(images)[order], str(root), content.hexdigest()
    )


def _visible(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.iterdir()) if not path.name.startswith("."))


def _split(key: str, seed: int) -> str:
    chance = int.from_bytes(hashlib.sha256(f"{seed}:{key}".encode()).digest()[:8]) / 2**64
    return "test" if chance < TEST_PART else "train"


def _refuse_two_classes(table: pd.DataFrame, root: Path) -> None:
    doubtful = table[table.groupby("digest")["class"].transform("nunique") > 1]
    if not doubtful.empty:
        names = (doubtful["class"] + "/" + doubtful["file"]).head(NAMED_IN_MESSAGE)
        raise DatasetError(f"{root} holds the same image under more than one class: {', '.join(names)}")


def _report(broken: list[str], root: Path, *, skip_broken: bool) -> None:
    if not broken:
        return
    named = "; ".join(broken[:NAMED_IN_MESSAGE]) + ("; …" if len(broken) > NAMED_IN_MESSAGE else "")
    if not skip_broken:
        raise ImageError(
            f"{root} holds {len(broken)} files that are not images (--skip-broken leaves them out): {named}"
        )
    logger.warning("Left out %d files that are not images: %s", len(broken), named)


def read_image(path: Path, size: int) -> NDArray[np.uint8]:
    """Read one still picture as (size, size, 3) uint8 RGB: upright, over white where it is transparent, squashed.

    Raises:
        ImageError: the file can't be read, or the workflow wouldn't take it.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ImageError(f"{path} has more than {MAX_BYTES:,} bytes")
        image, _ = squash(path.read_bytes(), size)
    except (InvalidImage, ImageTooLarge, OSError) as error:
        raise ImageError(f"{path} can't be read as an image ({error})") from error
    return np.asarray(image)
