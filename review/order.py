"""First the images that teach most: those that the model is unsure of, and that differ from those chosen before them.

The next image is always the one with the largest product of its uncertainty and its distance to the nearest image
chosen before. The distance is that of small pictures: colours of 8x8 pixels and directions of edges. So of ten frames
of one scene the first comes early, and the others late.

Audited images keep their places in the queue: a sample whose doubtful images are decided first would show more errors
than the model makes.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from contracts.outcomes import ReviewReason
from imaging.decoding import squash
from imaging.errors import ImageTooLarge, InvalidImage
from review.image import ImageUnavailable, read_original
from review.labels import AT_ONCE
from review.queue import Message

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from review.session import Order

# How many images are looked at to find the next ones; each is read once.
WINDOW = 200
SIDE = 32
CELLS = 4
DIRECTIONS = 8

Floats = NDArray[np.float64]


def teaching_most(s3: "S3Client") -> "Order":
    """Return the order for images that *s3* can read; it remembers how those look that are still waiting."""
    looks: dict[str, Floats] = {}

    def order(messages: Sequence[Message]) -> list[Message]:
        candidates = [one for one in messages if one.image.reason != ReviewReason.AUDIT]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            new = [one for one in candidates if one.id not in looks]
            looks.update(zip([one.id for one in new], pool.map(lambda one: _look(s3, one), new), strict=True))
        for gone in {*looks} - {one.id for one in candidates}:
            del looks[gone]
        places = ranked(
            np.array([uncertainty(one) for one in candidates]), np.array([looks[one.id] for one in candidates])
        )
        chosen = iter([candidates[place] for place in places])
        return [one if one.image.reason == ReviewReason.AUDIT else next(chosen) for one in messages]

    return order


def uncertainty(message: Message) -> float:
    """Return how little the model knows of an image, from 0 to 1.

    It is one minus the distance between its two largest probabilities, or how unusual an unfamiliar image is, as its
    probabilities mean little.
    """
    first, second, *_ = sorted([*message.image.model.inferences, 0.0], reverse=True)
    unsure = 1 - (first - second)
    familiarity = message.image.model.familiarity
    if message.image.reason == ReviewReason.UNFAMILIAR and familiarity is not None:
        unsure = max(unsure, 1 - familiarity)
    return unsure


def ranked(uncertainties: Floats, looks: Floats) -> list[int]:
    """Return the places of images in the order to decide them; shapes (n,) and (n, d)."""
    left = np.ones(len(uncertainties), dtype=bool)
    nearest = np.ones(len(uncertainties))
    places: list[int] = []
    # Where images are alike or the model is sure, the other still decides.
    weights = uncertainties + 1e-6
    for _ in weights:
        place = int(np.argmax(np.where(left, weights * (nearest + 1e-6), -1)))
        left[place] = False
        distances = np.linalg.norm(looks - looks[place], axis=1)
        nearest = np.minimum(nearest, distances) if places else distances
        places.append(place)
    return places


def describe(pixels: NDArray[np.uint8]) -> Floats:
    """Return how a picture of shape (SIDE, SIDE, 3) looks: its colours and the directions of its edges, (d,)."""
    rgb = pixels.astype(float) / 255
    blocks = rgb.reshape(8, SIDE // 8, 8, SIDE // 8, 3).mean((1, 3)).ravel()
    down, across = np.gradient(rgb.mean(2))
    direction = ((np.arctan2(down, across) / np.pi % 1) * DIRECTIONS).astype(int) % DIRECTIONS
    row = np.arange(SIDE) * CELLS // SIDE
    slot = (row[:, None] * CELLS + row[None]) * DIRECTIONS + direction
    edges: Floats = np.bincount(slot.ravel(), np.hypot(down, across).ravel(), CELLS**2 * DIRECTIONS).astype(float)
    return np.concatenate([_scaled(blocks - blocks.mean()), _scaled(edges)])


def _scaled(values: Floats) -> Floats:
    length = float(np.linalg.norm(values))
    return values / length if length else values


def _look(s3: "S3Client", message: Message) -> Floats:
    """Return how an image looks; one that can't be read looks like nothing else, and comes by its uncertainty alone."""
    try:
        picture, _ = squash(read_original(s3, message.image), SIDE)
    except (ImageUnavailable, InvalidImage, ImageTooLarge):
        return np.zeros(8 * 8 * 3 + CELLS**2 * DIRECTIONS)
    return describe(np.asarray(picture))
