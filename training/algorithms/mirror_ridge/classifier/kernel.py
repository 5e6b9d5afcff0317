"""The Gaussian kernel made blind to mirroring."""

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Real = TypeVar("Real", np.float32, np.float64)


def mirror_kernel(
    rows: NDArray[Real], landmarks: NDArray[Real], squares: NDArray[Real], odd: int, gamma: float
) -> NDArray[Real]:
    """Mean of the Gaussian kernel to each landmark and to its mirror image.

    Args:
        rows: array of shape (n, d)
        landmarks: array of shape (m, d)
        squares: array of shape (m,), squared lengths of the landmarks
        odd: number of columns at the end that change sign when an image is mirrored; the others don't
        gamma: per squared distance

    Returns:
        array of shape (n, m), values from 0 to 1
    """
    even = rows.shape[1] - odd
    near = np.square(rows).sum(1)[:, None] + squares - 2 * (rows[:, :even] @ landmarks[:, :even].T)
    if not odd:
        return _gauss(near, gamma)
    turned = 2 * (rows[:, even:] @ landmarks[:, even:].T)
    mean: NDArray[Real] = (_gauss(near - turned, gamma) + _gauss(near + turned, gamma)) / 2
    return mean


def _gauss(distances: NDArray[Real], gamma: float) -> NDArray[Real]:
    # Rounding can leave the squared distance of equal rows just below 0.
    values: NDArray[Real] = np.exp(-gamma * np.maximum(distances, 0))
    return values


def softmax(scores: NDArray[Any]) -> NDArray[np.float64]:
    """Probabilities from scores, along the last axis."""
    powers = np.exp(scores.astype(np.float64) - scores.max(-1, keepdims=True))
    shares: NDArray[np.float64] = powers / powers.sum(-1, keepdims=True)
    return shares
