"""Explanations: the cell that carries the answer is the cell that is marked."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from classifier.estimator import MirrorKernelRidge
from classifier.explain import explain
from classifier.familiarity import learn
from classifier.features import Block, Features, scattering_features
from classifier.model import SHAPES, Model
from classifier.threshold import recommend

SIDE, CELL = 48, 8
FEATURES = scattering_features(SIDE)
ROWS, COLUMNS = FEATURES.grid


def picture(label: int, cell: tuple[int, int], seed: int) -> NDArray[np.uint8]:
    """Noise, with stripes down (0) or across (1) in one cell."""
    pixels = np.random.default_rng(seed).integers(90, 160, (SIDE, SIDE, 3), dtype=np.uint8)
    down, across = cell[0] * CELL, cell[1] * CELL
    part = pixels[down : down + CELL, across : across + CELL]
    (part[::2] if label else part[:, ::2])[...] = 255
    return pixels


@pytest.fixture(scope="module")
def striped() -> Model:
    """Knows stripes down from stripes across in any cell."""
    cells = [divmod(number, COLUMNS) for number in range(ROWS * COLUMNS)] * 2
    codes = np.repeat([0, 1], len(cells))
    images = [picture(label, cell, seed) for seed, (label, cell) in enumerate(zip(codes, cells * 2, strict=True))]
    rows = FEATURES(np.stack(images))
    classifier = MirrorKernelRidge(mirrored=True).fit(rows, codes)
    return Model(
        labels=("down", "across"),
        features=FEATURES,
        gamma=classifier.gamma,
        slope=classifier.slope_,
        arrays={name: getattr(classifier, f"{name}_").astype(np.float32) for name in SHAPES},
        familiarity=learn(FEATURES.pooled(rows)),
        threshold=recommend(classifier.out_of_fold_proba_, codes, 0.02),
        metadata={},
    )


def explanation(model: Model, image: NDArray[np.uint8]) -> NDArray[np.float64]:
    return np.array(model.answer(image, explained=True)["explanation"])


@pytest.mark.parametrize("label", [0, 1])
@pytest.mark.parametrize("cell", [(0, 0), (0, COLUMNS - 1), (2, 4), (ROWS - 2, 1)])
def test_the_place_that_the_answer_rests_on_is_marked(striped: Model, cell: tuple[int, int], label: int) -> None:
    answer = striped.answer(picture(label, cell, 5000), explained=True)
    assert answer["probabilities"][label] > 0.7
    shares = np.array(answer["explanation"])
    assert shares.shape == FEATURES.grid
    assert shares.sum() == pytest.approx(1, abs=0.01)
    assert shares.min() >= 0
    # The windows of the features overlap, so that the cells around it see the stripes, too.
    around = shares[max(cell[0] - 1, 0) : cell[0] + 2, max(cell[1] - 1, 0) : cell[1] + 2]
    assert around.sum() > 0.35
    assert around.max() == shares.max()


def test_the_map_of_the_mirror_image_is_the_mirrored_map(striped: Model) -> None:
    image = picture(1, (1, 0), 6000)
    straight, mirrored = explanation(striped, image), explanation(striped, image[:, ::-1])
    np.testing.assert_allclose(mirrored, straight[:, ::-1], atol=1e-3)


def test_features_that_belong_to_no_single_cell_are_never_blanked() -> None:
    features = _features_of_four_cells()
    row = np.array([1, 2, 3, 4, 10, 0, 0, 0, 0, 0], np.float32)
    shares = explain(row, features, lambda rows: np.column_stack([rows.sum(1), -rows.sum(1)]).astype(float))
    # The sum of both halves is what describes the image itself; the 10 of the last column stay.
    np.testing.assert_allclose(shares, np.array([[1, 2], [3, 4]]) / 10)


def test_where_no_cell_speaks_for_the_answer_all_shares_are_0() -> None:
    features = _features_of_four_cells()
    row = np.array([-1, -1, -1, -1, 10, 0, 0, 0, 0, 0], np.float32)
    shares = explain(row, features, lambda rows: np.column_stack([rows.sum(1), -rows.sum(1)]).astype(float))
    np.testing.assert_array_equal(shares, np.zeros((2, 2)))


def test_the_margin_is_to_the_best_of_the_other_classes() -> None:
    features = _features_of_four_cells()
    row = np.array([4, 0, 0, 3, 0, 4, 0, 0, 3, 0], np.float32)
    first, last = np.zeros(10), np.zeros(10)
    first[[0, 5]] = last[[3, 8]] = 1

    def scores(rows: NDArray[np.float32]) -> NDArray[np.float64]:
        return np.column_stack([rows @ first, rows @ last, np.full(len(rows), 1.0)])

    shares = explain(row, features, scores)
    # Without cell 0 the answered class falls from 8 to 0, below the others at 6.
    assert shares[0, 0] == 1


def _features_of_four_cells() -> Features:
    """A 2 x 2 grid, one column a cell, and one column for all of them."""
    blocks = (Block(1, np.arange(4)), Block(1, np.array([-1])))
    return Features("four", 2, Image.Resampling.BICUBIC, (2, 2), blocks, lambda images: images.astype(np.float32))
