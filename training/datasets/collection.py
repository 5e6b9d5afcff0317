"""What every source of images gives: pixels, and a table that says whose they are."""

import difflib
import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from training.errors import UnknownClassError

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ImageCollection:
    """Images that were kept for a data set, before it is written.

    Attributes:
        table: one row per image, in order: `split` (train or test), `class`, `file` (the name it had), `digest` (of
            its pixels).
        pixels: (images, size, size, 3), uint8, RGB.
        source: what the images come from, for people.
        source_sha256: checksum of what they come from.
    """

    table: pd.DataFrame
    pixels: NDArray[np.uint8]
    source: str
    source_sha256: str


def digest(pixels: NDArray[np.uint8]) -> str:
    """Name an image by its pixels: the SHA-256 of its rows, in hexadecimal."""
    return hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest()


def require_classes(wanted: Sequence[str], known: Sequence[str], source: str) -> None:
    """Check that a source has the classes that are asked for.

    Raises:
        UnknownClassError: it lacks one; the message offers those with close names.
    """
    for name in wanted:
        if name not in known:
            offered = difflib.get_close_matches(name, known, n=3) or known
            raise UnknownClassError(f"{source} has no class {name!r}; it has, among others, {', '.join(offered)}")


def without_leaks(collection: ImageCollection) -> ImageCollection:
    """Leave out the training images that are also test images, pixel for pixel: they would flatter the accuracy."""
    table = collection.table
    tested = table.loc[table["split"] == "test", "digest"]
    kept = ~((table["split"] == "train") & table["digest"].isin(tested))
    if kept.all():
        return collection
    left_out = table.loc[~kept, "file"]
    logger.warning("Left out of training, for they are also test images: %s.", ", ".join(left_out))
    return ImageCollection(
        table.loc[kept].reset_index(drop=True),
        collection.pixels[kept.to_numpy()],
        collection.source,
        collection.source_sha256,
    )
