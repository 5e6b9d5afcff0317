"""Features by choice: one interface, whose grid tells where in the image a column looks."""

import numpy as np
import pytest
from numpy.typing import NDArray

from classifier.features import KINDS, Features, backbone_features, scattering_features
from classifier.network import Network


@pytest.fixture(params=["backbone", *KINDS["scattering"].sides])
def features(request: pytest.FixtureRequest, network: Network) -> Features:
    return backbone_features(network) if request.param == "backbone" else scattering_features(request.param)


def noise(features: Features, count: int = 2) -> NDArray[np.uint8]:
    size = (count, features.side, features.side, 3)
    return np.random.default_rng(0).integers(0, 256, size, dtype=np.uint8)


def mirrored_cells(features: Features) -> NDArray[np.intp]:
    rows, columns = features.grid
    swapped = np.arange(rows * columns).reshape(rows, columns)[:, ::-1].ravel()
    return np.where(features.cells < 0, -1, swapped[features.cells])


def test_each_column_of_a_half_has_a_cell_of_the_grid(features: Features) -> None:
    rows = features(noise(features))
    assert rows.dtype == np.float32
    assert rows.shape == (2, 2 * len(features.cells))
    cells = {*features.cells.tolist(), *mirrored_cells(features).tolist()}
    assert cells - {-1} == set(range(np.prod(features.grid)))


def test_mirroring_leaves_the_even_half_and_turns_the_sign_of_the_odd(features: Features) -> None:
    images = noise(features)
    half = len(features.cells)
    straight, mirrored = features(images), features(images[:, :, ::-1])
    np.testing.assert_allclose(mirrored[:, :half], straight[:, :half], atol=0.02)
    np.testing.assert_allclose(mirrored[:, half:], -straight[:, half:], atol=0.02)


def test_a_change_in_a_corner_shows_most_in_the_cell_that_lies_there(features: Features) -> None:
    images = noise(features, 1) // 4 + 96
    changed = images.copy()
    corner = features.side // features.grid[0]
    changed[:, :corner, :corner] = 255 - changed[:, :corner, :corner] // 8
    even, odd = np.split(features(changed)[0] - features(images)[0], 2)
    change = np.zeros(np.prod(features.grid))
    for parts, cells in ((even + odd, features.cells), (even - odd, mirrored_cells(features))):
        np.add.at(change, cells[cells >= 0], np.square(parts)[cells >= 0])
    assert change.argmax() == 0


def test_pooling_averages_the_even_half_over_the_cells(features: Features) -> None:
    rows = features(noise(features))
    pooled = features.pooled(rows)
    assert pooled.shape == (2, sum(block.channels for block in features.blocks))
    first = features.blocks[0]
    np.testing.assert_allclose(pooled[:, 0], rows[:, : len(first.cells)].mean(1), rtol=1e-5)
    last = features.blocks[-1]
    half = rows.shape[1] // 2
    np.testing.assert_allclose(pooled[:, -1], rows[:, half - len(last.cells) : half].mean(1), rtol=1e-5)


def test_the_shares_of_the_columns_sum_to_1_and_those_of_a_pair_are_the_same(features: Features) -> None:
    assert features.shares.sum() == pytest.approx(1)
    even, odd = np.split(features.shares, 2)
    np.testing.assert_array_equal(even, odd)
    of_blocks = np.add.reduceat(even, np.cumsum([0, *(block.size for block in features.blocks[:-1])]))
    weights = np.array([block.weight for block in features.blocks])
    np.testing.assert_allclose(of_blocks, weights / weights.sum() / 2)
