"""The transform: shapes, mirroring, and the angles of its wavelets."""

import numpy as np
import pytest
from numpy.typing import NDArray

from classifier import scattering
from classifier.scattering import CHUNK, features


def noise(count: int, side: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


@pytest.mark.parametrize(("side", "columns"), [(16, 732), (32, 2928), (48, 6588), (64, 11712)])
def test_columns_grow_with_the_number_of_windows(side: int, columns: int) -> None:
    assert features(noise(2, side)).shape == (2, columns)


@pytest.mark.parametrize("side", [16, 32, 48, 64])
def test_mirroring_leaves_the_first_half_and_turns_the_sign_of_the_second(side: int) -> None:
    images = noise(3, side)
    straight, mirrored = features(images), features(images[:, :, ::-1])
    half = straight.shape[1] // 2
    # The logarithm magnifies what single precision rounds.
    np.testing.assert_allclose(mirrored[:, :half], straight[:, :half], atol=0.01)
    np.testing.assert_allclose(mirrored[:, half:], -straight[:, half:], atol=0.01)
    assert np.abs(straight[:, half:]).max() > 0.1


def test_an_image_has_the_same_features_alone_and_in_a_batch() -> None:
    images = noise(2 * CHUNK + 1, 32)
    batch = features(images)
    alone = np.concatenate([features(image[np.newaxis]) for image in images])
    np.testing.assert_allclose(batch, alone, atol=1e-4)


def test_an_image_of_one_colour_has_its_colour_and_no_texture() -> None:
    grey = np.full((1, 32, 32, 3), 100, np.uint8)
    coefficients = scattering._scatter(grey)
    np.testing.assert_allclose(coefficients[0, 0, 0], 100 / 255 * np.sqrt(3), rtol=1e-5)
    np.testing.assert_allclose(coefficients[0, 1:, 0], 0, atol=1e-6)
    np.testing.assert_allclose(coefficients[0, :, 1:], np.log(scattering.LOG_FLOOR), atol=0.01)


def test_a_grating_answers_most_at_its_own_angle() -> None:
    rows, columns = np.mgrid[:32, :32]
    for angle in range(scattering.ANGLES):
        direction = np.pi * (angle + 0.5) / scattering.ANGLES - np.pi / 2
        phase = 0.75 * np.pi * (columns * np.cos(direction) + rows * np.sin(direction))
        grating = np.repeat((127 + 100 * np.cos(phase))[np.newaxis, :, :, np.newaxis], 3, axis=3).astype(np.uint8)
        first_order = scattering._scatter(grating)[0, 0, 1 : 1 + scattering.ANGLES, 1:-1, 1:-1].mean((1, 2))
        assert first_order.argmax() == angle


def test_moving_by_a_pixel_changes_features_less_than_pixels() -> None:
    image = noise(1, 34)
    image = np.repeat(np.repeat(image[:, ::2, ::2], 2, axis=1), 2, axis=2)
    here, there = image[:, 1:33, 1:33], image[:, 1:33, 2:34]

    def change(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
        return float(np.linalg.norm(a - b) / np.linalg.norm(a - a.mean()))

    moved = change(features(here).astype(float), features(there).astype(float))
    assert moved < change(here.astype(float), there.astype(float)) / 3
