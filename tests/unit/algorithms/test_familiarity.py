"""Familiarity: few false alarms whatever the number of images, and other things found."""

import numpy as np
import pytest
from numpy.typing import NDArray

from classifier.familiarity import LIMIT, REFERENCES, learn

COLUMNS = 20


def images(count: int, draw: np.random.Generator, centre: float = 1.0) -> NDArray[np.float32]:
    """Pooled features around a direction of their own."""
    away = np.ones(COLUMNS) if centre > 0 else np.where(np.arange(COLUMNS) % 2, 1, -1)
    return (away + 0.3 * draw.normal(size=(count, COLUMNS))).astype(np.float32)


@pytest.mark.parametrize("count", [2, 3, 10, 19, 20, 40, 300])
def test_false_alarms_are_as_rare_as_promised_however_few_the_images(count: int) -> None:
    draw = np.random.default_rng(count)
    alarms = [(learn(images(count, draw)).score(images(50, draw)) < LIMIT).mean() for _ in range(100)]
    assert np.mean(alarms) < LIMIT + 0.015
    if count >= 40:
        assert np.mean(alarms) > LIMIT - 0.03


def test_other_things_are_unfamiliar_once_there_are_20_images() -> None:
    draw = np.random.default_rng(0)
    others = images(50, draw, centre=-1.0)
    assert (learn(images(20, draw)).score(others) < LIMIT).all()
    # The lowest that 18 images and the one in question can give is 1 in 19.
    np.testing.assert_allclose(learn(images(18, draw)).score(others), 1 / 19)


def test_an_image_like_most_scores_high_and_one_at_the_edge_low() -> None:
    draw = np.random.default_rng(0)
    known = learn(images(200, draw))
    middle, edge = np.ones((1, COLUMNS), np.float32), images(1, draw) + 1.5 * np.eye(COLUMNS, dtype=np.float32)[:1]
    assert known.score(middle)[0] > 0.95
    assert known.score(edge)[0] < 0.3


def test_brightness_and_contrast_of_features_do_not_count() -> None:
    draw = np.random.default_rng(0)
    known, some = learn(images(50, draw)), images(20, draw)
    np.testing.assert_allclose(known.score(some), known.score(3 * some))


def test_images_that_are_all_the_same_are_familiar_and_nothing_else_is() -> None:
    known = learn(np.ones((30, COLUMNS), np.float32))
    assert known.score(np.ones((1, COLUMNS), np.float32))[0] > LIMIT
    assert known.score(-np.ones((1, COLUMNS), np.float32))[0] < LIMIT


def test_features_of_length_0_are_judged() -> None:
    known = learn(np.zeros((2, COLUMNS), np.float32))
    assert np.isfinite(known.score(np.zeros((1, COLUMNS), np.float32))).all()


def test_of_many_images_some_of_each_part_are_kept() -> None:
    pooled = np.eye(REFERENCES + 501, 4, dtype=np.float32) + np.float32(0.1)
    known = learn(np.concatenate([pooled, pooled[::-1]]))
    assert known.references.shape == (REFERENCES, 4)
    assert known.distances.shape == (REFERENCES,)
    assert (np.diff(known.distances) >= 0).all()


def test_a_score_does_not_depend_on_the_images_judged_with_it() -> None:
    draw = np.random.default_rng(0)
    known, some = learn(images(50, draw)), images(20, draw)
    np.testing.assert_array_equal(known.score(some), [known.score(row[np.newaxis])[0] for row in some])
