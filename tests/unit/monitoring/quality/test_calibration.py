import numpy as np
import pytest
from scipy.stats import binomtest

from contracts.coverage import CoverageCurve, CoverageError, coverage_curve
from monitoring.quality.calibration import (
    Kept,
    at_threshold,
    calibration,
    expected_calibration_error,
    fewest_accepted,
    interval,
    kept,
    recommend,
    upper_bound,
)


def surest(right: int, *more: bool) -> CoverageCurve:
    """This many right answers, each less confident than the one before, then *more*."""
    correct = [True] * right + list(more)
    return coverage_curve(np.linspace(0.99, 0.5, len(correct)), correct)


@pytest.mark.parametrize(("right", "enough"), [(148, False), (149, True)])
def test_two_percent_take_149_right_answers_without_an_error(right: int, enough: bool) -> None:
    assert fewest_accepted(0.02) == 149
    assert (recommend(surest(right), 0.02) is not None) is enough


def test_no_error_in_eleven_is_no_recommendation() -> None:
    assert recommend(surest(11), 0.02) is None


def test_the_recommendation_is_the_lowest_threshold_whose_upper_bound_keeps_the_limit() -> None:
    # One error in 236 has an upper bound of 1.994%, in 235 of 2.003%.
    curve = surest(150, False, *[True] * 85, False)
    threshold = recommend(curve, 0.02)
    assert threshold is not None
    point = at_threshold(curve, threshold)
    assert (point.accepted, point.wrong) == (236, 1)
    assert point.error_upper <= 0.02 < upper_bound(1, 235)


@pytest.mark.parametrize(
    ("below", "last", "threshold"),
    [(0.5, 0.94, 0.9), (0.861, 0.869, 0.869), (0.86, 0.8699, 0.869), (0.8, 0.8 + 2e-12, 0.8 + 2e-12)],
)
def test_the_threshold_is_a_short_number_that_separates_two_images(below: float, last: float, threshold: float) -> None:
    curve = coverage_curve([last] * 149 + [below], [True] * 149 + [False])
    assert recommend(curve, 0.02) == pytest.approx(threshold, abs=1e-12)
    assert at_threshold(curve, recommend(curve, 0.02)).accepted == 149


def test_no_recommendation_where_the_surest_image_is_wrong_or_no_error_is_tolerated() -> None:
    assert recommend(coverage_curve([0.9, 0.8], [False, False]), 0.02) is None
    assert recommend(surest(1000), 0.0) is None


@pytest.mark.parametrize("max_error", [-0.01, 1.0, np.nan])
def test_an_error_that_is_no_proportion_is_refused(max_error: float) -> None:
    with pytest.raises(CoverageError, match="tolerated"):
        recommend(surest(10), max_error)


@pytest.mark.parametrize(
    ("wrong", "accepted", "expected"),
    [(0, 149, Kept.YES), (0, 148, Kept.UNSURE), (0, 0, Kept.UNSURE), (2, 19, Kept.UNSURE), (2, 18, Kept.NO)],
)
def test_a_limit_is_kept_or_not_where_a_bound_says_so(wrong: int, accepted: int, expected: Kept) -> None:
    assert kept(wrong, accepted, 0.02) is expected


def test_the_bounds_are_those_of_scipys_exact_test() -> None:
    for successes, total in [(0, 1), (1, 1), (3, 17), (17, 1000), (999, 1000)]:
        judged = binomtest(successes, total)
        two_sided = judged.proportion_ci(0.95, method="exact")
        assert (interval(successes, total).low, interval(successes, total).high) == pytest.approx(
            (two_sided.low, two_sided.high)
        )
        one_sided = binomtest(successes, total, alternative="less").proportion_ci(0.95, method="exact")
        assert upper_bound(successes, total) == pytest.approx(one_sided.high)


def test_a_threshold_equal_to_a_confidence_accepts_it_and_one_above_all_accepts_nothing() -> None:
    curve = coverage_curve([0.9, 0.8], [True, False])
    assert at_threshold(curve, 0.8).coverage == 1
    for above in (0.95, None):
        nothing = at_threshold(curve, above)
        assert (nothing.images, nothing.accepted, nothing.coverage, nothing.error) == (2, 0, 0, 0)
        assert (nothing.error_interval.low, nothing.error_interval.high, nothing.error_upper) == (0, 1, 1)


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
