"""How familiar an image is: whether the model has seen anything like it, whatever it answers.

A classifier is sure of many images that show none of its classes. An image's distance to the training images tells
them apart, and the distances of the training images to each other tell how far is too far.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NEIGHBOURS = 5
LIMIT = 0.05
"""Share of images like the training images that are called unfamiliar."""
REFERENCES = 1500
"""Most training images that distances are taken to; memory and model grow with it."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Familiarity:
    """Judges images by their mean cosine distance to the five nearest training images.

    Attributes:
        references: array of shape (r, p), pooled features of training images, of length 1
        distances: array of shape (r,), the distance of each of them to the others, ascending
        limit: the score below which an image is unfamiliar
    """

    references: Floats
    distances: Floats
    limit: float = LIMIT

    def score(self, pooled: Floats) -> NDArray[np.float64]:
        """Share of the training images that are at least as unusual, the image itself counted as one of them.

        Such a conformal p-value is below 0.05 for at most 5% of new images like the training images, however few
        those are; with fewer than 20 of them it never is. Vovk et al., "Algorithmic Learning in a Random World", 2005.

        Args:
            pooled: array of shape (n, p), of the images in question

        Returns:
            array of shape (n,), from 1 / (r + 1) to 1
        """
        similar = _unit(pooled) @ self.references.T
        nearer = np.searchsorted(self.distances, _distances(similar), side="left")
        scores: NDArray[np.float64] = (len(self.distances) - nearer + 1) / (len(self.distances) + 1)
        return scores


def learn(pooled: Floats) -> Familiarity:
    """Learn from the pooled features of two or more training images, shape (n, p)."""
    chosen = np.linspace(0, len(pooled) - 1, min(len(pooled), REFERENCES)).round().astype(int)
    references = _unit(pooled[chosen])
    similar = references @ references.T
    # A new image isn't among the training images, so none of them may be near itself.
    np.fill_diagonal(similar, -np.inf)
    return Familiarity(references, np.sort(_distances(similar, len(chosen) - 1)))


def _unit(rows: Floats) -> Floats:
    unit: Floats = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.float32(1e-12))
    # In half precision, as the model's file stores the references, so that an image equal to one is as near to it.
    return unit.astype(np.float16).astype(np.float32)


def _distances(similar: Floats, others: int | None = None) -> Floats:
    """Mean distance to the nearest of the references, of which others can be near (all by default)."""
    count = min(NEIGHBOURS, others or similar.shape[1])
    nearest = np.partition(similar, -count, axis=1)[:, -count:]
    # Equal images must be equally far, in whichever order their products are summed.
    distances: Floats = (1 - nearest.mean(1)).round(5)
    return distances
