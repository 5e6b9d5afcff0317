"""Two models on the same test images: how good each is, and whether they differ by more than chance.

Right answers and accepted images are compared image by image, by McNemar's test in its exact form: of the images on
which two equally good models differ, each wins half. Source: McNemar, "Note on the sampling error of the difference
between correlated proportions or percentages", Psychometrika 12, 1947, with the binomial distribution. The errors among
the accepted are shares of different images, and are compared by Fisher's exact test.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

# Its part `stats`, which takes most of a second, is imported at the first use.
import scipy

from contracts.judged import Judged
from monitoring.errors import MonitoringError
from monitoring.quality.calibration import Interval, calibration, expected_calibration_error, interval

SIGNIFICANCE = 0.05
# A model that accepts fewer images costs work and no errors, and retraining alone moves a threshold a little.
LEAST_COVERAGE_LOSS = 0.05


class NotComparable(MonitoringError):
    """Two models were not judged by the same images."""


@dataclass(frozen=True)
class Figures:
    """How one model does on the test images, by its own threshold; `threshold` None accepts nothing.

    `error` is the share of wrong answers among the accepted, None where nothing is accepted.
    """

    release: str
    threshold: float | None
    accuracy: float
    accuracy_interval: Interval
    coverage: float
    coverage_interval: Interval
    error: float | None
    error_interval: Interval
    expected_calibration_error: float


@dataclass(frozen=True)
class Pairs:
    """On how many images something holds of only one of the two models, and the p-value of McNemar's exact test."""

    first_only: int
    second_only: int
    p_value: float

    @property
    def differ(self) -> bool:
        """Whether the models differ by more than chance."""
        return self.p_value < SIGNIFICANCE


@dataclass(frozen=True)
class Verdict:
    """What becomes of an image by one model."""

    label: str
    confidence: float
    accepted: bool


@dataclass(frozen=True)
class Difference:
    """An image that the two models label differently, or that only one of them accepts."""

    file: str
    sha256: str
    truth: str
    first: Verdict
    second: Verdict


@dataclass(frozen=True)
class Comparison:
    """The two models' figures, and the images on which they differ; of `images` test images.

    `error_p_value` is that of Fisher's exact test of the errors among the accepted.
    """

    images: int
    first: Figures
    second: Figures
    right: Pairs
    accepted: Pairs
    error_p_value: float
    differences: tuple[Difference, ...]

    @property
    def faults(self) -> tuple[str, ...]:
        """Why the second model is worse than the first, a clause each; none where it isn't worse."""
        return tuple(_faults(self))


def compare(first: Sequence[Judged], second: Sequence[Judged]) -> Comparison:
    """Compare what two models answered of the same images.

    Raises:
        NotComparable: the images or their classes are not the same.
    """
    other = {one.sha256: one for one in second}
    shared = [one for one in first if one.sha256 in other and other[one.sha256].truth == one.truth]
    if len(shared) < max(len(first), len(second)):
        raise NotComparable(
            f"The models were tested on different images: {len(first)} and {len(second)}, with {len(shared)} in "
            "common. Train both on the same data set."
        )
    pairs = [(one, other[one.sha256]) for one in first]
    return Comparison(
        images=len(pairs),
        first=_figures(first),
        second=_figures(second),
        right=_pairs(pairs, lambda one: one.right),
        accepted=_pairs(pairs, lambda one: one.accepted),
        error_p_value=_fisher(first, second),
        differences=tuple(
            Difference(one.file, one.sha256, one.truth, _verdict(one), _verdict(another))
            for one, another in pairs
            if _differ(one, another)
        ),
    )


def mcnemar(first_only: int, second_only: int) -> float:
    """Return the two-sided p-value of McNemar's exact test; 1 where the two differ nowhere."""
    discordant = first_only + second_only
    return float(scipy.stats.binomtest(first_only, discordant).pvalue) if discordant else 1.0


def _pairs(pairs: Sequence[tuple[Judged, Judged]], holds: Callable[[Judged], bool]) -> Pairs:
    held = [(holds(one), holds(another)) for one, another in pairs]
    first_only, second_only = held.count((True, False)), held.count((False, True))
    return Pairs(first_only, second_only, mcnemar(first_only, second_only))


def _fisher(first: Sequence[Judged], second: Sequence[Judged]) -> float:
    accepted = [[one.right for one in side if one.accepted] for side in (first, second)]
    return float(scipy.stats.fisher_exact([[rights.count(True), rights.count(False)] for rights in accepted]).pvalue)


def _figures(judged: Sequence[Judged]) -> Figures:
    total, right = len(judged), sum(one.right for one in judged)
    accepted = [one for one in judged if one.accepted]
    wrong = sum(not one.right for one in accepted)
    confidence = np.array([one.answer.confidence for one in judged])
    bins = calibration(confidence, np.array([one.right for one in judged]))
    return Figures(
        release=str(judged[0].answer.release),
        threshold=judged[0].answer.threshold,
        accuracy=right / total,
        accuracy_interval=interval(right, total),
        coverage=len(accepted) / total,
        coverage_interval=interval(len(accepted), total),
        error=wrong / len(accepted) if accepted else None,
        error_interval=interval(wrong, len(accepted)),
        expected_calibration_error=expected_calibration_error(bins),
    )


def _differ(one: Judged, another: Judged) -> bool:
    return one.answer.label != another.answer.label or one.accepted != another.accepted


def _verdict(one: Judged) -> Verdict:
    return Verdict(one.answer.label, one.answer.confidence, one.accepted)


def _faults(found: Comparison) -> Iterator[str]:
    first, second = found.first, found.second
    if found.right.differ and second.accuracy < first.accuracy:
        yield f"its accuracy is {second.accuracy:.1%} instead of {first.accuracy:.1%} (p = {found.right.p_value:.2g})"
    if found.error_p_value < SIGNIFICANCE and (second.error or 0) > (first.error or 0):
        yield (
            f"of the images that it accepts, {second.error or 0:.1%} are wrong instead of {first.error or 0:.1%} "
            f"(p = {found.error_p_value:.2g})"
        )
    if found.accepted.differ and first.coverage - second.coverage >= LEAST_COVERAGE_LOSS:
        yield f"it accepts {second.coverage:.1%} of the images instead of {first.coverage:.1%}"
