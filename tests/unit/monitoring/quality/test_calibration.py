import numpy as np
import pytest

from contracts.coverage import coverage_curve
from monitoring.quality.calibration import (
    at_threshold,
    calibration,
    expected_calibration_error,
    interval,
    recommend,
)


def test_the_recommendation_accepts_most_at_an_error_within_the_limit() -> None:
    # Best first: right, wrong, eight times right, wrong. At 10 accepted the error is exactly 0.1.
    correct = [True, False, *[True] * 8, False]
    confidence = [0.99 - 0.01 * rank for rank in range(11)]
    point = recommend(coverage_curve(confidence, correct), 0.1)
    assert point is not None
    assert point.coverage == pytest.approx(10 / 11)
    assert point.error == 0.1
    assert confidence[10] < point.threshold <= confidence[9]


@pytest.mark.parametrize(
    ("below", "last", "threshold"),
    [(0.5, 0.9, 0.7), (0.861, 0.869, 0.865), (0.8, 0.8 + 2e-12, 0.8 + 2e-12)],
)
def test_the_threshold_is_a_short_number_that_parts_the_two_images(below: float, last: float, threshold: float) -> None:
    point = recommend(coverage_curve([last, below], [True, False]), 0.0)
    assert point is not None
    assert point.threshold == threshold


def test_the_recommended_threshold_does_what_it_promises() -> None:
    rng = np.random.default_rng(7)
    confidence = rng.uniform(0.5, 1, 500)
    curve = coverage_curve(confidence, rng.uniform(0, 1, 500) < confidence)
    point = recommend(curve, 0.1)
    assert point is not None
    assert at_threshold(curve, point.threshold) == point
    assert point.error <= 0.1


def test_no_recommendation_where_the_surest_image_is_wrong() -> None:
    assert recommend(coverage_curve([0.9, 0.8], [False, False]), 0.02) is None


def test_a_threshold_equal_to_a_confidence_accepts_it_and_one_above_all_accepts_nothing() -> None:
    curve = coverage_curve([0.9, 0.8], [True, False])
    assert at_threshold(curve, 0.8).coverage == 1
    nothing = at_threshold(curve, 0.95)
    assert (nothing.coverage, nothing.error) == (0, 0)
    assert (nothing.error_interval.low, nothing.error_interval.high) == (0, 1)


def test_the_interval_is_the_exact_one() -> None:
    # No failure in n trials has the upper bound 1 - (alpha / 2) ** (1 / n).
    assert interval(0, 30).high == pytest.approx(1 - 0.025 ** (1 / 30))
    assert interval(0, 30).low == 0
    assert interval(30, 30).high == 1


def test_confidence_that_means_what_it_says_has_no_calibration_error() -> None:
    confidence = np.repeat([0.6, 1.0], 10)
    correct = np.array([True] * 6 + [False] * 4 + [True] * 10)
    assert expected_calibration_error(calibration(confidence, correct)) == pytest.approx(0)


def test_the_calibration_error_is_weighted_by_count() -> None:
    bins = calibration(np.array([0.9, 0.9, 0.9, 0.5]), np.array([True, True, True, False]))
    assert [entry.count for entry in bins] == [1, 3]
    assert expected_calibration_error(bins) == pytest.approx(0.75 * 0.1 + 0.25 * 0.5)


@pytest.mark.parametrize("confidence", [0.0, 1.0])
def test_the_ends_of_the_scale_fall_into_a_bin(confidence: float) -> None:
    [entry] = calibration(np.array([confidence]), np.array([True]))
    assert entry.low <= confidence <= entry.high
