"""Explore a staged data set: class counts, pixel statistics and a contact sheet."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont, ImageOps

from contracts.dataset import DatasetError, DatasetRecord, parse_lst
from contracts.files import write_whole
from training.dataset import read_staged

SHEET = "samples.png"
RECORD = "exploration.json"
COLUMNS = 12
ROWS = 4
CELL = 96
GAP = 4
TITLE = 30


@dataclass(frozen=True)
class PixelStatistics:
    """Mean and standard deviation over pixels, for red, green and blue, on a scale from 0 (black) to 1."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]


@dataclass(frozen=True)
class Exploration:
    """What a data set looks like: images by split and class, and pixel statistics of the training images."""

    dataset: str
    max_side: int
    exact: bool
    counts: dict[str, dict[str, int]]
    pixels: PixelStatistics
    pixels_by_class: dict[str, PixelStatistics]
    sheet: str


def explore(name: str, out: Path) -> Exploration:
    """Look at the training images of `out/datasets/<name>/`; write `samples.png` and `exploration.json` to `out`.

    Raises:
        DatasetError: there is no such data set, or an image of it is missing.
    """
    dataset = read_staged(out, name)
    by_class = _training_images(dataset, out)
    _contact_sheet(by_class).save(out / SHEET)
    exploration = Exploration(
        dataset.name,
        dataset.max_side,
        dataset.exact,
        dataset.counts,
        _statistics([image for images in by_class.values() for image in images]),
        {label: _statistics(images) for label, images in by_class.items()},
        str(out / SHEET),
    )
    write_whole(out / RECORD, json.dumps(asdict(exploration), indent=2) + "\n")
    return exploration


def _training_images(dataset: DatasetRecord, out: Path) -> dict[str, list[NDArray[np.uint8]]]:
    """Read the training images by class, each (height, width, 3)."""
    root = out / dataset.folder
    listing = root / "train.lst"
    images: dict[str, list[NDArray[np.uint8]]] = {label: [] for label in dataset.classes}
    try:
        for entry in parse_lst(listing.read_text(), len(dataset.classes), str(listing)):
            with Image.open(root / "train" / entry.file) as image:
                images[dataset.classes[entry.label]].append(np.asarray(image))
    except FileNotFoundError as error:
        raise DatasetError(f"the data set {dataset.name!r} is not whole ({error}); stage it again") from error
    return images


def _statistics(images: Sequence[NDArray[np.uint8]]) -> PixelStatistics:
    """Statistics over all pixels of images of any sizes."""
    count = sum(image[..., 0].size for image in images)
    mean = sum(image.sum((0, 1), dtype=np.float64) for image in images) / count
    spread = np.sqrt(sum(((image - mean) ** 2).sum((0, 1)) for image in images) / count)
    return PixelStatistics(_triple(mean / 255), _triple(spread / 255))


def _triple(values: NDArray[np.float64]) -> tuple[float, float, float]:
    red, green, blue = (round(value, 4) for value in values.tolist())
    return red, green, blue


def _contact_sheet(by_class: dict[str, list[NDArray[np.uint8]]]) -> Image.Image:
    """Show the first images of each class, each in a cell of one size, under the class's name."""
    block = TITLE + ROWS * (CELL + GAP)
    sheet = Image.new("RGB", (COLUMNS * (CELL + GAP) + GAP, len(by_class) * block + GAP), "white")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=18)
    for number, (label, images) in enumerate(by_class.items()):
        top = number * block
        draw.text((GAP, top + GAP), f"{label} ({len(images)} training images)", fill="black", font=font)
        _paste(sheet, images[: ROWS * COLUMNS], top + TITLE)
    return sheet


def _paste(sheet: Image.Image, images: Sequence[NDArray[np.uint8]], top: int) -> None:
    for place, image in enumerate(images):
        row, column = divmod(place, COLUMNS)
        shown = ImageOps.contain(Image.fromarray(image), (CELL, CELL), Image.Resampling.BICUBIC)
        left, above = (CELL - shown.width) // 2, (CELL - shown.height) // 2
        sheet.paste(shown, (GAP + column * (CELL + GAP) + left, top + row * (CELL + GAP) + above))
