"""How good probabilities are."""

import numpy as np
from numpy.typing import NDArray

BINS = 15


def accuracy(probabilities: NDArray[np.float64], codes: NDArray[np.intp]) -> float:
    """Share of rows, shape (n, k), whose most probable class is the true one, shape (n,)."""
    return float((probabilities.argmax(1) == codes).mean())


def calibration_error(probabilities: NDArray[np.float64], codes: NDArray[np.intp]) -> float:
    """Expected calibration error of the top class in 15 equal bins; Guo et al. 2017, arXiv 1706.04599."""
    confidence = probabilities.max(1)
    gaps = (probabilities.argmax(1) == codes) - confidence
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    return float(np.abs(np.bincount(bins, gaps, BINS)).sum() / len(codes))


def coverage(probabilities: NDArray[np.float64], codes: NDArray[np.intp], max_error: float = 0.02) -> float:
    """Largest share of rows that can be accepted, most confident first, with at most max_error of them wrong."""
    order = np.argsort(-probabilities.max(1), kind="stable")
    errors = np.cumsum(probabilities.argmax(1)[order] != codes[order])
    accepted = np.arange(1, len(codes) + 1)
    return float(accepted[errors <= max_error * accepted].max(initial=0) / len(codes))
