"""How good predictions are where the truth is known: calibration, and what a confidence threshold does."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv

from contracts.coverage import CoverageCurve, CoverageError, require_proportion

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
    """What a threshold does to `images`: how many it accepts, and how many of those are wrong.

    `threshold` None accepts nothing. `error_upper` is the largest error that `wrong` of `accepted` still allow for, by
    `upper_bound`; where nothing is accepted, `error` is 0 and `error_upper` 1.
    """

    threshold: float | None
    images: int
    accepted: int
    wrong: int
    coverage: float
    coverage_interval: Interval
    error: float
    error_interval: Interval
    error_upper: float


class Kept(StrEnum):
    """Whether the error among the accepted keeps a limit: shown, neither shown nor refuted, or refuted."""

    YES = "yes"
    UNSURE = "unsure"
    NO = "no"


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
    tail = (1 + CONFIDENCE_LEVEL) / 2
    return Interval(float(_lower(successes, total, tail)), float(_upper(successes, total, tail)))


def upper_bound(wrong: npt.ArrayLike, accepted: npt.ArrayLike) -> Any:
    """The exact one-sided upper bound of an error at CONFIDENCE_LEVEL (Clopper and Pearson, 1934), number by number.

    1 where all are wrong, or nothing is accepted.
    """
    return _upper(wrong, accepted, CONFIDENCE_LEVEL)


def kept(wrong: int, accepted: int, max_error: float) -> Kept:
    """Whether *wrong* of *accepted* keep *max_error*, by the one-sided bounds at CONFIDENCE_LEVEL."""
    if upper_bound(wrong, accepted) <= max_error:
        return Kept.YES
    return Kept.NO if _lower(wrong, accepted, CONFIDENCE_LEVEL) > max_error else Kept.UNSURE


def fewest_accepted(max_error: float) -> int:
    """How many accepted images without a single error it takes to show *max_error*, which is above 0."""
    return math.ceil(math.log(1 - CONFIDENCE_LEVEL) / math.log(1 - max_error))


def recommend(curve: CoverageCurve, max_error: float) -> float | None:
    """The lowest threshold at which `upper_bound` of the error among the accepted is at most *max_error*, or None.

    It is the shortest decimal that separates the last accepted confidence from the first that isn't. Training sets the
    threshold of a release by the same rule. Raises CoverageError where *max_error* is not a proportion.
    """
    require_proportion(max_error)
    within = np.flatnonzero(upper_bound(curve.wrong, curve.accepted) <= max_error)
    if not within.size:
        return None
    last = within[-1]
    below = float(curve.thresholds[last + 1]) if last + 1 < curve.thresholds.size else 0.0
    return _shortest(below, float(curve.thresholds[last]))


def at_threshold(curve: CoverageCurve, threshold: float | None) -> OperatingPoint:
    """What *threshold* does to the answers of *curve*."""
    place = -1 if threshold is None else int(np.count_nonzero(curve.thresholds >= threshold)) - 1
    if place < 0:
        return operating_point(threshold, curve.total, 0, 0)
    return operating_point(threshold, curve.total, int(curve.accepted[place]), int(curve.wrong[place]))


def operating_point(threshold: float | None, images: int, accepted: int, wrong: int) -> OperatingPoint:
    """The figures that follow from the counts; CoverageError where there are no *images*."""
    if not images:
        raise CoverageError("A threshold can't be judged without images.")
    return OperatingPoint(
        threshold=threshold,
        images=images,
        accepted=accepted,
        wrong=wrong,
        coverage=accepted / images,
        coverage_interval=interval(accepted, images),
        error=wrong / accepted if accepted else 0.0,
        error_interval=interval(wrong, accepted),
        error_upper=float(upper_bound(wrong, accepted)),
    )


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


def merged(bins: Sequence[CalibrationBin], fewest: int) -> list[CalibrationBin]:
    """*bins* in order, joined with their neighbours until each has *fewest* predictions; a single one may have less."""
    found: list[CalibrationBin] = []
    for entry in bins:
        if found and found[-1].count < fewest:
            found[-1] = _joined(found[-1], entry)
        else:
            found.append(entry)
    if len(found) > 1 and found[-1].count < fewest:
        last = found.pop()
        found[-1] = _joined(found[-1], last)
    return found


def expected_calibration_error(bins: Sequence[CalibrationBin]) -> float:
    """The mean distance of confidence from accuracy, weighted by the bins' counts (Guo et al., 2017)."""
    total = sum(entry.count for entry in bins)
    return sum(entry.count * abs(entry.confidence - entry.accuracy) for entry in bins) / total


def _joined(first: CalibrationBin, second: CalibrationBin) -> CalibrationBin:
    count = first.count + second.count
    shares = first.count / count, second.count / count
    return CalibrationBin(
        low=first.low,
        high=second.high,
        count=count,
        confidence=shares[0] * first.confidence + shares[1] * second.confidence,
        accuracy=shares[0] * first.accuracy + shares[1] * second.accuracy,
    )


def _upper(successes: npt.ArrayLike, total: npt.ArrayLike, level: float) -> Any:
    """The proportion for which so few successes, or fewer, have the probability 1 - *level*."""
    found, tried = np.asarray(successes), np.asarray(total)
    # The inverse isn't defined where nothing failed: then any proportion may be the true one.
    return np.where(found < tried, betaincinv(found + 1, np.maximum(tried - found, 1), level), 1.0)


def _lower(successes: npt.ArrayLike, total: npt.ArrayLike, level: float) -> Any:
    """The mirror image of `_upper`: the bound of the failures, from above."""
    return 1 - _upper(np.asarray(total) - np.asarray(successes), total, level)


def _shortest(below: float, at_most: float) -> float:
    """The number of fewest decimals in `(below, at_most]`."""
    for digits in range(17):
        candidate = math.floor(at_most * 10.0**digits) / 10.0**digits
        if below < candidate <= at_most:
            return candidate
    return at_most
