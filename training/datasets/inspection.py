"""What is in a folder of `<class>/<image>` files: its images, their sizes, copies, and what can't be used."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import UnidentifiedImageError
from rich.progress import track

from contracts.dataset import DatasetError
from imaging.decoding import bound
from imaging.errors import ImageTooLarge, InvalidImage
from imaging.still import format_of
from training.datasets.collection import digest_of
from training.datasets.folder import READ_AT_ONCE, chosen_for_test, class_names, files_of, is_picture, read_file
from training.errors import ImageError


@dataclass(frozen=True)
class SeenImage:
    """An image that can be used.

    Attributes:
        label: its class.
        file: its path below the folder.
        kind: its format, such as JPEG.
        width, height: in pixels, as it is stored.
        sha256: of its bytes.
        digest: of the pixels that a model would be given.
    """

    label: str
    file: str
    kind: str
    width: int
    height: int
    sha256: str
    digest: str

    @property
    def pixels(self) -> int:
        """The number of its pixels."""
        return self.width * self.height


@dataclass(frozen=True)
class Unused:
    """A file that can't be used, by its path below the folder, and why."""

    file: str
    reason: str


@dataclass(frozen=True)
class ClassCounts:
    """How many images a class has, how many of them are copies of others of the class, and how staging splits them."""

    label: str
    images: int
    copies: int
    train: int
    test: int


@dataclass(frozen=True)
class Inspection:
    """What is in a folder.

    `images` are those that can be used, in the order of their classes and files. `broken` are named as images and can't
    be read, and `others` aren't named or placed as an image of a class. `empty` are the folders without any image.
    """

    root: Path
    images: tuple[SeenImage, ...]
    broken: tuple[Unused, ...]
    others: tuple[Unused, ...]
    empty: tuple[str, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes that have images, in the order of the labels."""
        return tuple(dict.fromkeys(image.label for image in self.images))

    @property
    def by_size(self) -> list[SeenImage]:
        """The images, those with the fewest pixels first."""
        return sorted(self.images, key=lambda image: image.pixels)

    @property
    def kinds(self) -> dict[str, int]:
        """How many images have each format, the most frequent first."""
        return dict(Counter(image.kind for image in self.images).most_common())

    def counts(self, seed: int = 0) -> list[ClassCounts]:
        """Return the counts of each class as `workflow stage` would split it."""
        found = []
        for label in self.labels:
            digests = [image.digest for image in self.images if image.label == label]
            chosen = chosen_for_test(set(digests), seed)
            test = sum(digest in chosen for digest in digests)
            found.append(ClassCounts(label, len(digests), len(digests) - len({*digests}), len(digests) - test, test))
        return found

    def copies(self) -> list[list[SeenImage]]:
        """Return the images of one class that have the same pixels, group by group."""
        return [group for group in self._alike() if len({image.label for image in group}) == 1]

    def conflicts(self) -> list[list[SeenImage]]:
        """Return the images of more than one class that have the same pixels, group by group."""
        return [group for group in self._alike() if len({image.label for image in group}) > 1]

    def _alike(self) -> Iterable[list[SeenImage]]:
        groups = defaultdict(list)
        for image in self.images:
            groups[image.digest].append(image)
        return (group for group in groups.values() if len(group) > 1)


def inspect(root: Path, max_side: int) -> Inspection:
    """Look at every file of a folder; images are decoded and bounded as for a data set of `max_side`.

    Raises:
        DatasetError: there is no such folder, or it isn't one of a folder per class.
    """
    labels = _class_folders(root)
    files = [(label, path) for label in labels for path in files_of(root / label)]
    pictures = [item for item in files if is_picture(item[1])]
    with ThreadPoolExecutor(READ_AT_ONCE) as pool:
        looks = pool.map(lambda item: _look(root, item[0], item[1], max_side), pictures)
        seen = list(track(looks, "Looking at images", total=len(pictures), transient=True))
    images = tuple(one for one in seen if isinstance(one, SeenImage))
    broken = tuple(one for one in seen if isinstance(one, Unused))
    if not images:
        why = f": {broken[0].file}: {broken[0].reason}" if broken else f" in {_listed(labels)}"
        raise DatasetError(f"{root} has no image that can be read{why.rstrip('.')}.")
    misplaced = [path for path in root.iterdir() if path.is_file() and is_picture(path)]
    foreign = [path for path in root.iterdir() if path.is_file() and not is_picture(path)]
    foreign += [path for _, path in files if not is_picture(path)]
    others = [Unused(_below(root, path), "it is in no class's folder") for path in sorted(misplaced)]
    others += [_foreign(root, path) for path in sorted(foreign) if not path.name.startswith(".")]
    with_images = {label for label, _ in pictures}
    return Inspection(
        root,
        images,
        broken,
        tuple(others),
        tuple(label for label in labels if label not in with_images),
    )


def _class_folders(root: Path) -> Sequence[str]:
    """Name the folders of the classes; raise DatasetError where they can't be those."""
    if not root.is_dir():
        raise DatasetError(f"{root} is not a folder." if root.exists() else f"There is no folder {root}.")
    if not any(root.iterdir()):
        raise DatasetError(f"{root} is empty; make a folder for each class in it, with the images of that class.")
    labels = class_names(root)
    if not labels:
        raise DatasetError(f"{root} has no folder per class; move the images of each class into a folder of its own.")
    inner = [path.name for path in sorted((root / labels[0]).iterdir()) if path.is_dir()] if len(labels) == 1 else []
    if len(inner) > 1:
        deeper = root / labels[0]
        raise DatasetError(f"{root} holds one folder, with {_listed(inner)} in it: run `workflow init {deeper}`.")
    return labels


def _look(root: Path, label: str, path: Path, max_side: int) -> SeenImage | Unused:
    file = _below(root, path)
    try:
        data = read_file(path)
        image, (width, height) = bound(data, max_side)
    except ImageError as error:
        return Unused(file, str(error).removeprefix(f"{path} "))
    except (InvalidImage, ImageTooLarge) as error:
        return Unused(file, str(error))
    return SeenImage(
        label, file, format_of(data), width, height, hashlib.sha256(data).hexdigest(), digest_of(np.asarray(image))
    )


def _foreign(root: Path, path: Path) -> Unused:
    """Say why a file isn't taken for an image; some are images without a name that says so."""
    file = _below(root, path)
    try:
        kind = format_of(read_file(path))
    except (ImageError, UnidentifiedImageError, OSError):
        return Unused(file, "it isn't an image")
    return Unused(file, f"it is a {kind} whose name doesn't end as one; rename it")


def _below(root: Path, path: Path) -> str:
    """Return a file's path below the folder, with what can't be printed of its name escaped."""
    name = path.relative_to(root).as_posix()
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in name)


def _listed(names: Sequence[str]) -> str:
    """Name the first of many."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
