"""Accuracy, calibration error and coverage by hand-made examples."""

import numpy as np
import pytest
from numpy.typing import NDArray

from classifier.metrics import accuracy, calibration_error, coverage


def confident(confidences: list[float]) -> NDArray[np.float64]:
    return np.array([[confidence, 1 - confidence] for confidence in confidences])


def test_accuracy_is_the_share_of_right_answers() -> None:
    assert accuracy(confident([0.9, 0.8, 0.6, 0.3]), np.array([0, 0, 1, 1])) == 0.75


def test_confidence_of_a_half_and_half_the_answers_right_is_calibrated() -> None:
    assert calibration_error(confident([0.5] * 10), np.array([0, 1] * 5)) == 0


def test_full_confidence_in_wrong_answers_is_an_error_of_one() -> None:
    assert calibration_error(confident([1.0] * 3), np.array([1, 1, 1])) == 1


def test_errors_of_different_bins_do_not_cancel() -> None:
    probabilities, codes = confident([0.6, 0.6, 0.9, 0.9]), np.array([0, 0, 0, 1])
    assert calibration_error(probabilities, codes) == pytest.approx((2 * 0.4 + 2 * 0.4) / 4)


def test_coverage_stops_where_the_share_of_errors_passes_the_bound() -> None:
    codes = np.array([0] * 50 + [1] + [0] * 9 + [1, 1])
    probabilities = confident(np.linspace(0.99, 0.6, len(codes)).tolist())
    assert coverage(probabilities, codes, 0.02) == 60 / 62
    assert coverage(probabilities, codes, 1 / 60) == 60 / 62
    assert coverage(probabilities, codes, 0.0) == 50 / 62


def test_nothing_is_covered_when_the_most_confident_answer_is_wrong() -> None:
    assert coverage(confident([0.99, 0.7]), np.array([1, 0]), 0.02) == 0
