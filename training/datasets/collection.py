"""What every source of images gives: image files for the model, and a table that says whose they are."""

import difflib
import hashlib
import io
import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from training.errors import UnknownClassError

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ImageCollection:
    """Images that were kept for a data set, before it is written.

    Attributes:
        table: one row per image, in order: `split` (train or test), `class`, `file` (the name it had), `digest` (of
            its pixels).
        images: one PNG per row, as the workflow would send it to the model.
        source: what the images come from, for people.
        source_sha256: checksum of what they come from.
    """

    table: pd.DataFrame
    images: tuple[bytes, ...]
    source: str
    source_sha256: str


def pixels_of(png: bytes) -> NDArray[np.uint8]:
    """Return the pixels of an image of a collection, (height, width, 3)."""
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image)


def digest(png: bytes) -> str:
    """Name an image of a collection by its pixels."""
    return digest_of(pixels_of(png))


def digest_of(pixels: NDArray[np.uint8]) -> str:
    """Return the SHA-256 of the shape and the rows of pixels, (height, width, 3), in hexadecimal."""
    return hashlib.sha256(f"{pixels.shape}".encode() + pixels.tobytes()).hexdigest()


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
        tuple(image for image, stays in zip(collection.images, kept, strict=True) if stays),
        collection.source,
        collection.source_sha256,
    )
