"""Error against coverage: accepting only confident answers covers part of the images and leaves fewer errors in them.

Selective classification, as in El-Yaniv and Wiener, "On the Foundations of Noise-free Selective Classification", 2010:
https://jmlr.org/papers/v11/el-yaniv10a.html. A threshold accepts all answers of one confidence or none of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contracts.errors import WorkflowError


class CoverageError(WorkflowError):
    """Nothing can be said of these answers."""


@dataclass(frozen=True)
class CoverageCurve:
    """Coverage and error at each distinct confidence taken as threshold, from the highest down; arrays of shape (m,).

    `accepted` counts the answers at or above the threshold, `wrong` those of them that are wrong, of `total`.
    """

    thresholds: NDArray[np.float64]
    accepted: NDArray[np.int64]
    wrong: NDArray[np.int64]
    total: int

    @property
    def coverage(self) -> NDArray[np.float64]:
        """The share of all answers that is accepted."""
        return self.accepted / self.total

    @property
    def error(self) -> NDArray[np.float64]:
        """The share of the accepted answers that is wrong."""
        return self.wrong / self.accepted

    def widest(self, max_error: float) -> int | None:
        """The place of the threshold that accepts most with an error of at most *max_error*; None where none does.

        Raises CoverageError where *max_error* is not a proportion.
        """
        require_proportion(max_error)
        within = np.flatnonzero(self.error <= max_error)
        return int(within[-1]) if within.size else None


def require_proportion(max_error: float) -> None:
    """Raise CoverageError where *max_error* is not a proportion below 1."""
    if not 0 <= max_error < 1:
        raise CoverageError(f"The error that is tolerated must be at least 0 and below 1, not {max_error}.")


def coverage_curve(
    confidence: Sequence[float] | NDArray[np.float64], correct: Sequence[bool] | NDArray[np.bool_]
) -> CoverageCurve:
    """The curve of answers with these confidences, right or wrong; both of shape (n,).

    Raises CoverageError where there are none or a confidence is not a number.
    """
    confidences, rights = np.asarray(confidence, dtype=float), np.asarray(correct, dtype=bool)
    if not confidences.size or not np.isfinite(confidences).all():
        raise CoverageError("Coverage needs at least one prediction, and every confidence must be a finite number.")
    order = np.argsort(-confidences, kind="stable")
    confidences, rights = confidences[order], rights[order]
    # The last of each run of equal confidences stands for all of it.
    last = np.flatnonzero(np.append(confidences[1:] != confidences[:-1], True))
    return CoverageCurve(confidences[last], last + 1, np.cumsum(~rights)[last], confidences.size)


def coverage_at_error(curve: CoverageCurve, max_error: float) -> float:
    """The largest coverage with an error of at most *max_error*; 0 where no threshold keeps it."""
    place = curve.widest(max_error)
    return 0.0 if place is None else float(curve.coverage[place])
