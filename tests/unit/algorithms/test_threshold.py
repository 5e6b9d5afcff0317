"""The recommended threshold: what it needs to recommend one, where it lies, and whether it keeps its promise."""

from collections.abc import Collection

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom

from classifier.threshold import Threshold, error_upper, recommend


def answers(confidences: list[float], wrong: Collection[int] = ()) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Probabilities of two classes of which the first is the more probable, and the true classes."""
    larger = np.array(confidences)
    codes = np.array([int(place in wrong) for place in range(len(confidences))])
    return np.column_stack([larger, 1 - larger]), codes


def test_149_images_without_an_error_are_needed_for_an_error_of_2_percent() -> None:
    assert recommend(*answers([0.9] * 148), 0.02) == Threshold(None, 0.02, 148, 0, 0, 1.0)
    enough = recommend(*answers([0.9] * 149), 0.02)
    assert (enough.value, enough.images, enough.accepted, enough.wrong) == (0.9, 149, 149, 0)
    assert 0.0199 < enough.error_upper < 0.02


def test_the_lowest_threshold_that_keeps_the_error_is_taken() -> None:
    confidences = np.linspace(0.999, 0.7, 600).tolist()
    # After the first error the bound is broken until enough right answers follow.
    chosen = recommend(*answers(confidences, {150, *range(590, 600)}), 0.02)
    assert (chosen.accepted, chosen.wrong) == (595, 6)
    assert chosen.value is not None
    assert sum(confidence >= chosen.value for confidence in confidences) == 595
    upper = error_upper(np.array([6, 7]), np.array([595, 596]))
    assert upper[0] == chosen.error_upper <= 0.02 < upper[1]


def test_images_of_one_confidence_are_accepted_together_or_not_at_all() -> None:
    sure, tied = [0.99] * 150, [0.8] * 50
    assert recommend(*answers(sure + tied, {199}), 0.02).accepted == 150
    # 150 and the 49 right ones of the tie would keep the error.
    assert recommend(*answers(sure + tied, {150, 151}), 0.02).accepted == 150
    assert recommend(*answers(sure + tied), 0.02).accepted == 200


@pytest.mark.parametrize(
    ("below", "above", "value"),
    [(0.6, 0.7, 0.7), (0.6, 0.78, 0.7), (0.74, 0.786, 0.78), (0.7312, 0.7318, 0.7318), (0.999, 1.0, 1.0)],
)
def test_the_threshold_is_the_shortest_decimal_between_accepted_and_not(
    below: float, above: float, value: float
) -> None:
    chosen = recommend(*answers([above] * 150 + [below] * 50, set(range(150, 200))), 0.02)
    assert chosen.value == pytest.approx(value)
    assert len(str(chosen.value)) <= len(str(above))
    assert chosen.value is not None
    assert below < chosen.value <= above


def test_neighbouring_numbers_are_separated() -> None:
    above = float(np.nextafter(0.7, 1))
    assert recommend(*answers([above] * 150 + [0.7] * 50, set(range(150, 200))), 0.02).value == above


def test_where_all_are_accepted_the_threshold_is_still_above_0() -> None:
    value = recommend(*answers([0.97] * 200), 0.02).value
    assert value is not None
    assert 0 < value <= 0.97


def test_nothing_is_accepted_where_the_answers_are_wrong() -> None:
    assert recommend(*answers([0.9] * 500, set(range(500))), 0.5).value is None


def test_the_upper_bound_is_the_error_at_which_so_few_wrong_ones_are_seen_once_in_20_times() -> None:
    for wrong, accepted in ((0, 1), (0, 149), (3, 200), (17, 18)):
        bound = float(error_upper(np.array([wrong]), np.array([accepted]))[0])
        assert binom.cdf(wrong, accepted, bound) == pytest.approx(0.05)
    assert error_upper(np.array([5]), np.array([5]))[0] == 1


def test_the_error_of_new_images_is_seldom_above_the_one_promised() -> None:
    draw = np.random.default_rng(0)
    broken = 0
    for _ in range(200):
        confidence = draw.uniform(0.5, 1, 1000)
        probabilities = np.column_stack([confidence, 1 - confidence])
        codes = (draw.uniform(size=1000) > confidence).astype(np.intp)
        chosen = recommend(probabilities, codes, 0.05)
        # Among the accepted the confidence is uniform, and it is the chance to be right.
        broken += chosen.value is not None and 1 - (1 + chosen.value) / 2 > 0.05
    # One in 20 for a fixed threshold; choosing among many costs some.
    assert broken <= 30
