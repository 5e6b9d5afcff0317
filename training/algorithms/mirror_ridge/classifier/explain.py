"""Where in an image the answer comes from."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.features import Features

Scores = Callable[[NDArray[np.float32]], NDArray[Any]]


def explain(row: NDArray[np.float32], features: Features, scores: Scores) -> NDArray[np.float64]:
    """Blank each cell of the image in the features and see how much of the answer's margin goes with it.

    Features that describe one cell, in the image or in its mirror image, are set to their mean over the training
    images; no pixel is changed and nothing is computed from the image again.

    Args:
        row: standardised features of one image, shape (d,)
        features: what they are
        scores: takes standardised features (n, d) to the scores of the classes (n, k)

    Returns:
        array of the shape of the grid: each cell's share in what spoke for the answered class, which sum to 1; all 0
        where no single cell spoke for it
    """
    all_scores = scores(np.concatenate([row[np.newaxis], _blanked(row, features)])).astype(np.float64)
    own = int(all_scores[0].argmax())
    margins = all_scores[:, own] - np.delete(all_scores, own, axis=1).max(1)
    lost = np.maximum(margins[0] - margins[1:], 0)
    shares: NDArray[np.float64] = lost / max(lost.sum(), np.finfo(float).tiny)
    return shares.reshape(features.grid)


def _blanked(row: NDArray[np.float32], features: Features) -> NDArray[np.float32]:
    """The features with one cell after the other blanked, shape (cells, d)."""
    rows, columns = features.grid
    even, odd = np.split(row, 2)
    # The halves are sum and difference of what describes a cell and of what describes its place in the mirror image.
    here, there = (even + odd) / 2, (even - odd) / 2
    mirrored = np.where(features.cells < 0, -1, _mirrored(features.cells, columns))
    cells = np.arange(rows * columns)[:, np.newaxis]
    kept_here, kept_there = here * (features.cells != cells), there * (mirrored != cells)
    return np.concatenate([kept_here + kept_there, kept_here - kept_there], axis=1)


def _mirrored(cells: NDArray[np.intp], columns: int) -> NDArray[np.intp]:
    """The cells that take the place of these in the mirror image."""
    return cells // columns * columns + columns - 1 - cells % columns
