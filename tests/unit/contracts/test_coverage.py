import math

import numpy as np
import pytest

from contracts.coverage import CoverageError, coverage_at_error, coverage_curve
from contracts.outcomes import is_accepted
from tests.messages import exactly

NAN = float("nan")


def test_the_curve_counts_accepted_and_wrong_at_each_threshold() -> None:
    curve = coverage_curve([0.6, 0.9, 0.8, 0.7], [False, True, True, False])
    assert curve.thresholds.tolist() == [0.9, 0.8, 0.7, 0.6]
    assert curve.accepted.tolist() == [1, 2, 3, 4]
    assert curve.wrong.tolist() == [0, 0, 1, 2]
    assert curve.total == 4
    assert curve.coverage.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert curve.error.tolist() == [0, 0, pytest.approx(1 / 3), 0.5]


def test_equal_confidences_are_accepted_together() -> None:
    curve = coverage_curve([0.8, 0.9, 0.8, 0.8], [True, True, False, True])
    assert curve.thresholds.tolist() == [0.9, 0.8]
    assert curve.accepted.tolist() == [1, 4]
    assert curve.wrong.tolist() == [0, 1]


@pytest.mark.parametrize("wrong", range(10))
def test_of_ten_equal_confidences_all_are_accepted_or_none(wrong: int) -> None:
    curve = coverage_curve([0.9] * 10, [place != wrong for place in range(10)])
    assert coverage_at_error(curve, 0.1) == 1.0
    assert coverage_at_error(curve, math.nextafter(0.1, 0)) == 0.0


def test_the_coverage_may_grow_again_after_an_error() -> None:
    # Best first: right, wrong, eight times right, wrong. At 10 accepted the error is exactly 0.1.
    correct = [True, False, *[True] * 8, False]
    curve = coverage_curve([0.99 - 0.01 * rank for rank in range(11)], correct)
    assert coverage_at_error(curve, 0.1) == pytest.approx(10 / 11)
    assert coverage_at_error(curve, 0.05) == pytest.approx(1 / 11)
    assert curve.widest(0.1) == 9


def test_an_error_that_is_exactly_tolerated_is_kept_in_floating_point() -> None:
    # 0.29 * 100 is a little less than 29.
    curve = coverage_curve([0.9] * 100, [False] * 29 + [True] * 71)
    assert coverage_at_error(curve, 0.29) == 1.0


def test_nothing_is_covered_where_the_surest_answer_is_wrong() -> None:
    curve = coverage_curve([0.9, 0.8], [False, False])
    assert curve.widest(0.02) is None
    assert coverage_at_error(curve, 0.02) == 0.0


def test_a_point_of_the_curve_counts_what_its_threshold_accepts() -> None:
    rng = np.random.default_rng(7)
    confidence, correct = rng.integers(50, 60, 300) / 60, rng.uniform(0, 1, 300) < 0.9
    curve = coverage_curve(confidence, correct)
    for threshold, accepted, wrong in zip(curve.thresholds, curve.accepted, curve.wrong, strict=True):
        taken = [bool(right) for score, right in zip(confidence, correct, strict=True) if is_accepted(score, threshold)]
        assert (len(taken), taken.count(False)) == (accepted, wrong)


@pytest.mark.parametrize("max_error", [-0.01, 1.0, NAN])
def test_an_error_limit_that_is_no_proportion_is_refused(max_error: float) -> None:
    with pytest.raises(CoverageError, match=f"at least 0 and below 1, not {max_error}"):
        coverage_at_error(coverage_curve([0.9], [True]), max_error)


def test_no_error_may_be_tolerated() -> None:
    assert coverage_at_error(coverage_curve([0.9, 0.8], [True, False]), 0) == 0.5


@pytest.mark.parametrize("confidence", [[], [NAN], [0.5, float("inf")]])
def test_a_curve_of_nothing_or_of_no_numbers_is_refused(confidence: list[float]) -> None:
    message = "Coverage needs at least one prediction, and every confidence must be a finite number."
    with pytest.raises(CoverageError, match=exactly(message)):
        coverage_curve(confidence, [True] * len(confidence))


def test_confidences_that_are_whole_numbers_are_numbers_too() -> None:
    curve = coverage_curve([0, 1], [False, True])
    assert curve.thresholds.dtype == np.float64
    assert (curve.thresholds.tolist(), curve.wrong.tolist()) == ([1.0, 0.0], [0, 1])
