"""Read a folder of `<class>/<image>` files into images for the model, split into training and test images."""

import hashlib
import logging
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from rich.progress import track

from contracts.dataset import DatasetError
from imaging.decoding import MAX_BYTES, SUFFIXES, model_input
from imaging.errors import ImageTooLarge, InvalidImage
from training.datasets.collection import ImageCollection, digest, require_classes
from training.errors import ImageError

logger = logging.getLogger(__name__)

TEST_PART = 0.2
NAMED_IN_MESSAGE = 10
# A picture of the most pixels takes a gigabyte while it is decoded.
READ_AT_ONCE = min(4, os.cpu_count() or 1)
# Folders of these names hold parts of a data set, each with a folder per class.
PARTS = frozenset({"train", "training", "test", "testing", "val", "valid", "validation"})


@dataclass(frozen=True)
class Picture:
    """A file of a folder: its class, its path below the class's folder, its bytes' checksum and the model's input."""

    label: str
    file: str
    sha256: str
    png: bytes


def class_names(root: Path) -> tuple[str, ...]:
    """Name the classes of a folder: its folders, sorted.

    Raises:
        DatasetError: there is no such folder, or its folders aren't classes.
    """
    if not root.is_dir():
        raise DatasetError(f"{root} is neither sample, nor cifar100, nor a folder of <class>/<image> files")
    names = tuple(path.name for path in sorted(root.iterdir()) if path.is_dir() and not path.name.startswith("."))
    if not names and any(is_picture(path) for path in root.iterdir()):
        raise DatasetError(f"{root} holds images but no folder per class; move each image into a folder of its class")
    if names and PARTS.issuperset(name.lower() for name in names):
        raise DatasetError(
            f"{root} is already split into {', '.join(names)}, which can't be classes; stage a folder that holds one "
            "folder per class"
        )
    return names


def is_picture(path: Path) -> bool:
    """Whether a file is one of those that can be images, by its name's suffix; hidden files never are."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def collect(
    root: Path, classes: Sequence[str], max_side: int, *, exact: bool = False, strict: bool = False, seed: int = 0
) -> ImageCollection:
    """Read the images of `classes` below `root`, at any depth, as the workflow would send them to the model.

    Files that aren't images by their suffix are passed over, and images that can't be read are left out, both with a
    warning. An image is a test image if the hash of the seed and its pixels falls in the first fifth. So copies of one
    image are always on one side, and images added later move none of the others, unless a class had none on one side.

    Args:
        root: the folder.
        classes: names of its folders, in label order.
        max_side: longest side of the images in pixels.
        exact: squash them to squares of `max_side`.
        strict: refuse the folder if an image can't be read.
        seed: another one gives another split.

    Raises:
        UnknownClassError: there is no folder of such a class.
        ImageError: images can't be read, and `strict` is asked for.
        DatasetError: there are no images, or one image has two classes.
    """
    require_classes(classes, class_names(root), str(root))
    files = [(name, path) for name in classes for path in files_of(root / name)]
    others = [path for path in root.iterdir() if path.is_file()] + [path for _, path in files if not is_picture(path)]
    if others:
        names = [path.relative_to(root).as_posix() for path in sorted(others)]
        logger.warning("Passed over, as they aren't images of a class by name and place: %s.", _named(names))
    pictures, broken = _read_all(root, [item for item in files if is_picture(item[1])], max_side, exact=exact)
    _report(broken, root, strict=strict)
    if not pictures:
        raise DatasetError(f"{root} holds no images of {', '.join(classes)}")
    rows = [(picture.label, picture.file, digest(picture.png)) for picture in pictures]
    table = pd.DataFrame(rows, columns=["class", "file", "digest"])
    _refuse_two_classes(table, root)
    tested = {key for _, keys in table.groupby("class")["digest"] for key in chosen_for_test(set(keys), seed)}
    table["split"] = np.where(table["digest"].isin(tested), "test", "train")
    order = np.argsort(table["digest"].to_numpy(), kind="stable")  # Classes mixed, in an order that stays.
    content = hashlib.sha256("".join(f"{one.label}/{one.file}\n{one.sha256}\n" for one in pictures).encode())
    images = tuple(pictures[place].png for place in order)
    return ImageCollection(table.iloc[order].reset_index(drop=True), images, str(root), content.hexdigest())


def files_of(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder, at any depth, in order."""
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _read_all(
    root: Path, files: Sequence[tuple[str, Path]], max_side: int, *, exact: bool
) -> tuple[list[Picture], list[str]]:
    """Return the images, in order, and why each of the others can't be read."""

    def read(item: tuple[str, Path]) -> Picture | ImageError:
        label, path = item
        try:
            data = read_file(path)
            png = model_input(data, max_side, exact=exact).png
        except ImageError as error:
            return error
        except (InvalidImage, ImageTooLarge) as error:
            return ImageError(f"{path} can't be read as an image ({error})")
        return Picture(label, path.relative_to(root / label).as_posix(), hashlib.sha256(data).hexdigest(), png)

    with ThreadPoolExecutor(READ_AT_ONCE) as pool:
        done = list(track(pool.map(read, files), "Reading images", total=len(files), transient=True))
    return [one for one in done if isinstance(one, Picture)], [str(one) for one in done if isinstance(one, ImageError)]


def read_file(path: Path) -> bytes:
    """Read a file of at most MAX_BYTES.

    Raises:
        ImageError: it is larger, or can't be read.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ImageError(f"{path} has more than {MAX_BYTES:,} bytes")
        return path.read_bytes()
    except OSError as error:
        raise ImageError(f"{path} can't be read ({error.strerror})") from error


def chosen_for_test(keys: set[str], seed: int) -> set[str]:
    """Choose a class's test images among the digests of its images; one at least, and not all, where it has two."""
    chance = {key: int.from_bytes(hashlib.sha256(f"{seed}:{key}".encode()).digest()[:8]) / 2**64 for key in keys}
    ranked = sorted(keys, key=chance.__getitem__)
    count = sum(chance[key] < TEST_PART for key in keys)
    return set(ranked[: min(max(count, 1), len(ranked) - 1)])


def _refuse_two_classes(table: pd.DataFrame, root: Path) -> None:
    doubtful = table[table.groupby("digest")["class"].transform("nunique") > 1]
    if not doubtful.empty:
        names = _named([*(doubtful["class"] + "/" + doubtful["file"])])
        raise DatasetError(f"{root} holds the same image under more than one class: {names}")


def _named(names: Sequence[str], separator: str = ", ") -> str:
    """Name the first of many."""
    more = len(names) - NAMED_IN_MESSAGE
    return separator.join([*names[:NAMED_IN_MESSAGE], *([f"and {more} more"] if more > 0 else [])])


def _report(broken: list[str], root: Path, *, strict: bool) -> None:
    if not broken:
        return
    named = _named(broken, "; ")
    if strict:
        raise ImageError(f"{root} holds {len(broken)} broken images (without --strict they are left out): {named}")
    logger.warning("Left out %d broken images: %s.", len(broken), named)
