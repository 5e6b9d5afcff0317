import math

import numpy as np
import pytest
from scipy.stats import chi2, ks_2samp, norm

from monitoring.drift import two_sample
from monitoring.drift.two_sample import Comparison, compare_descriptions, compare_labels, compare_values


def values(count: int, seed: int, shift: float = 0) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.random.default_rng(seed).normal(shift, 1, count)


def rows(count: int, seed: int, shift: float = 0) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.random.default_rng(seed).normal(shift, 1, (count, 20))


def test_a_sample_is_like_itself_and_one_apart_has_nothing_in_common() -> None:
    one = values(300, 0)
    same, apart = compare_values(one, one), compare_values(one, one + 100)
    assert (same.distance, same.p_value, same.psi) == (0, 1, 0)
    assert apart.distance == 1
    assert apart.p_value < 1e-50
    assert apart.psi is not None
    assert apart.psi > 5


def test_constants_are_alike_or_not() -> None:
    ones = np.ones(50)
    assert compare_values(ones, ones) == Comparison(0.0, 1.0, 0.0, 0.0)
    for other in (ones * 0.5, ones * 2):
        found = compare_values(ones, other)
        assert found.distance == 1
        assert found.psi is not None
        assert found.psi > 5


def test_the_stability_index_of_two_equal_halves_is_that_of_the_textbook() -> None:
    reference, window = np.tile([0.0, 1.0], 5000), np.repeat([0.0, 1.0], [8000, 2000])
    psi = compare_values(reference, window).psi
    assert psi == pytest.approx((0.8 - 0.5) * np.log(0.8 / 0.5) + (0.2 - 0.5) * np.log(0.2 / 0.5), rel=1e-2)


def test_chance_alone_seldom_passes_what_chance_alone_gives() -> None:
    found = [compare_values(values(200, 2 * i), values(100, 2 * i + 1)) for i in range(300)]
    passed = sum(one.psi > one.psi_by_chance for one in found if one.psi and one.psi_by_chance)
    assert passed <= 12
    assert 3 <= sum(one.p_value < 0.05 for one in found) <= 30


def test_the_label_mix_is_held_apart_by_its_total_variation() -> None:
    found = compare_labels(np.repeat(["a", "b"], [50, 50]), np.repeat(["a", "b"], [75, 25]))
    assert found.distance == pytest.approx(0.25)
    assert found.p_value < 0.001


def test_a_label_that_only_the_window_has_counts() -> None:
    assert compare_labels(np.repeat(["a"], 100), np.repeat(["a", "new"], [70, 30])).distance == pytest.approx(0.3)


def test_rare_labels_are_taken_together_and_one_label_is_no_mix() -> None:
    many = np.array([f"class {number}" for number in range(100)])
    assert compare_labels(many, many[:50]) == Comparison(0.0, 1.0, 0.0, 0.0)
    assert compare_labels(np.repeat(["a"], 40), np.repeat(["a"], 40)) == Comparison(0.0, 1.0, 0.0, 0.0)


def test_a_classifier_tells_apart_what_moved_and_only_that() -> None:
    moved = compare_descriptions(rows(300, 0), rows(300, 1, 0.5))
    assert moved.distance > 0.5
    assert moved.p_value < 1e-6
    called = sum(compare_descriptions(rows(200, 2 * i), rows(200, 2 * i + 1)).p_value < 0.05 for i in range(200))
    assert called <= 20


def test_features_that_never_vary_tell_nothing_but_where_they_differ() -> None:
    constant = np.tile([1.0, 2.0, 3.0], (100, 1))
    assert compare_descriptions(constant, constant) == Comparison(0.0, 1.0)
    assert compare_descriptions(constant, constant * 2).distance == 1


def stability(reference: list[int], window: list[int]) -> float:
    """The population stability index of two rows of counts, each with half a record more in every bin."""
    p, q = ([(count + 0.5) / (sum(row) + 0.5 * len(row)) for count in row] for row in (reference, window))
    return sum((b - a) * math.log(b / a) for a, b in zip(p, q, strict=True))


def test_values_are_compared_by_kolmogorov_and_smirnov_and_over_the_deciles_of_the_reference() -> None:
    reference, window = np.arange(100.0), np.arange(55.0, 105.0)
    found, test = compare_values(reference, window), ks_2samp(reference, window, method="asymp")
    assert found.distance == pytest.approx(test.statistic)
    assert found.p_value == pytest.approx(test.pvalue)
    # Of the window, 5 values lie in the reference's sixth tenth, 10 in each of the next three, and 15 above.
    assert found.psi == pytest.approx(stability([10] * 10, [0, 0, 0, 0, 0, 5, 10, 10, 10, 15]))
    assert found.psi_by_chance == pytest.approx(chi2.ppf(0.99, 9) * (1 / 100 + 1 / 50))


def test_a_value_that_fills_several_deciles_has_a_bin_of_its_own() -> None:
    reference = np.repeat([1.0, 2.0, 3.0], [30, 40, 30])
    window = np.repeat([1.0, 1.5, 2.0, 3.0], [10, 10, 40, 40])
    # Bins below, at and above each of the values, and two more as the third and seventh decile lie between them.
    counts = [0, 30, 0, 0, 40, 0, 0, 30, 0], [0, 10, 10, 0, 40, 0, 0, 40, 0]
    assert compare_values(reference, window).psi == pytest.approx(stability(*counts))


def test_label_mixes_are_compared_by_their_counts_without_a_correction() -> None:
    found = compare_labels(np.repeat(["a", "b"], [60, 40]), np.repeat(["a", "b"], [20, 30]))
    expected = {"a": 80 / 150, "b": 70 / 150}
    counts = [("a", 100, 60), ("b", 100, 40), ("a", 50, 20), ("b", 50, 30)]
    statistic = sum((count - size * expected[name]) ** 2 / (size * expected[name]) for name, size, count in counts)
    assert found.distance == pytest.approx(0.2)
    assert found.p_value == pytest.approx(chi2.sf(statistic, 1))
    assert found.psi == pytest.approx(stability([60, 40], [20, 30]))
    assert found.psi_by_chance == pytest.approx(chi2.ppf(0.99, 1) * (1 / 100 + 1 / 50))


@pytest.mark.parametrize(("rare", "distance"), [(10, 0.2), (9, 0.0)])
def test_labels_that_are_expected_under_five_times_are_taken_together(rare: int, distance: float) -> None:
    reference = np.repeat(["a", "b"], [50 - rare, rare])
    window = np.repeat(["a", "c"], [50 - rare, rare])
    assert compare_labels(reference, window).distance == pytest.approx(distance)


def test_a_feature_counts_the_same_in_any_unit_and_one_that_never_varies_counts_nothing() -> None:
    reference, window = rows(60, 0), rows(80, 1, 0.3)
    found = compare_descriptions(reference, window)
    units = np.logspace(-6, 6, 20)

    def converted(features: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> np.ndarray:
        return np.column_stack([features * units + units, np.ones(len(features))])

    other = compare_descriptions(converted(reference), converted(window))
    assert other.distance == pytest.approx(found.distance)
    assert other.p_value == pytest.approx(found.p_value)
    assert 0 < found.distance < 1


def test_the_halves_that_are_ranked_are_tested_one_sided_by_the_normal_approximation() -> None:
    found = compare_descriptions(rows(12, 0)[:, :2], rows(15, 1, 1.0)[:, :2])
    # Halves of 6 and 7 are fitted, 6 and 8 are ranked.
    assert 0 < found.distance < 1
    pairs = 6 * 8
    above_chance = found.distance * pairs / 2
    assert above_chance + pairs / 2 == pytest.approx(round(above_chance + pairs / 2))
    assert found.p_value == pytest.approx(norm.sf((above_chance - 0.5) / math.sqrt(pairs * (6 + 8 + 1) / 12)))


def test_the_same_samples_always_compare_the_same_even_the_smallest() -> None:
    reference, window = rows(5, 0)[:, :2], rows(5, 1)[:, :2]
    assert compare_descriptions(reference, window) == compare_descriptions(reference, window)


@pytest.mark.parametrize("features", [1, 3])
def test_the_discriminant_weighs_a_difference_by_the_mean_covariance_and_a_tenth_of_a_variance(features: int) -> None:
    reference, window = rows(30, 0)[:, :features], rows(40, 1, 0.5)[:, :features]
    direction = two_sample._discriminant(reference, window)
    apart = window.mean(axis=0) - reference.mean(axis=0)
    centred = reference - reference.mean(axis=0), window - window.mean(axis=0)
    first, second = (part.T @ part / (len(part) - 1) for part in centred)
    assert ((first + second) / 2 + 0.1 * np.eye(features)) @ direction == pytest.approx(apart)
