"""Explore a staged data set: images, sizes, brightness, contrast and copies by class, and a contact sheet."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from contracts.dataset import SPLITS, DatasetError, DatasetRecord, parse_lst
from contracts.files import write_whole
from training.dataset import read_staged

SHEET = "samples.png"
RECORD = "exploration.json"
COLUMNS = 12
ROWS = 4
CELL = 96
GAP = 4
TITLE = 30
# The standard deviation of an image that is half black and half white, the largest that there is.
LARGEST_DEVIATION = 127.5


@dataclass(frozen=True)
class Size:
    """An image's size in pixels."""

    width: int
    height: int


@dataclass(frozen=True)
class ClassFigures:
    """What the images of a class look like.

    Attributes:
        label: the class.
        train, test: how many images it has in each split, those that can't be read left out.
        smallest, median, largest: sizes by number of pixels; None without an image.
        brightness: mean of its images' mean brightness, from 0 (black) to 1 (white); None without an image.
        contrast: mean of its images' contrast, from 0 (one even grey) to 1 (half black, half white); None without one.
        copies: how many images have the same content as another one of the class that comes before.
        unreadable: how many files can't be read as an image.
    """

    label: str
    train: int
    test: int
    smallest: Size | None
    median: Size | None
    largest: Size | None
    brightness: float | None
    contrast: float | None
    copies: int
    unreadable: int


@dataclass(frozen=True)
class Exploration:
    """What a data set looks like; files are named by their split.

    Attributes:
        dataset: its name.
        max_side, exact: how its images were bounded, as in its record.
        classes: the figures of each class.
        total: those of all images together, under the label `all`.
        in_both_splits: test images that are training images too, by their content.
        in_several_classes: images that have more than one class, by their content.
        unreadable: files that can't be read as an image.
        sheet: where the contact sheet is.
    """

    dataset: str
    max_side: int
    exact: bool
    classes: list[ClassFigures]
    total: ClassFigures
    in_both_splits: list[str]
    in_several_classes: list[str]
    unreadable: list[str]
    sheet: str


@dataclass(frozen=True)
class _Seen:
    """One image: what of it is counted; `size` None where it can't be read."""

    label: str
    split: str
    file: str
    digest: str
    size: Size | None
    brightness: float = 0.0
    contrast: float = 0.0

    @property
    def name(self) -> str:
        return f"{self.split}/{self.file}"


def explore(name: str, out: Path) -> Exploration:
    """Look at the images of `out/datasets/<name>/`; write `samples.png` and `exploration.json` to `out`.

    Raises:
        DatasetError: there is no such data set, or an image of it is missing.
    """
    dataset = read_staged(out, name)
    root = out / dataset.folder
    files = [_look(root, *place) for place in _listed(dataset, root)]
    seen = [one for one in files if one.size]
    _contact_sheet(root, dataset, seen).save(out / SHEET)
    exploration = Exploration(
        dataset.name,
        dataset.max_side,
        dataset.exact,
        [_figures(label, [one for one in files if one.label == label]) for label in dataset.classes],
        _figures("all", files),
        _in_both_splits(seen),
        _in_several_classes(seen),
        [one.name for one in files if not one.size],
        str(out / SHEET),
    )
    write_whole(out / RECORD, json.dumps(asdict(exploration), indent=2) + "\n")
    return exploration


def _listed(dataset: DatasetRecord, root: Path) -> Iterator[tuple[str, str, str]]:
    """Yield the class, the split and the file of each image."""
    for split in SPLITS:
        listing = root / f"{split}.lst"
        try:
            text = listing.read_text()
        except FileNotFoundError as error:
            raise _not_whole(dataset.name, error) from error
        for entry in parse_lst(text, len(dataset.classes), str(listing)):
            yield dataset.classes[entry.label], split, entry.file


def _look(root: Path, label: str, split: str, file: str) -> _Seen:
    path = root / split / file
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        with Image.open(path) as image:
            grey = np.asarray(image.convert("L"))
            size = Size(image.width, image.height)
    except FileNotFoundError as error:
        raise _not_whole(root.name, error) from error
    except OSError:
        return _Seen(label, split, file, "", None)  # Pillow's errors for what is no whole image
    return _Seen(label, split, file, digest, size, float(grey.mean()) / 255, float(grey.std()) / LARGEST_DEVIATION)


def _not_whole(name: str, error: FileNotFoundError) -> DatasetError:
    return DatasetError(f"the data set {name!r} is not whole ({error}); stage it again")


def _figures(label: str, files: Sequence[_Seen]) -> ClassFigures:
    seen = [one for one in files if one.size]
    sizes = sorted((one.size for one in seen if one.size), key=lambda size: size.width * size.height)
    return ClassFigures(
        label,
        sum(one.split == "train" for one in seen),
        sum(one.split == "test" for one in seen),
        sizes[0] if sizes else None,
        sizes[len(sizes) // 2] if sizes else None,
        sizes[-1] if sizes else None,
        _mean(one.brightness for one in seen),
        _mean(one.contrast for one in seen),
        len(seen) - len({(one.label, one.digest) for one in seen}),
        len(files) - len(seen),
    )


def _mean(values: Iterable[float]) -> float | None:
    listed = list(values)
    return round(sum(listed) / len(listed), 4) if listed else None


def _in_both_splits(seen: Sequence[_Seen]) -> list[str]:
    trained = {one.digest for one in seen if one.split == "train"}
    return [one.name for one in seen if one.split == "test" and one.digest in trained]


def _in_several_classes(seen: Sequence[_Seen]) -> list[str]:
    labels = defaultdict(set)
    for one in seen:
        labels[one.digest].add(one.label)
    return [one.name for one in seen if len(labels[one.digest]) > 1]


def _contact_sheet(root: Path, dataset: DatasetRecord, seen: Sequence[_Seen]) -> Image.Image:
    """Show the first training images of each class, each in a cell of one size, under the class's name."""
    block = TITLE + ROWS * (CELL + GAP)
    sheet = Image.new("RGB", (COLUMNS * (CELL + GAP) + GAP, len(dataset.classes) * block + GAP), "white")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=18)
    for number, label in enumerate(dataset.classes):
        top = number * block
        paths = [root / one.name for one in seen if one.label == label and one.split == "train"]
        draw.text((GAP, top + GAP), f"{label} ({len(paths)} training images)", fill="black", font=font)
        _paste(sheet, paths[: ROWS * COLUMNS], top + TITLE)
    return sheet


def _paste(sheet: Image.Image, paths: Sequence[Path], top: int) -> None:
    for place, path in enumerate(paths):
        row, column = divmod(place, COLUMNS)
        with Image.open(path) as image:
            shown = ImageOps.contain(image.convert("RGB"), (CELL, CELL), Image.Resampling.BICUBIC)
        left, above = (CELL - shown.width) // 2, (CELL - shown.height) // 2
        sheet.paste(shown, (GAP + column * (CELL + GAP) + left, top + row * (CELL + GAP) + above))
