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
    """Largest share of rows that a threshold of confidence accepts with at most max_error of them wrong."""
    confidence = probabilities.max(1)
    order = np.argsort(-confidence, kind="stable")
    wrong = np.cumsum(probabilities.argmax(1)[order] != codes[order])
    accepted = np.arange(1, len(codes) + 1)
    # A threshold accepts all rows of one confidence or none: only the last of each run can be its end.
    last = np.append(np.diff(confidence[order]) != 0, True)
    return float(accepted[last & (wrong / accepted <= max_error)].max(initial=0) / len(codes))
