"""How good predictions are where the truth is known: calibration, and what a confidence threshold does."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest

from contracts.coverage import CoverageCurve

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

CONFIDENCE_LEVEL = 0.95
CALIBRATION_BINS = 15


@dataclass(frozen=True)
class Interval:
    """A Clopper-Pearson interval of a proportion, at CONFIDENCE_LEVEL."""

    low: float
    high: float


@dataclass(frozen=True)
class OperatingPoint:
    """What a threshold does: how much it accepts and how much of that is wrong."""

    threshold: float
    coverage: float
    coverage_interval: Interval
    error: float
    error_interval: Interval


@dataclass(frozen=True)
class CalibrationBin:
    """Predictions of like confidence: `count` of them, their mean confidence and the share that is right."""

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


def interval(successes: int, total: int) -> Interval:
    """The exact interval of *successes* in *total*; from 0 to 1 where nothing was tried."""
    if total == 0:
        return Interval(0.0, 1.0)
    bounds = binomtest(successes, total).proportion_ci(CONFIDENCE_LEVEL, method="exact")
    return Interval(float(bounds.low), float(bounds.high))


def recommend(curve: CoverageCurve, max_error: float) -> OperatingPoint | None:
    """The threshold that accepts most while the error among the accepted is at most *max_error*; None where none does.

    The threshold is the shortest decimal that parts the last accepted confidence from the first that is not.
    Raises CoverageError where *max_error* is not a proportion.
    """
    chosen = curve.widest(max_error)
    if chosen is None:
        return None
    below = float(curve.thresholds[chosen + 1]) if chosen + 1 < curve.thresholds.size else 0.0
    return _point(curve, _shortest_between(below, float(curve.thresholds[chosen])), chosen)


def at_threshold(curve: CoverageCurve, threshold: float) -> OperatingPoint:
    """What *threshold* does; where it accepts nothing, coverage and error are 0."""
    return _point(curve, threshold, int(np.count_nonzero(curve.thresholds >= threshold)) - 1)


def calibration(confidence: Floats, correct: Bools) -> list[CalibrationBin]:
    """The predictions in CALIBRATION_BINS bins of equal width from 0 to 1; bins with none are left out."""
    edges = np.linspace(0, 1, CALIBRATION_BINS + 1)
    numbers = np.clip(np.digitize(confidence, edges, right=True) - 1, 0, CALIBRATION_BINS - 1)
    return [
        CalibrationBin(
            low=float(edges[number]),
            high=float(edges[number + 1]),
            count=int(np.count_nonzero(numbers == number)),
            confidence=float(confidence[numbers == number].mean()),
            accuracy=float(correct[numbers == number].mean()),
        )
        for number in np.unique(numbers)
    ]


def expected_calibration_error(bins: Sequence[CalibrationBin]) -> float:
    """The mean distance of confidence from accuracy, weighted by the bins' counts (Guo et al., 2017)."""
    total = sum(entry.count for entry in bins)
    return sum(entry.count * abs(entry.confidence - entry.accuracy) for entry in bins) / total


def _point(curve: CoverageCurve, threshold: float, index: int) -> OperatingPoint:
    accepted = int(curve.accepted[index]) if index >= 0 else 0
    wrong = int(curve.wrong[index]) if index >= 0 else 0
    return OperatingPoint(
        threshold=threshold,
        coverage=accepted / curve.total,
        coverage_interval=interval(accepted, curve.total),
        error=wrong / accepted if accepted else 0.0,
        error_interval=interval(wrong, accepted),
    )


def _shortest_between(below: float, at_most: float) -> float:
    """The number of fewest decimals in `(below, at_most]`, nearest to the middle; `at_most` where that is none."""
    middle = (below + at_most) / 2
    for digits in range(2, 10):
        candidate = round(middle, digits)
        if below < candidate <= at_most:
            return candidate
    return at_most
