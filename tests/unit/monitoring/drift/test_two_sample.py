import numpy as np
import pytest

from monitoring.drift.two_sample import compare_descriptions, compare_labels, compare_values


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
    assert compare_values(ones, ones).p_value == 1
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
    assert compare_labels(many, many[:50]).p_value == 1
    assert compare_labels(np.repeat(["a"], 40), np.repeat(["a"], 40)).p_value == 1


def test_a_classifier_tells_apart_what_moved_and_only_that() -> None:
    moved = compare_descriptions(rows(300, 0), rows(300, 1, 0.5))
    assert moved.distance > 0.5
    assert moved.p_value < 1e-6
    called = sum(compare_descriptions(rows(200, 2 * i), rows(200, 2 * i + 1)).p_value < 0.05 for i in range(200))
    assert called <= 20


def test_features_that_never_vary_tell_nothing_but_where_they_differ() -> None:
    constant = np.ones((100, 3))
    assert compare_descriptions(constant, constant).p_value == 1
    assert compare_descriptions(constant, constant * 2).distance == 1
