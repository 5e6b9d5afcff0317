"""What the classifier looks at: the features of images, by name, all of one kind for the rest of the program."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from classifier import network, scattering
from classifier.images import decode
from classifier.network import Network


@dataclass(frozen=True)
class Kind:
    """What features allow and what suits them.

    Attributes:
        sides: widths and heights of the images that they take; the first is the default
        gamma: inverse width of the kernel
    """

    sides: tuple[int, ...]
    gamma: float


KINDS = {
    "backbone": Kind(sides=(network.SIDE,), gamma=0.2),
    "scattering": Kind(sides=(32, 16, 48, 64), gamma=0.1),
}
"""The features that there are, by name; the first is the default."""


@dataclass(frozen=True)
class Block:
    """Neighbouring columns of a half: `channels` times one column for each of `cells`.

    A cell is a number of the grid, row by row, or -1 for a column that belongs to no single cell. In the distance of
    two images, all columns of a block together have its weight.
    """

    channels: int
    cells: NDArray[np.intp]
    weight: float = 1.0

    @property
    def size(self) -> int:
        """Number of its columns."""
        return self.channels * len(self.cells)


@dataclass(frozen=True)
class Features:
    """Turns images into rows of numbers.

    The first half of the columns doesn't change when an image is mirrored, the second half changes sign. The sum of
    column j of both halves describes the cell `cells[j]` of the grid that is laid over the image, and the difference
    describes the cell that takes its place in the mirror image.

    Attributes:
        name: what users choose the features by
        side: width and height of the images that are taken
        resampling: how an image of another size is resized
        grid: rows and columns of the grid
        blocks: the columns of a half, in their order
        transform: from images to features, see `__call__`
        network: what the transform runs, where it is a pretrained network
    """

    name: str
    side: int
    resampling: Image.Resampling
    grid: tuple[int, int]
    blocks: tuple[Block, ...]
    transform: Callable[[NDArray[np.uint8]], NDArray[np.float32]]
    network: Network | None = None

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features of shape (n, d) of RGB images of shape (n, side, side, 3)."""
        return self.transform(images)

    def decode(self, data: bytes) -> NDArray[np.uint8]:
        """Read one PNG or JPEG as it is taken, shape (side, side, 3); ImageError says what is wrong with it."""
        return decode(data, self.side, self.resampling)

    @cached_property
    def shares(self) -> NDArray[np.float64]:
        """The share of each column in the distance of two images, shape (d,); they sum to 1."""
        total = sum(block.weight for block in self.blocks)
        half = [np.full(block.size, block.weight / (2 * total * block.size)) for block in self.blocks]
        return np.concatenate([*half, *half])

    @cached_property
    def cells(self) -> NDArray[np.intp]:
        """The grid cell of each column of a half, shape (d/2,): row * columns + column, or -1 for several cells."""
        return np.concatenate([np.tile(block.cells, block.channels) for block in self.blocks])

    @property
    def pooled_columns(self) -> int:
        """Columns of `pooled`."""
        return sum(block.channels for block in self.blocks)

    def pooled(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """The even half of features of shape (n, d), averaged over the cells: (n, channels of all blocks)."""
        parts, start = [], 0
        for block in self.blocks:
            end = start + block.size
            parts.append(rows[:, start:end].reshape(len(rows), block.channels, -1).mean(2))
            start = end
        return np.concatenate(parts, axis=1)


def scattering_features(side: int) -> Features:
    """Wavelet scattering of images of that side; nothing of it is pretrained."""
    rows, columns = scattering.grid(side)
    left = np.arange(rows * columns).reshape(rows, columns)[:, : columns // 2]
    block = Block(scattering.CHANNELS, left.ravel())
    return Features("scattering", side, Image.Resampling.LANCZOS, (rows, columns), (block,), scattering.features)


def backbone_features(pretrained: Network) -> Features:
    """What a pretrained network makes of images."""
    finest = max(network.GRIDS.values())
    blocks = []
    for stage, cells in network.GRIDS.items():
        places = np.arange(cells**2) if cells == finest else np.full(cells**2, -1)
        # Later stages describe objects, earlier ones textures. The weights were chosen by cross-validation.
        blocks.append(Block(network.CHANNELS[stage], places, weight=2.0**stage))
    return Features(
        name="backbone",
        side=network.SIDE,
        resampling=Image.Resampling.BICUBIC,
        grid=(finest, finest),
        blocks=(*blocks,),
        transform=pretrained.features,
        network=pretrained,
    )
