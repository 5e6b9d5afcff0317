import cmath
import io
import math
import statistics

import numpy as np
import pytest
from PIL import Image, ImageFilter

from imaging.decoding import model_input
from monitoring.drift.measures import BATCH_PIXELS, MEASURES, Images, measure, prepared
from tests.images import encoded, gradient


def noise(count: int, side: int = 32) -> Images:
    return np.random.default_rng(0).integers(40, 200, (count, side, side, 3), dtype=np.uint8)


def named(images: Images) -> dict[str, float]:
    measures, _ = measure(images, np.ones(len(images)))
    return dict(zip(MEASURES, measures.mean(axis=0), strict=True))


def test_a_brighter_image_is_brighter_by_as_much_and_nothing_else() -> None:
    before, after = named(noise(4)), named(noise(4) + 20)
    assert after.pop("brightness") - before.pop("brightness") == pytest.approx(20)
    assert after == pytest.approx(before)


def test_a_blurred_image_is_less_sharp() -> None:
    blurred = np.stack([np.asarray(Image.fromarray(i).filter(ImageFilter.GaussianBlur(1))) for i in noise(4)])
    assert named(blurred)["sharpness"] < named(noise(4))["sharpness"] - 2


def test_a_grey_image_has_no_colour_and_a_flat_one_no_contrast() -> None:
    grey = named(np.repeat(noise(2)[..., :1], 3, axis=3))
    assert [grey[name] for name in ("colourfulness", "red to green", "yellow to blue")] == [0, 0, 0]
    flat = named(np.full((1, 32, 32, 3), 7, dtype=np.uint8))
    assert flat["brightness"] == pytest.approx(7)
    assert flat["contrast"] == pytest.approx(0)
    assert all(np.isfinite(value) for value in flat.values())


def test_an_image_is_measured_alike_alone_and_in_a_crowd() -> None:
    images = noise(BATCH_PIXELS // 256 + 1, 16)
    measures, descriptions = measure(images, np.ones(len(images)))
    alone, description = measure(images[-1:], [1])
    assert measures[-1] == pytest.approx(alone[0])
    assert descriptions[-1] == pytest.approx(description[0])


def test_no_images_have_no_measures() -> None:
    measures, descriptions = measure(noise(0), [])
    assert measures.shape == (0, len(MEASURES))
    assert descriptions.shape[1] == measure(noise(1), [1])[1].shape[1]


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1"])
def test_an_image_of_any_mode_and_size_is_prepared_and_keeps_its_aspect(mode: str) -> None:
    pixels, aspect = prepared(Image.new(mode, (80, 40)), 32)
    assert (pixels.shape, pixels.dtype.name, aspect) == ((16, 32, 3), "uint8", 2)
    pixels, aspect = prepared(Image.new(mode, (80, 40)), 32, exact=True)
    assert (pixels.shape, pixels.dtype.name, aspect) == ((32, 32, 3), "uint8", 2)


@pytest.mark.parametrize("size", [(1, 1), (2, 500), (500, 2), (15, 17), (224, 100)])
def test_an_image_of_any_size_has_finite_measures(size: tuple[int, int]) -> None:
    measures, descriptions = measure([prepared(gradient(*size), 224)[0]], [size[0] / size[1]])
    assert np.isfinite(measures).all()
    assert np.isfinite(descriptions).all()


def test_images_of_different_sizes_are_each_measured_as_alone_and_in_order() -> None:
    images = [prepared(gradient(*size), 64)[0] for size in ((32, 32), (64, 20), (20, 64), (32, 32), (50, 50))]
    measures, descriptions = measure(images, [1, 2, 3, 4, 5])
    assert measures[:, -1].tolist() == [1, 2, 3, 4, 5]
    for place, image in enumerate(images):
        alone, description = measure([image], [place + 1])
        assert measures[place] == pytest.approx(alone[0])
        assert descriptions[place] == pytest.approx(description[0])


def test_an_image_of_the_models_size_keeps_its_pixels_and_another_is_resized_as_the_workflow_does_it() -> None:
    picture = Image.fromarray(np.random.default_rng(4).integers(0, 256, (320, 480, 3), dtype=np.uint8))
    for exact in (False, True):
        given = Image.open(io.BytesIO(model_input(encoded(picture), 32, exact=exact).png))
        assert np.array_equal(prepared(picture, 32, exact=exact)[0], np.asarray(given))
        assert np.array_equal(prepared(given, 32, exact=exact)[0], np.asarray(given))


Plane = list[list[float]]


def planes(image: Images) -> tuple[Plane, Plane, Plane]:
    """Lightness by Rec. 601, red less green, and yellow less blue, pixel by pixel."""
    values = image.astype(float).tolist()
    return (
        [[0.299 * r + 0.587 * g + 0.114 * b for r, g, b in row] for row in values],
        [[r - g for r, g, b in row] for row in values],
        [[(r + g) / 2 - b for r, g, b in row] for row in values],
    )


def flat(plane: Plane) -> list[float]:
    return [value for row in plane for value in row]


def sharpness(luma: Plane) -> float:
    inner = range(1, len(luma) - 1)
    laplacian = [
        luma[y - 1][x] + luma[y + 1][x] + luma[y][x - 1] + luma[y][x + 1] - 4 * luma[y][x] for y in inner for x in inner
    ]
    return math.log(statistics.pvariance(laplacian) + 0.25)


def band_powers(plane: Plane) -> list[float]:
    """The Fourier transform by its definition, over the half of the frequencies that a real plane has."""
    side, mean = len(plane), statistics.fmean(flat(plane))
    bands: list[list[float]] = [[] for _ in range(8)]
    for v in range(side):
        for u in range(side // 2 + 1):
            total = sum(
                (plane[y][x] - mean) * cmath.exp(-2j * math.pi * (u * x + v * y) / side)
                for y in range(side)
                for x in range(side)
            )
            frequency = math.hypot(min(v, side - v) / side, u / side)
            bands[min(int(frequency * 16), 7)].append(abs(total) ** 2 / side**2)
    return [math.log(statistics.fmean(band) + 0.25) for band in bands]


def slope(values: list[float], at: int) -> float:
    before, after = max(at - 1, 0), min(at + 1, len(values) - 1)
    return (values[after] - values[before]) / (after - before)


def orientations(luma: Plane) -> list[float]:
    """The strength of the gradients by orientation, eight from 0 to 180 degrees, in each quarter of the image."""
    side, columns = len(luma), [list(column) for column in zip(*luma, strict=True)]
    sums = [0.0] * 32
    for y in range(side):
        for x in range(side):
            across, down = slope(luma[y], x), slope(columns[x], y)
            turn = math.atan2(down, across) / math.pi % 1
            quarter = (y >= side / 2) * 2 + (x >= side / 2)
            sums[quarter * 8 + int(turn * 8)] += math.hypot(across, down)
    return [math.sqrt(one / (sum(sums) + 0.25)) for one in sums]


def test_measures_and_descriptions_are_what_their_definitions_say() -> None:
    random = np.random.default_rng(3)
    image = random.integers([60, 20, 100], [220, 140, 130], (16, 16, 3)).astype(np.uint8)
    luma, red_green, yellow_blue = planes(image)
    spreads, means = (
        [one(flat(plane)) for plane in (red_green, yellow_blue)] for one in (statistics.pstdev, statistics.fmean)
    )
    named = [
        statistics.fmean(flat(luma)),
        statistics.pstdev(flat(luma)),
        sharpness(luma),
        math.hypot(*spreads) + 0.3 * math.hypot(*means),
        *means,
    ]
    powers = [power for plane in (luma, red_green, yellow_blue) for power in band_powers(plane)]
    measures, descriptions = measure(np.stack([image, image]), [1.5, 2.0])
    assert measures.tolist() == [pytest.approx([*named, 1.5]), pytest.approx([*named, 2.0])]
    assert descriptions[0] == pytest.approx([*named, *powers, *orientations(luma)])
    assert descriptions[1] == pytest.approx(descriptions[0])
