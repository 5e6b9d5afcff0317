"""The Gaussian kernel made blind to mirroring."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def mirror_kernel(rows: Floats, landmarks: Floats, odd: int, gamma: float) -> Floats:
    """Mean of the Gaussian kernel to each landmark and to its mirror image.

    Parameters
    ----------
    rows : array of shape (n, d)
    landmarks : array of shape (m, d)
    odd : the last so many columns change sign when an image is mirrored; the others stay
    gamma : per squared distance

    Returns
    -------
    array of shape (n, m), values in [0, 1]
    """
    even = rows.shape[1] - odd
    squares = np.square(rows).sum(1)[:, None] + np.square(landmarks).sum(1)
    same = rows[:, :even] @ landmarks[:, :even].T
    swapped = rows[:, even:] @ landmarks[:, even:].T
    near = np.exp(-gamma * np.maximum(squares - 2 * (same + swapped), 0))
    if not odd:
        return near
    near += np.exp(-gamma * np.maximum(squares - 2 * (same - swapped), 0))
    return near / 2


def softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities from scores, along the last axis."""
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)
