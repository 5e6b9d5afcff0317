"""Read a folder of `<class>/<image>` files into images of one size, split into training and test images."""

import difflib
import hashlib
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image, ImageOps
from rich.progress import track

from training.collection import Collection, digest
from training.errors import DatasetError, ImageError, UnknownClassError

logger = logging.getLogger(__name__)

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
MAX_PIXELS = 50_000_000
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


def collect(root: Path, classes: Sequence[str], size: int, *, skip_broken: bool = False, seed: int = 0) -> Collection:
    """Read the images of `classes` below `root`, squashed to `size` pixels a side.

    An image is a test image if the hash of the seed and its pixels falls in the first fifth. So copies of one image are
    always on one side, and images added later move none of the others.

    Raises:
        UnknownClassError: there is no folder of such a class.
        ImageError: files can't be read as images, and `skip_broken` doesn't say to leave them out.
    """
    known = class_names(root)
    for name in classes:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=3) or known
            raise UnknownClassError(f"{root} has no class {name!r}; it has, among others, {', '.join(close)}")
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
    order = np.argsort(table["digest"].to_numpy(), kind="stable")  # Classes mixed, in an order that stays.
    return Collection(table.iloc[order].reset_index(drop=True), np.stack(images)[order], str(root), content.hexdigest())


def _visible(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.iterdir()) if not path.name.startswith("."))


def _split(key: str, seed: int) -> str:
    chance = int.from_bytes(hashlib.sha256(f"{seed}:{key}".encode()).digest()[:8]) / 2**64
    return "test" if chance < TEST_PART else "train"


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
        ImageError: the file is no picture, is damaged, animated or larger than `MAX_PIXELS`.
    """
    try:
        with Image.open(path, formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ImageError(f"{path} has {image.width}x{image.height} pixels, more than {MAX_PIXELS:,}")
            if getattr(image, "n_frames", 1) > 1:
                raise ImageError(f"{path} is animated")
            image.load()
            upright = ImageOps.exif_transpose(image)
    # What Pillow's decoders raise on damaged files.
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(f"{path} can't be read ({error})") from error
    squashed = _rgb(upright).resize((size, size), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return np.asarray(squashed)


def _rgb(image: Image.Image) -> Image.Image:
    """Bring any mode to RGB: 16 bits scaled to 8, transparency flattened over white."""
    if image.mode.startswith("I"):
        image = Image.fromarray((np.asarray(image).clip(0, 65535) / 257).round().astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image.convert("RGB")
